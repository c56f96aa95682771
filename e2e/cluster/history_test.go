//go:build linux

package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
)

// A seen is one answer that a client of ZooKeeper got: a node had this value as of this version,
// by this transaction.
type seen struct {
	session     int64
	node, value string
	version     int32
	transaction int64
	wrote       bool // it is the acknowledgement of a write
}

func (s seen) String() string {
	did := "read"
	if s.wrote {
		did = "wrote"
	}
	return fmt.Sprintf("session %#x %s %s version %d = %s by %#x", s.session, did, s.node, s.version, s.value, s.transaction)
}

// broken lists where a history, in the order of each session, and what is there at its end, by
// node, break what ZooKeeper promises: what a session saw never goes back, a version of a node
// is one value for all and for ever, and what was acknowledged is there.
func broken(history []seen, end map[string]seen) []string {
	out := goesBack(history)
	type version struct {
		node   string
		number int32
	}
	values := map[version]seen{}
	for _, s := range append(slices.Clone(history), slices.Collect(maps.Values(end))...) {
		v := version{s.node, s.version}
		other, known := values[v]
		if known && (other.value != s.value || other.transaction != s.transaction) {
			out = append(out, fmt.Sprintf("one version, two values: %s; %s", other, s))
		}
		if !known {
			values[v] = s
		}
	}
	for _, s := range history {
		if last, ok := end[s.node]; !ok || last.version < s.version {
			out = append(out, fmt.Sprintf("lost: %s; at the end: %s", s, last))
		}
	}
	return out
}

// goesBack lists where a session saw an older state than before, of any node.
func goesBack(history []seen) []string {
	type view struct {
		session int64
		node    string
	}
	var out []string
	newest := map[view]seen{}
	for _, s := range history {
		v := view{s.session, s.node}
		last, known := newest[v]
		if known && cmp.Or(cmp.Compare(s.version, last.version), cmp.Compare(s.transaction, last.transaction)) < 0 {
			out = append(out, fmt.Sprintf("went back: %s; then %s", last, s))
			continue
		}
		if known && s.wrote && s.version == last.version {
			out = append(out, fmt.Sprintf("a write took the version of what was there: %s; then %s", last, s))
		}
		newest[v] = s
	}
	return out
}

func TestAHistoryTellsWhatIsBroken(t *testing.T) {
	write := func(session int64, value string, version int32, transaction int64) seen {
		return seen{session, "/a", value, version, transaction, true}
	}
	read := func(session int64, value string, version int32, transaction int64) seen {
		return seen{session, "/a", value, version, transaction, false}
	}
	end := func(value string, version int32, transaction int64) map[string]seen {
		return map[string]seen{"/a": read(0, value, version, transaction)}
	}
	for name, x := range map[string]struct {
		history []seen
		end     map[string]seen
		want    int
	}{
		"all is well":                                  {[]seen{write(1, "x", 1, 5), read(2, "x", 1, 5), write(1, "y", 2, 7), read(1, "y", 2, 7)}, end("y", 2, 7), 0},
		"another session may be behind":                {[]seen{write(1, "x", 1, 5), write(1, "y", 2, 7), read(2, "x", 1, 5)}, end("y", 2, 7), 0},
		"a write of which nobody knows":                {[]seen{write(1, "x", 1, 5), write(1, "z", 3, 9)}, end("z", 3, 9), 0},
		"the last write is lost":                       {[]seen{write(1, "x", 1, 5), write(1, "y", 2, 7)}, end("x", 1, 5), 1},
		"a write is lost, and another in its place":    {[]seen{write(1, "x", 1, 5), write(2, "y", 1, 6)}, end("y", 1, 6), 2},
		"a session reads what was before":              {[]seen{read(2, "y", 2, 7), read(2, "x", 1, 5)}, end("y", 2, 7), 1},
		"one reads again what it wrote before":         {[]seen{write(1, "y", 2, 7), read(1, "x", 1, 5)}, end("y", 2, 7), 1},
		"a version that grows by an older transaction": {[]seen{read(1, "x", 1, 5), read(1, "x", 1, 4)}, end("x", 1, 5), 2},
		"the node is gone":                             {[]seen{write(1, "x", 1, 5)}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := broken(x.history, x.end); len(got) != x.want {
				t.Errorf("got %d, want %d: %q", len(got), x.want, got)
			}
		})
	}
}
