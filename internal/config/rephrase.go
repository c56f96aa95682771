package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"cuelang.org/go/cue/errors"

	"meshsync.dev/meshsync/internal/mesh"
)

const (
	reMismatch pattern = `(?s)^conflicting values (.+?) and (.+?)(?: \(mismatched types (.+) and (.+)\))?$`
	reBound    pattern = `(?s)^invalid value (.+) \((?:out of bound|does not match|not in) (.+)\)$`
	reNotFound pattern = `^reference "(.+)" not found$`
	reUnused   pattern = `^imported and not used: "(.+)"`
	reLengths  pattern = `^incompatible list lengths \((\d+) and (\d+)\)$`
	reNewer    pattern = `^language version "(.+)" declared in module.cue is too new for current language version "(.+)"$`
	reExcluded pattern = `^build constraints exclude all CUE files in .*:\n\s+(.+?): (.+)`
	reOpen     pattern = `(?s)^(?:incomplete value|non-concrete value) (.+)$`
)

// rephrase says the evaluator's messages in words of the domain.
func (t translator) rephrase(f *finding, msg string, mine, shipped []mesh.Pos) {
	what := subject(f.path)
	switch {
	case len(f.path) > 4 && f.path[0] == "out" && f.path[3] == "lacks": // a role's own words
		why, hint, _ := strings.Cut(msg, ": ")
		f.Rule, f.Msg = "release", what+": "+why
		f.Hint, f.lines = hint, users(f.Pos)
	case strings.HasSuffix(msg, "field not allowed"):
		t.fieldNotAllowed(f)
	case strings.Contains(msg, "cycle"):
		f.Rule, f.Msg = "cycle", what+" depends on itself"
	case strings.Contains(msg, "field is required but not present"):
		f.Rule, f.Msg = "missing", what+" is missing"
	case strings.HasSuffix(msg, "import failed"):
		f.Rule, f.Msg = "import", "a package that is imported cannot be read"
		f.Hint = "is the path right, and is it in this module or below cue.mod/pkg?"
	case reOpen.matches(msg):
		open := reOpen.groups(msg)[1]
		f.Rule, f.Msg = "missing", fmt.Sprintf("%s has no value: want %s", what, wanted(open))
		if d := severalDefaults(open); len(d) > 1 && f.path0() == "apps" {
			f.Rule, f.Msg = "conflict", fmt.Sprintf("%s has no value: its template has the defaults %s", what, strings.Join(d, " and "))
		}
		if f.path0() == "out" && strings.HasPrefix(what, "setting") {
			f.Hint = "null removes a setting, and the role needs this one"
		}
	case strings.HasPrefix(msg, "undefined field"), msg == "invalid interpolation":
		t.undefined(f, strings.TrimPrefix(msg, "undefined field: "), mine)
	case reNotFound.matches(msg):
		f.Rule, f.Msg = "unknown-reference", fmt.Sprintf("the name %q is not defined here", reNotFound.groups(msg)[1])
		f.Hint = "a string needs quotes; a package needs an import"
	case reUnused.matches(msg):
		f.Rule, f.Msg = "unused-import", fmt.Sprintf("%q is imported and not used", reUnused.groups(msg)[1])
		f.Hint = "remove the import"
	case reLengths.matches(msg):
		t.lengths(f, reLengths.groups(msg))
	case reBound.matches(msg):
		m := reBound.groups(msg)
		f.Rule, f.Msg = "value", fmt.Sprintf("%s is %s, and must be %s", what, shown(f.path, m[1]), wanted(m[2]))
		if f.Hint = wantedHint(m[1], m[2]); aboutHost(f.path) && f.path[4] == "id" {
			f.Hint = "the ids of a role's members may have gaps: take one that is free"
		}
	case reMismatch.matches(msg):
		t.mismatch(f, reMismatch.groups(msg), mine, shipped)
	default:
		t.other(f, msg)
	}
}

// plainly says, of messages about expressions, the frequent ones without the evaluator's words.
func plainly(msg string) string {
	for _, p := range [][2]string{
		{`^cannot call non-function (\S+?)(\(.*\))? \(type .*\)$`, "$1 is no function"},
		{`^cannot range over (.+) \(found (\w+), .*\)$`, "a loop goes through $1, which is no list and has no fields"},
		{`^cannot use (.+) \(type (\w+)\) as (\w+) in argument (\d+) to (.+)$`, "argument $4 of $5 is $1, and must be a $3"},
		{`^cannot use (.+) \(type \w+\) as type bool$`, "the condition $1 is not true or false"},
		{`^invalid operand (\S+) \(found (\w+), want list or struct\)$`, "$1 is a $2, which has no fields"},
		{`^invalid operands (.+) to '(.+)' \(type (\w+) and (\w+)\)$`, "$1 cannot be joined by $2: they are $3 and $4"},
		{`^index out of range \[(\d+)\] with length (\d+)$`, "item [$1] of a list of $2 items; they count from [0]"},
		{`^invalid interpolation$`, "a string takes in what is no string and no number"},
		{`^invalid regexp: error parsing regexp: (.+)$`, "the pattern is no regular expression: $1"},
		{`^error in call to ([\w.]+)(: .*)?$`, "the call of $1 fails$2"},
		{`^unresolved disjunction (.+) \(type .*\)$`, "no value is chosen of $1"},
	} {
		if re := pattern(p[0]); re.matches(msg) {
			return re.replace(msg, p[1])
		}
	}
	return msg
}

// severalDefaults lists the values in an open choice such as 2 | 3 | number: they are
// defaults, of which none wins.
func severalDefaults(open string) []string {
	options := strings.Split(strings.Trim(open, "()"), " | ")
	values := slices.DeleteFunc(slices.Clone(options), isType)
	if len(values) == len(options) {
		return nil
	}
	return values
}

// other is a message that has no words of the domain yet.
func (t translator) other(f *finding, msg string) {
	if m := reNewer.groups(msg); m != nil {
		f.Rule, f.Pos = "module", mesh.Pos{File: "cue.mod/module.cue", Line: 1}
		f.Msg = fmt.Sprintf("the module is written in CUE %s, and this meshsync reads CUE up to %s", m[1], m[2])
		return
	}
	if m := reExcluded.groups(msg); m != nil {
		f.Rule, f.Pos = "excluded", mesh.Pos{File: m[1], Line: 1}
		f.Msg = "the file is left out, and there is no other in its folder: " + m[2]
		f.Hint = "meshsync sets no build tags, and reads no file whose name ends in _tool.cue or _test.cue or begins with _ or a dot"
		return
	}
	msg = plainly(msg)
	f.Rule, f.Msg = "evaluation", msg
	if len(f.path) > 0 {
		f.Msg = subject(f.path) + ": " + msg
	}
	if secretPath(f.path) || hasCredentials(f.path, msg) {
		f.Msg = subject(f.path) + " cannot be evaluated"
	}
}

func (t translator) fieldNotAllowed(f *finding) {
	f.Rule = "unknown-field"
	if p := unknownKind(f.path); len(p) < len(f.path) {
		f.path = p
		if at := t.source.field(f.Pos, p[len(p)-1]); !at.IsZero() {
			f.Pos = at
		}
	}
	f.Msg = unknownField(f.path)
	if len(f.path) > 0 {
		last := f.path[len(f.path)-1]
		if f.Hint = didYouMean(unquote(last), t.known(f.path)); strings.ContainsFunc(labelName(last), unicode.IsControl) {
			f.Hint = controlHint
		}
		if setting := len(f.path) > 3 && f.path[3] == "over"; !setting && slices.Contains(t.known(f.path), unquote(last)) {
			f.Hint = "the packages in cue.mod/pkg/" + vendoredPath + " are older than this meshsync, which knows it: meshsync init --update renews them"
		}
	}
	if f.Hint == "" && t.otherRole != nil {
		f.Hint = t.otherRole(f.path)
	}
}

// unknownKind cuts a path such as yield.servces.x after the kind that is not known, and
// one such as yield.files."etc/x".mode after the name that is no path.
func unknownKind(path []string) []string {
	if len(path) <= 5 || path[0] != "out" || path[3] != "yield" {
		return path
	}
	switch {
	case !slices.Contains(yieldFields(), path[4]):
		return path[:5]
	case slices.Contains(pathFields(), path[4]) && !pathForm.matches(labelName(path[5])):
		return path[:6]
	default:
		return path
	}
}

// pathForm is the contract's #Path.
const pathForm pattern = `^/[^\p{Cc}]+$`

// lengths is about two lists that are joined item by item.
func (t translator) lengths(f *finding, m []string) {
	f.Rule, f.Msg = "value", fmt.Sprintf("%s is a list of %s where %s are wanted", subject(f.path), m[1], m[2])
	at := t.at(f.path)
	switch {
	case m[1] == "0" || m[2] == "0":
		f.Msg = subject(f.path) + " is empty, and needs an item"
	case !at.IsZero() && at != f.Pos:
		f.Msg = fmt.Sprintf("%s is given two lists, of %s and of %s items", subject(f.path), m[1], m[2])
		f.Also, f.Pos = []mesh.Pos{f.Pos}, at
		f.Hint = "lists are joined item by item, so both must be of one length"
	}
}

// undefined names what is used and not there.
func (t translator) undefined(f *finding, name string, mine []mesh.Pos) {
	f.Rule = "unknown-reference"
	for i := len(mine) - 1; i >= 0; i-- {
		if ref, ok := t.source.reference(mine[i]); ok {
			f.Pos, f.Msg = mine[i], fmt.Sprintf("%s uses %s, which does not exist", subject(f.path), ref.text)
			f.Hint = didYouMean(ref.name, ref.known)
			if f.Hint == "" && ref.on == "members" {
				f.Hint = "members holds the roles that uses lists"
			}
			return
		}
	}
	if name == "invalid interpolation" {
		t.other(f, name)
		return
	}
	f.Msg = fmt.Sprintf("%s uses %s, which does not exist", subject(f.path), name)
}

// mismatch is a value of the wrong type, or two values for one field.
func (t translator) mismatch(f *finding, m []string, mine, shipped []mesh.Pos) {
	written := t.written(mine)
	if m[3] != "" || isType(m[1]) != isType(m[2]) {
		value, want := m[1], m[2]
		if pureType(value) || !pureType(want) && isType(value) {
			value, want = want, value
		}
		said := value
		if text, ok := t.source.literal(f.Pos); ok && strings.HasPrefix(text, "0") {
			said = text // as it is written: 0o644
		}
		f.Rule, f.Msg = "type", fmt.Sprintf("%s is %s, and must be %s", subject(f.path), shown(f.path, said), wanted(want))
		f.Hint = cmp.Or(quotesHint(value, want), wantedHint(value, want))
		if len(f.path) == 3 && f.path[0] == "hosts" && f.path[2] == "roles" {
			f.Hint = `such as roles: {"mesos-agent": {}}`
		}
		for _, p := range written {
			if text, _ := t.source.literal(p); text == value {
				f.Pos = p
				break
			}
		}
		return
	}
	f.Rule, f.Msg = "conflict", subject(f.path)+" is given two values"
	secret := secretPath(f.path) || hasCredentials(f.path, m[1]+m[2])
	if !secret {
		f.Msg += fmt.Sprintf(", %s and %s", m[1], m[2])
	}
	if len(written) > 1 {
		f.Pos, f.Also = written[0], written[1:2]
		if text, _ := t.source.literal(f.Pos); text == m[2] && !secret {
			f.Msg = fmt.Sprintf("%s is given two values, %s and %s", subject(f.path), m[2], m[1])
		}
		if f.Also[0].File != f.Pos.File && !strings.HasPrefix(f.Also[0].File, t.dir+"/") {
			f.Hint = conflictHint(f.Also[0].File, m, t.source, f.Also[0], f.path)
		}
	} else if len(shipped) > 0 && t.source.shippedValue != nil {
		f.Also = t.source.shippedValue(shipped, m)
	}
}

// conflictHint says how a shared package gives way.
func conflictHint(file string, m []string, s *source, at mesh.Pos, path []string) string {
	if secretPath(path) || hasCredentials(path, m[1]+m[2]) {
		return ""
	}
	text, _ := s.literal(at)
	kind := "string"
	switch {
	case strings.HasPrefix(text, `"`):
	case text == "true" || text == "false":
		kind = "bool"
	case strings.ContainsAny(m[1]+m[2], ".e") && strings.Trim(m[1]+m[2], "0123456789.-e") == "":
		kind = "number"
	case strings.Trim(text, "0123456789-") == "":
		kind = "int"
	default:
		return ""
	}
	return fmt.Sprintf("%s fixes it; as %s | *%s it would be a default there", file, kind, text)
}

// quotesHint tells a number in quotes, and a string without.
func quotesHint(value, want string) string {
	inner := unquote(value)
	number := inner != "" && strings.Trim(inner, "0123456789.-") == ""
	switch {
	case strings.HasPrefix(value, `"`) && number && (want == "int" || want == "number" || want == "uint" || strings.HasPrefix(want, ">")):
		return "without quotes"
	case !strings.HasPrefix(value, `"`) && number && want == "string":
		return "in quotes"
	default:
		return ""
	}
}

// choice is a value that is none of the options that a disjunction allows: the
// evaluator reports a conflict with each of them.
func (t translator) choice(path []string, es []errors.Error) (finding, bool) {
	var pairs [][2]string
	var all []mesh.Pos
	for _, e := range es {
		m := reMismatch.groups(message(e))
		if m == nil {
			continue
		}
		pairs = append(pairs, [2]string{m[1], m[2]})
		mine, _ := positions(e)
		all = append(all, mine...)
		if t.takesDefault(e) {
			return finding{}, false
		}
	}
	value, options, ok := common(pairs)
	if !ok || len(pairs) < 2 || !allOf(options) {
		return finding{}, false
	}
	t.sort(all)
	f := finding{path: path, lines: len(all) > 0}
	f.Rule, f.Pos = "value", t.at(path)
	if pureType(options[0]) {
		f.Rule = "type"
	}
	for _, p := range all {
		if text, ok := t.source.literal(p); f.Pos.IsZero() || ok && text == value || !users(f.Pos) {
			f.Pos = p
			if ok && text == value {
				break
			}
		}
	}
	if len(all) > 0 && !slices.Contains(all, f.Pos) {
		f.Pos = all[0]
	}
	f.Msg = fmt.Sprintf("%s is %s, and must be %s", subject(path), shown(path, value), anyOf(options))
	f.Msg = t.withoutHost(f.Msg, f.Pos, path)
	f.Hint = didYouMean(strings.ToUpper(unquote(value)), unquoteAll(options))
	if h := didYouMean(unquote(value), unquoteAll(options)); h != "" {
		f.Hint = h
	}
	return f, true
}

// allOf reports whether the options are all of a contract: words or types, no numbers.
func allOf(options []string) bool {
	for _, o := range options {
		if !strings.HasPrefix(o, `"`) && !isType(o) {
			return false
		}
	}
	return true
}

// common is the value that is in every pair, and the others.
func common(pairs [][2]string) (value string, options []string, ok bool) {
	if len(pairs) == 0 {
		return "", nil, false
	}
	for i := range 2 {
		value, options = pairs[0][i], nil
		for _, p := range pairs {
			switch value {
			case p[0]:
				options = append(options, p[1])
			case p[1]:
				options = append(options, p[0])
			}
		}
		if len(options) == len(pairs) && !isType(value) {
			slices.Sort(options)
			return value, slices.Compact(options), true
		}
	}
	return "", nil, false
}
