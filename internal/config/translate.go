package config

import (
	"fmt"
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
	s := strings.ReplaceAll(fmt.Sprintf(format, args...), root+"/", "")
	if s == "" {
		return strings.ReplaceAll(e.Error(), root+"/", "")
	}
	if _, cause, ok := strings.Cut(e.Error(), s+": "); ok && strings.HasPrefix(s, "error in call") {
		return s + ": " + cause
	}
	return s
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
	// beside is the field beside apps that is checked; "" for all else.
	beside string
	// needs are the arguments that the app's template wants and is not given.
	needs []string
	// otherRole tells which role knows a setting; may be nil.
	otherRole func(path []string) string
	// dir is the mesh's folder: its lines go before those of shared packages.
	dir string
	// source is what is written in the module's files.
	source *source
}

// path is the path at which the user knows the thing.
func (t translator) path(e errors.Error) []string {
	if t.beside != "" {
		path := trimDefinition(e.Path())
		if len(path) > 0 && path[0] == t.beside {
			path = path[1:]
		}
		return append([]string{t.beside}, path...)
	}
	if t.app == "" {
		return inRole(e.Path())
	}
	path := trimDefinition(e.Path())
	if len(path) > 1 && path[0] == "apps" {
		path = path[2:]
	}
	return append([]string{"apps", t.app}, path...)
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
	if len(path) >= 3 && strings.HasPrefix(path[0], "#") {
		path = path[1:]
	}
	if len(path) >= 2 && (path[1] == "yield" || path[1] == "over" || path[1] == "cfg") {
		return append([]string{"out", ""}, path...)
	}
	return path
}

// finding is an error in translation.
type finding struct {
	Error
	path  []string
	lines bool // whether a line of the user's takes part
}

// add translates all errors in err, without their cascades.
func (t translator) add(c *collector, err error) {
	var order []string
	groups := map[string][]errors.Error{}
	for _, e := range errors.Errors(err) {
		if strings.Contains(message(e), "errors in empty disjunction") {
			if len(errors.Errors(err)) > 1 {
				continue
			}
		}
		key := strings.Join(t.path(e), "\x00")
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], e)
	}
	var found []finding
	for _, key := range order {
		found = append(found, t.group(groups[key])...)
	}
	for _, f := range foldCycles(t.foldNeeds(foldPlaces(foldCascades(found)))) {
		c.add(f.Error)
	}
}

// group translates the errors of one path: of a value that fits no branch of a choice
// there is one for each branch.
func (t translator) group(es []errors.Error) []finding {
	path := t.path(es[0])
	if f, ok := t.choice(path, es); ok {
		return []finding{f}
	}
	var plain, defaults []finding
	for _, e := range es {
		f := t.translate(e)
		if t.takesDefault(e) {
			defaults = append(defaults, f)
			continue
		}
		plain = append(plain, f)
	}
	if len(plain) == 0 || len(defaults) > 0 && !slices.ContainsFunc(plain, func(f finding) bool { return t.isWritten(f.Pos) }) {
		plain = defaults
	}
	best := plain[:0:0]
	for _, f := range plain {
		if f.Rule == "unknown-field" || len(best) == 0 || best[0].Rule == f.Rule && best[0].Pos != f.Pos && f.Rule != "conflict" {
			best = append(best, f)
		} else if rank(f.Rule) < rank(best[0].Rule) {
			best = []finding{f}
		}
	}
	return best
}

// takesDefault reports whether an error is about the default of a choice, which is
// left as soon as another value is given.
func (t translator) takesDefault(e errors.Error) bool {
	mine, _ := positions(e)
	return slices.ContainsFunc(mine, t.source.isDefault)
}

// foldCascades keeps, of what a role makes, the errors that name a line of the user's;
// of those, not the ones inside the role's helpers and calls.
func foldCascades(in []finding) []finding {
	anyLine, anySetting, anyPlain := false, false, map[string]bool{}
	for _, f := range in {
		anySetting = anySetting || f.path0() == "settings" || f.path0() == "defaults"
		anyLine = anyLine || f.lines
		if !f.helper() {
			anyPlain[f.scope()] = true
		}
	}
	seen := map[string]bool{}
	var out []finding
	for _, f := range in {
		key := f.scope() + "\x00" + f.Rule
		switch {
		case f.helper() && anyPlain[f.scope()]:
		case anySetting && !f.lines && (f.path0() == "out" || f.path0() == "in"):
		case !f.lines && f.path0() == "out" && (anyLine || seen[key]):
		default:
			seen[key] = seen[key] || !f.lines
			out = append(out, f)
		}
	}
	return out
}

func (f finding) path0() string {
	if len(f.path) == 0 {
		return ""
	}
	return f.path[0]
}

// scope is what cascades stay within: one role on one host, or the path itself.
func (f finding) scope() string {
	path := f.path
	if f.path0() == "out" && len(path) > 3 {
		path = path[:3]
	}
	return strings.Join(path, "\x00")
}

// helper reports whether the error is inside a role's hidden field or in a call.
func (f finding) helper() bool {
	if f.path0() != "out" {
		return false
	}
	return f.Rule == "evaluation" || slices.ContainsFunc(f.path, func(p string) bool { return strings.HasPrefix(p, "_") })
}

// foldPlaces keeps one error for each place: the same line is wrong for many hosts.
func foldPlaces(in []finding) []finding {
	byPlace := map[string]int{}
	var out []finding
	for _, f := range in {
		key := f.Pos.String()
		if f.Pos.IsZero() || !f.lines {
			key += f.Msg
		}
		i, ok := byPlace[key]
		switch {
		case !ok:
			byPlace[key] = len(out)
			out = append(out, f)
		case rank(f.Rule) < rank(out[i].Rule):
			out[i] = f
		}
	}
	return out
}

// foldNeeds says once what an app's template is not given, for all that it is used for.
func (t translator) foldNeeds(in []finding) []finding {
	if len(t.needs) == 0 {
		return in
	}
	out := slices.DeleteFunc(slices.Clone(in), func(f finding) bool { return f.Rule == "missing" })
	if len(out) == len(in) {
		return in
	}
	f := finding{path: []string{"apps", t.app}}
	f.Rule, f.Pos = "missing", t.at(f.path)
	f.Msg = fmt.Sprintf("app %s does not give %s, which its template needs", unquote(t.app), strings.Join(t.needs, " and "))
	return append(out, f)
}

// foldCycles shows one error for all fields of a cycle. Among hosts, what is wrong
// beside it is a cascade.
func foldCycles(in []finding) []finding {
	var cycles, rest []finding
	for _, f := range in {
		if f.Rule == "cycle" {
			cycles = append(cycles, f)
		} else {
			rest = append(rest, f)
		}
	}
	if len(cycles) == 0 {
		return in
	}
	slices.SortStableFunc(cycles, func(a, b finding) int { return comparePos(a.Pos, b.Pos) })
	first := cycles[0]
	for _, f := range cycles[1:] {
		if len(first.Also) < 3 && f.Pos != first.Pos && !slices.Contains(first.Also, f.Pos) {
			first.Also = append(first.Also, f.Pos)
		}
	}
	if first.path0() == "hosts" {
		first.Also, first.Msg = nil, subject(first.path[:min(2, len(first.path))])+" depends on itself"
		rest = slices.DeleteFunc(rest, func(f finding) bool { return f.path0() == "hosts" })
	}
	return append(rest, first)
}

// rank puts the more telling of two errors of one place first.
func rank(rule string) int {
	return slices.Index([]string{"unknown-field", "unknown-reference", "value", "type", "conflict", "cycle", "missing", "evaluation"}, rule)
}

func (t translator) translate(e errors.Error) finding {
	path := t.path(e)
	mine, shipped := positions(e)
	t.sort(mine)
	f := finding{path: path, lines: len(mine) > 0}
	if f.lines {
		f.Pos = mine[0]
	} else if f.Pos = t.at(path); f.Pos.IsZero() {
		if f.Pos = t.at(e.Path()); f.Pos.IsZero() && len(shipped) > 0 {
			f.Pos = shipped[0]
		}
	}
	t.rephrase(&f, message(e), mine, shipped)
	f.Msg = t.withoutHost(f.Msg, f.Pos, path)
	return f
}

// withoutHost drops the host's name where the line is of no host.
func (t translator) withoutHost(msg string, pos mesh.Pos, path []string) string {
	if len(path) < 3 || path[0] != "out" || path[1] == "" || pos.IsZero() || pos == t.at(path[:3]) {
		return msg
	}
	return strings.Replace(msg, " on "+path[1], "", 1)
}

// sort puts positions into order: what is written out before what refers to it, the
// mesh's folder before shared packages.
func (t translator) sort(ps []mesh.Pos) {
	score := func(p mesh.Pos) int {
		n := 0
		if !t.isWritten(p) {
			n = 2
		}
		if !strings.HasPrefix(p.File, t.dir+"/") {
			n++
		}
		return n
	}
	slices.SortStableFunc(ps, func(a, b mesh.Pos) int { return score(a) - score(b) })
}

func (t translator) isWritten(p mesh.Pos) bool {
	_, ok := t.source.literal(p)
	return ok
}

// written keeps the positions at which a value is written out.
func (t translator) written(ps []mesh.Pos) []mesh.Pos {
	var out []mesh.Pos
	for _, p := range ps {
		if t.isWritten(p) {
			out = append(out, p)
		}
	}
	return out
}
