package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// Error is one thing that is wrong in the repository.
type Error struct {
	Pos  mesh.Pos   // the user's line; zero when the error is of no file
	Also []mesh.Pos // other lines that take part
	Rule string     // stable word for machines: "unknown-field", "duplicate-address", …
	Msg  string     // the rule in words, with the names it is about
	Hint string     // what to do; may be empty
}

// String is the error as validate prints it.
func (e Error) String() string {
	var b strings.Builder
	if !e.Pos.IsZero() {
		b.WriteString(e.Pos.String() + ": ")
	}
	b.WriteString(e.Msg)
	for _, p := range e.Also {
		b.WriteString("\n    see " + p.String())
	}
	if e.Hint != "" {
		b.WriteString("\n    hint: " + e.Hint)
	}
	return b.String()
}

// Errors is all that is wrong, sorted by position.
type Errors struct{ List []Error }

// maxShown bounds how many errors the text lists; List has all of them.
const maxShown = 20

// Error lists the errors, one block each, and their number.
func (e *Errors) Error() string {
	var b strings.Builder
	for i, x := range e.List {
		if i == maxShown {
			fmt.Fprintf(&b, "and %d more\n", len(e.List)-maxShown)
			break
		}
		b.WriteString(x.String() + "\n")
	}
	if len(e.List) == 1 {
		b.WriteString("1 error")
	} else {
		fmt.Fprintf(&b, "%d errors", len(e.List))
	}
	return b.String()
}

// collector gathers errors and drops repetitions.
type collector struct {
	list []Error
	seen map[string]bool
}

func (c *collector) add(e Error) {
	key := e.Pos.String() + "\x00" + e.Msg
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	if c.seen[key] {
		return
	}
	c.seen[key] = true
	c.list = append(c.list, e)
}

func (c *collector) any() bool { return len(c.list) > 0 }

const onHost pattern = ` on [a-z0-9][a-z0-9-]*|^host [a-z0-9][a-z0-9-]*`

// acrossHosts joins errors that differ in their host only: the mistake is in the role.
func acrossHosts(in []Error) []Error {
	first, more := map[string]int{}, map[string]int{}
	var out []Error
	for _, e := range in {
		key := e.Rule + "\x00" + onHost.replace(e.Msg, "")
		role := strings.Contains(e.Msg, "role")
		if strings.HasPrefix(e.Msg, "host ") { // only if one line makes all of them
			key, role = key+e.Pos.String(), !e.Pos.IsZero()
		}
		if i, ok := first[key]; ok && role && e.Pos.File == out[i].Pos.File {
			more[key]++
			continue
		}
		first[key] = len(out)
		out = append(out, e)
	}
	for key, n := range more {
		e := &out[first[key]]
		e.Also = nil
		e.Msg += fmt.Sprintf(" (and %d more of the same)", n)
	}
	return out
}

// err returns all errors sorted by position, or nil.
func (c *collector) err() error {
	if !c.any() {
		return nil
	}
	c.list = acrossHosts(c.list)
	slices.SortStableFunc(c.list, func(a, b Error) int {
		return cmp.Or(comparePos(a.Pos, b.Pos), cmp.Compare(a.Msg, b.Msg))
	})
	return &Errors{List: c.list}
}

func comparePos(a, b mesh.Pos) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
}
