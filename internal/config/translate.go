package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/token"

	"meshsync.dev/meshsync/internal/mesh"
)

// position turns a position of CUE's into one of the user's: relative to the module's root.
func position(p token.Pos) mesh.Pos {
	if !p.IsValid() {
		return mesh.Pos{}
	}
	name, ok := strings.CutPrefix(p.Filename(), root+"/")
	if !ok {
		return mesh.Pos{}
	}
	return mesh.Pos{File: name, Line: p.Line(), Col: p.Column()}
}

// users reports whether a position is in a file that the user writes.
func users(p mesh.Pos) bool {
	return !p.IsZero() && !strings.HasPrefix(p.File, "cue.mod/pkg/"+vendoredPath+"/")
}

const vendoredPath = "meshsync.dev"

func message(e errors.Error) string {
	format, args := e.Msg()
	return fmt.Sprintf(format, args...)
}

// positions lists the user's positions of an error first, then the shipped ones.
func positions(e errors.Error) (mine, shipped []mesh.Pos) {
	all := append([]token.Pos{e.Position()}, e.InputPositions()...)
	for _, t := range all {
		p := position(t)
		switch {
		case p.IsZero():
		case users(p) && !slices.Contains(mine, p):
			mine = append(mine, p)
		case !users(p) && !slices.Contains(shipped, p):
			shipped = append(shipped, p)
		}
	}
	return mine, shipped
}

// translator turns errors of the evaluator into errors for people.
type translator struct {
	// known returns the field names that are allowed at a path, for hints.
	known func(path []string) []string
	// at finds the user's position of a path for errors that have none.
	at func(path []string) mesh.Pos
	// app is the key of the app that is checked; "" when it is the mesh. After
	// unification with the contract an app's path begins with the definition.
	app string
	// literal reports whether a value is written out at a position.
	literal func(mesh.Pos) bool
}

// valueAt is where the value is written that is in all n errors of a choice: the
// options differ from error to error, and what embeds them is no literal.
func (t translator) valueAt(ps []mesh.Pos, n int) mesh.Pos {
	count := map[mesh.Pos]int{}
	for _, p := range ps {
		count[p]++
	}
	for _, p := range ps {
		if count[p] >= n && t.literal(p) {
			return p
		}
	}
	return ps[0]
}

// path is the path at which the user knows the thing.
func (t translator) path(e errors.Error) []string {
	path := trimDefinition(e.Path())
	if t.app == "" {
		return inRole(path)
	}
	if len(path) > 1 && path[0] == "apps" {
		path = path[2:]
	}
	return append([]string{"apps", t.app}, path...)
}

// add translates all errors in err. Cascades are folded: of the errors of one role on
// one host only those with a line of the user's count, and one error per path.
func (t translator) add(c *collector, err error) {
	var withLine, without []Error
	taken := map[string]bool{}
	choices := t.choices(err)
	for _, e := range errors.Errors(err) {
		mine, _ := positions(e)
		x := t.translate(e)
		if c, ok := choices[strings.Join(t.path(e), ".")]; ok && x.Rule == "conflict" {
			x.Rule, x.Msg = "value", fmt.Sprintf("%s is %s, and must be one of %s", subject(t.path(e)), c.value, strings.Join(c.options, ", "))
			x.Pos, x.Also = c.pos, nil
			x.Hint = didYouMean(unquote(c.value), unquoteAll(c.options))
		}
		key := scope(t.path(e)) + "\x00" + x.Rule
		if len(mine) > 0 {
			withLine = append(withLine, x)
			taken[scope(t.path(e))] = true
			continue
		}
		if !taken[key] {
			taken[key] = true
			without = append(without, x)
		}
	}
	for _, x := range foldSummaries(withLine) {
		c.add(x)
	}
	if len(withLine) > 0 {
		return
	}
	for _, x := range without {
		c.add(x)
	}
}

// choice is a value that is none of the options that a disjunction allows.
type choice struct {
	value   string
	options []string
	pos     mesh.Pos
}

// choices finds, by path, the values that fit no branch of a disjunction of plain
// values: the evaluator reports a conflict with each of them.
func (t translator) choices(err error) map[string]choice {
	seen := map[string][][2]string{}
	at := map[string][]mesh.Pos{}
	for _, e := range errors.Errors(err) {
		m := reMismatch.FindStringSubmatch(message(e))
		if m == nil || m[3] != "" {
			continue
		}
		key := strings.Join(t.path(e), ".")
		seen[key] = append(seen[key], [2]string{m[1], m[2]})
		mine, _ := positions(e)
		at[key] = append(at[key], mine...)
	}
	out := map[string]choice{}
	for key, pairs := range seen {
		if len(pairs) < 2 {
			continue
		}
		if c, ok := common(pairs); ok {
			c.pos = t.valueAt(at[key], len(pairs))
			out[key] = c
		}
	}
	return out
}

// common is the value that is in every pair, and the others.
func common(pairs [][2]string) (choice, bool) {
	for i := range 2 {
		c := choice{value: pairs[0][i]}
		for _, p := range pairs {
			switch c.value {
			case p[0]:
				c.options = append(c.options, p[1])
			case p[1]:
				c.options = append(c.options, p[0])
			default:
				c.value = ""
			}
		}
		if c.value != "" && len(c.options) == len(pairs) {
			slices.Sort(c.options)
			c.options = slices.Compact(c.options)
			return c, true
		}
	}
	return choice{}, false
}

// scope is what cascades stay within: one role on one host, or the path itself.
func scope(path []string) string {
	if len(path) > 3 && path[0] == "out" {
		path = path[:3]
	}
	return strings.Join(path, ".")
}

// foldSummaries drops the line "N errors in empty disjunction" and keeps one error per line.
func foldSummaries(es []Error) []Error {
	byLine := map[string]Error{}
	var order []string
	for _, e := range es {
		if e.Rule == "summary" {
			continue
		}
		key := fmt.Sprintf("%s:%d", e.Pos.File, e.Pos.Line)
		if e.Rule == "unknown-field" { // several names of one line may be wrong
			key = e.Pos.String()
		}
		old, ok := byLine[key]
		if !ok {
			order = append(order, key)
		}
		if !ok || rank(e.Rule) < rank(old.Rule) {
			byLine[key] = e
		}
	}
	var out []Error
	for _, k := range order {
		out = append(out, byLine[k])
	}
	if len(out) == 0 {
		return es
	}
	return out
}

// rank puts the more telling of two errors of one line first.
func rank(rule string) int {
	return slices.Index([]string{"unknown-field", "unknown-reference", "type", "value", "conflict", "cycle", "missing", "evaluation"}, rule)
}

// trimDefinition drops a leading definition such as #App from a path.
func trimDefinition(path []string) []string {
	for len(path) > 0 && strings.HasPrefix(path[0], "#") {
		path = path[1:]
	}
	return path
}

// inRole turns the path of an error inside a role's definition into that of what the
// role makes, on no particular host.
func inRole(path []string) []string {
	if len(path) >= 2 && (path[1] == "yield" || path[1] == "over" || path[1] == "cfg") {
		return append([]string{"out", ""}, path...)
	}
	return path
}

var (
	reMismatch = regexp.MustCompile(`^conflicting values (.+?) and (.+?)(?: \(mismatched types (.+) and (.+)\))?$`)
	reBound    = regexp.MustCompile(`^invalid value (.+) \((?:out of bound|does not match|not in) (.+)\)$`)
	reNotFound = regexp.MustCompile(`^reference "(.+)" not found$`)
	reUnused   = regexp.MustCompile(`^imported and not used: "(.+)"`)
)

func (t translator) translate(e errors.Error) Error {
	path := t.path(e)
	msg := message(e)
	mine, shipped := positions(e)
	out := Error{Rule: "evaluation", Msg: subject(path) + ": " + msg}
	if len(path) == 0 {
		out.Msg = msg
	}
	switch {
	case len(mine) > 0:
		out.Pos = mine[len(mine)-1]
		out.Pos, out.Also = mine[0], others(mine)
	default:
		if out.Pos = t.at(path); out.Pos.IsZero() && len(shipped) > 0 {
			out.Pos = shipped[0]
		}
	}
	t.rephrase(&out, path, msg)
	return out
}

func others(ps []mesh.Pos) []mesh.Pos {
	if len(ps) < 2 || len(ps) > 4 {
		return nil // a value with many sources: the list would hide the point
	}
	return ps[1:]
}

// rephrase says the evaluator's most frequent messages in words of the domain.
func (t translator) rephrase(out *Error, path []string, msg string) {
	what := subject(path)
	switch {
	case strings.HasSuffix(msg, "field not allowed"):
		out.Rule, out.Also = "unknown-field", nil
		out.Msg = unknownField(path)
		if len(path) > 0 {
			out.Hint = didYouMean(path[len(path)-1], t.known(path))
		}
	case strings.Contains(msg, "errors in empty disjunction"):
		out.Rule = "summary"
	case strings.Contains(msg, "cycle"):
		out.Rule, out.Msg = "cycle", what+" depends on itself"
	case strings.Contains(msg, "field is required but not present"):
		out.Rule, out.Msg = "missing", what+" is missing"
	case strings.HasSuffix(msg, "import failed"):
		out.Rule, out.Msg = "import", "a package that is imported cannot be read"
		out.Hint = "is the path right, and is it in this module or below cue.mod/pkg?"
	case strings.HasPrefix(msg, "incomplete value"), strings.HasPrefix(msg, "non-concrete value"), strings.HasPrefix(msg, "undefined field"):
		out.Rule, out.Msg = "missing", what+" has no concrete value: "+msg
		if len(path) > 0 && path[0] == "apps" {
			out.Hint = "if it comes from a template, give the template what it needs"
		}
		if strings.HasPrefix(msg, "undefined field") {
			out.Rule, out.Msg = "unknown-reference", what+" uses a field that does not exist ("+strings.TrimPrefix(msg, "undefined field: ")+")"
		}
	case reNotFound.MatchString(msg):
		out.Rule, out.Msg = "unknown-reference", fmt.Sprintf("the name %q is not defined here", reNotFound.FindStringSubmatch(msg)[1])
		out.Hint = "a string needs quotes; a package needs an import"
	case reUnused.MatchString(msg):
		out.Rule, out.Msg = "unused-import", fmt.Sprintf("%q is imported and not used", reUnused.FindStringSubmatch(msg)[1])
		out.Hint = "remove the import"
	case reBound.MatchString(msg):
		m := reBound.FindStringSubmatch(msg)
		out.Rule, out.Msg = "value", fmt.Sprintf("%s is %s, and must be %s", what, m[1], bound(m[2]))
	case reMismatch.MatchString(msg):
		m := reMismatch.FindStringSubmatch(msg)
		out.Rule, out.Msg = "conflict", fmt.Sprintf("%s is given two values, %s and %s", what, m[1], m[2])
		if m[3] != "" {
			out.Rule, out.Msg = "type", fmt.Sprintf("%s is %s, and the contract says %s", what, typed(m), expected(m))
		}
	}
}

// bound says a constraint in words where that is shorter to read than CUE.
func bound(b string) string {
	switch b {
	case `=~"^0[0-7]{3}$"`:
		return `four octal digits, such as "0644"`
	case `=~"^([0-9]+(ms|s|m|h))+$"`:
		return `a time with a unit, such as "30s"`
	}
	if rest, ok := strings.CutPrefix(b, "=~"); ok {
		return "of the form " + rest
	}
	if rest, ok := strings.CutPrefix(b, "!="); ok {
		return "other than " + rest
	}
	return b
}

// typed and expected tell which of two mismatched values is the user's: the concrete one.
func typed(m []string) string {
	if isType(m[1]) {
		return m[2]
	}
	return m[1]
}

func expected(m []string) string {
	if isType(m[1]) {
		return m[1]
	}
	return m[2]
}

func isType(s string) bool {
	for _, t := range []string{"string", "int", "number", "bool", "[...", "{", ">", "<", "=~", "!="} {
		if strings.HasPrefix(s, t) {
			return true
		}
	}
	return false
}

// subject names the thing at a path as an operator would.
func subject(path []string) string {
	switch {
	case len(path) >= 5 && path[0] == "out" && path[3] == "over":
		return fmt.Sprintf("setting %q of role %s", strings.Join(path[5:], "."), roleOn(path))
	case len(path) >= 4 && path[0] == "out" && (path[3] == "cfg" || path[3] == "flags" || path[3] == "merged"):
		return fmt.Sprintf("setting %q of role %s", strings.Join(path[4:], "."), roleOn(path))
	case len(path) >= 4 && path[0] == "out" && path[3] == "yield":
		return fmt.Sprintf("%s of role %s", strings.Join(path[4:], "."), roleOn(path))
	case len(path) >= 3 && path[0] == "out":
		return fmt.Sprintf("role %s: %s", roleOn(path), strings.Join(path[3:], "."))
	case len(path) >= 3 && path[0] == "apps":
		return fmt.Sprintf("%s of app %s", strings.Join(path[2:], "."), unquote(path[1]))
	default:
		return strings.Join(path, ".")
	}
}

// roleOn names the role of a path out.HOST.ROLE, and the host where there is one.
func roleOn(path []string) string {
	if path[1] == "" {
		return unquote(path[2])
	}
	return unquote(path[2]) + " on " + path[1]
}

func unquote(s string) string { return strings.Trim(s, `"`) }

func unknownField(path []string) string {
	if len(path) == 0 {
		return "a field is not known here"
	}
	last := unquote(path[len(path)-1])
	switch {
	case len(path) >= 6 && path[0] == "out" && path[3] == "over":
		return fmt.Sprintf("setting %q is not known to role %s", strings.Join(unquoteAll(path[5:]), "."), unquote(path[2]))
	case len(path) == 6 && path[0] == "out" && path[3] == "yield" && path[4] != "services" && !strings.HasPrefix(last, "/"):
		return fmt.Sprintf("role %s yields the path %q: want an absolute one", unquote(path[2]), last)
	case len(path) >= 3 && path[0] == "out":
		return fmt.Sprintf("role %s yields %q, which is not known in %s", unquote(path[2]), last, strings.Join(path[3:len(path)-1], "."))
	case len(path) >= 3 && path[0] == "apps":
		in := "an app"
		if len(path) > 3 {
			in = strings.Join(path[2:len(path)-1], ".") + " of an app"
		}
		return fmt.Sprintf("app %s: %q is no field of %s", unquote(path[1]), last, in)
	case len(path) == 1:
		return fmt.Sprintf("%q is no field of a mesh", last)
	default:
		return fmt.Sprintf("%q is no field of %s", last, strings.Join(path[:len(path)-1], "."))
	}
}

func unquoteAll(path []string) []string {
	out := make([]string, len(path))
	for i, p := range path {
		out[i] = unquote(p)
	}
	return out
}
