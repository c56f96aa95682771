package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"meshsync.dev/meshsync/internal/mesh"
)

// wanted says a constraint in words.
func wanted(b string) string {
	b = strings.TrimSuffix(strings.TrimPrefix(b, "("), ")")
	if w, ok := inWords()[b]; ok {
		return w
	}
	if options := strings.Split(b, " | "); len(options) > 1 {
		return anyOf(options)
	}
	switch {
	case strings.HasPrefix(b, "=~"):
		return "of the form " + b[2:]
	case strings.HasPrefix(b, "!="):
		return "other than " + b[2:]
	case strings.HasPrefix(b, ">="):
		return b[2:] + " or more"
	case strings.HasPrefix(b, "<="):
		return "at most " + b[2:]
	case strings.HasPrefix(b, ">"):
		return "more than " + b[1:]
	case strings.HasPrefix(b, "<"):
		return "less than " + b[1:]
	case strings.HasPrefix(b, "["):
		return "a list"
	case strings.HasPrefix(b, "{"):
		return "fields in braces"
	default:
		return b
	}
}

// inWords are the constraints of the contract, which people need not read as CUE.
func inWords() map[string]string {
	return map[string]string{
		"int": "a whole number", "uint": "a whole number", "number": "a number", "float": "a number", "list": "a list", "struct": "fields in braces",
		"string": "a string", "bool": "true or false", "#Path": "an absolute path",
		`!=""`: "a string that is not empty", `string & !=""`: "a string that is not empty",
		`=~"^0[0-7]{3}$"`:                   `four octal digits in quotes, such as "0644"`,
		`=~"^([0-9]+(ms|s|m|h))+$"`:         `a time with a unit, such as "30s"`,
		`=~"^/"`:                            "an absolute path",
		`=~"^[0-9]+[.][0-9]+([.][0-9]+)?$"`: `a release such as "1.8" or "1.11.26"`,
		`=~"^[0-9]+([.][0-9]+){0,2}$"`:      `a release such as "3.8" or "1.11.26"`,
		`=~"^https?://"`:                    "a URL that begins with http:// or https://",
		`=~"` + namePattern + `"`:           "a name of lower-case letters, digits and dashes",
		`>0 & int`:                          "a whole number above 0", `int & >0`: "a whole number above 0",
		`int & >0 & <65536`:                   "a port",
		pathInContract:                        "an absolute path without control characters",
		"!=\"\" & " + noControl:               "a string that is not empty",
		noControl:                             "without control characters",
		accountForm:                           `a name without blanks and ":", with no "-" or "+" in front`,
		accountNoNumber:                       "a name, and no number",
		accountForm + " & " + accountNoNumber: "the name of a user or group",
		`=~"^server\\.[1-9][0-9]*$"`:          "server.1, server.2 and so on",
		`=~"^(0|[1-9][0-9]*)(ms|s|m)$"`:       `a time with a unit, such as "30s"`,
	}
}

// The two constraints of the contract's #Account.
const (
	accountForm     = `=~"^[^-+:\\s\\p{Cc}][^:\\s\\p{Cc}]*$"`
	accountNoNumber = `!~"^[0-9]+$"`
)

// Constraints of the contract's #Path and #Symlink.
const (
	pathInContract = `=~"^/[^\\p{Cc}]+$"`
	noControl      = `!~"\\p{Cc}"`
)

const controlHint = "newlines, tabs and the like are not read back from a host as they are"

// wantedHint says what to do about a value that a constraint of the contract refuses,
// where the constraint's words alone do not say it.
func wantedHint(value, b string) string {
	value = unquote(value)
	switch {
	case b == noControl || b == pathInContract && strings.HasPrefix(value, "/"):
		return controlHint
	case b != accountForm && b != accountNoNumber:
		return ""
	case value != "" && strings.Trim(value, "0123456789") == "":
		return `a host is seen with names, so that a number would differ for ever; for 0 write "root"`
	default:
		return `such as "root"; owner and group are fields of their own`
	}
}

const namePattern = `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`

// anyOf lists options: "a", "b" or "c".
func anyOf(options []string) string {
	said := make([]string, len(options))
	for i, o := range options {
		said[i] = wanted(o)
	}
	if len(said) == 1 {
		return said[0]
	}
	return strings.Join(said[:len(said)-1], ", ") + " or " + said[len(said)-1]
}

// isType reports whether a text is a type or a constraint rather than a value.
func isType(s string) bool {
	if pureType(s) {
		return true
	}
	for _, t := range []string{"[...", "(string", ">", "<", "=~", "!=", "!~"} {
		if strings.HasPrefix(s, t) {
			return true
		}
	}
	return s == "#Path" || reStruct.matches(s)
}

// reStruct is a struct of the contract, as {[string]:string} or {name?:string}.
const reStruct pattern = `^\{(\[string\]|\w+[?!]):`

func pureType(s string) bool {
	switch s {
	case "string", "int", "uint", "number", "float", "bool", "list", "struct":
		return true
	default:
		return false
	}
}

// shown is a value as it may be printed: one that could be a secret is only named by its kind.
func shown(path []string, value string) string {
	switch {
	case !secretPath(path) && !hasCredentials(path, value):
		return short(value, 80)
	case strings.HasPrefix(value, `"`):
		return "a string"
	case strings.HasPrefix(value, "["):
		return "a list"
	case strings.HasPrefix(value, "{"):
		return "fields in braces"
	case value == "true" || value == "false":
		return "true or false"
	case value == "null":
		return value
	default:
		return "a number"
	}
}

// hasCredentials reports whether a value is a Marathon's URL with a user and a password in it.
func hasCredentials(path []string, value string) bool {
	return len(path) > 2 && path[0] == "marathons" && strings.Contains(value, "@")
}

// short is a text of at most so many characters, the last of which says that some are left out.
func short(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// secretPath reports whether a value at the path may be a secret: all of an app's env,
// and whatever has a secret's name.
func secretPath(path []string) bool {
	if len(path) > 3 && path[0] == "apps" && path[2] == "env" {
		return true
	}
	names := pattern("(?i)" + strings.Join(mesh.Policy{}.Secrets(), "|"))
	return len(path) > 0 && names.matches(path[len(path)-1])
}

// subject names the thing at a path as an operator would.
func subject(path []string) string {
	switch {
	case len(path) >= 6 && path[0] == "out" && path[3] == "over":
		return fmt.Sprintf("setting %q of role %s", dotted(unquoteAll(path[5:])), roleOn(path))
	case len(path) >= 6 && path[0] == "out" && path[3] == "_dir" && path[4] == "flags":
		return fmt.Sprintf("setting %q of role %s", dotted(unquoteAll(path[5:])), roleOn(path))
	case len(path) >= 5 && path[0] == "out" && slices.Contains([]string{"cfg", "flags", "merged", "lacks"}, path[3]):
		return fmt.Sprintf("setting %q of role %s", dotted(unquoteAll(path[4:])), roleOn(path))
	case len(path) >= 5 && path[0] == "out" && path[3] == "yield":
		return fmt.Sprintf("%s of role %s", dotted(path[4:]), roleOn(path))
	case aboutHost(path) && path[1] != "":
		return fmt.Sprintf("%s of host %s with role %s", path[4], path[1], unquote(path[2]))
	case len(path) >= 4 && path[0] == "out":
		return fmt.Sprintf("%s of role %s", dotted(path[3:]), roleOn(path))
	case len(path) == 3 && path[0] == "out":
		return "role " + roleOn(path)
	case len(path) >= 3 && path[0] == "apps":
		return fmt.Sprintf("%s of app %s", dotted(path[2:]), unquote(path[1]))
	case len(path) >= 2 && path[0] == "ignore":
		return "rule " + dotted(path)
	case len(path) == 2 && path[0] == "moved":
		return "what app " + unquote(path[1]) + " was moved to"
	case len(path) >= 3 && path[0] == "owners":
		return fmt.Sprintf("the owner of %s of app %s", dotted(path[2:3]), unquote(path[1])) + ifBelow(path[3:])
	case len(path) == 2 && path[0] == "apps":
		return "app " + unquote(path[1])
	case len(path) >= 3 && path[0] == "hosts":
		return fmt.Sprintf("%s of host %s", dotted(path[2:]), unquote(path[1]))
	case len(path) == 2 && path[0] == "hosts":
		return "host " + unquote(path[1])
	case len(path) >= 3 && path[0] == "marathons":
		return fmt.Sprintf("%s of Marathon %s", dotted(path[2:]), unquote(path[1]))
	case len(path) >= 3 && (path[0] == "settings" || path[0] == "defaults"):
		return fmt.Sprintf("setting %q of role %s", dotted(unquoteAll(path[2:])), unquote(path[1]))
	case len(path) >= 2 && path[0] == "#roles":
		return "role " + dotted(unquoteAll(path[1:]))
	case len(path) == 1 && path[0] == "name":
		return "the mesh's name"
	case len(path) == 1 && path[0] == "marathon":
		return "the marathon of the apps here"
	default:
		return dotted(path)
	}
}

// ifBelow names what is below something that was named before.
func ifBelow(path []string) string {
	if len(path) == 0 {
		return ""
	}
	return ": " + dotted(path)
}

// aboutHost reports whether a path is that of a fact which a role is given of its host.
func aboutHost(path []string) bool {
	return len(path) == 5 && path[0] == "out" && path[3] == "me"
}

// dotted joins a path; items of lists are in brackets.
func dotted(path []string) string {
	var b strings.Builder
	for i, p := range path {
		switch {
		case i > 0 && p != "" && strings.Trim(p, "0123456789") == "":
			b.WriteString("[" + p + "]")
			continue
		case i > 0:
			b.WriteString(".")
		}
		b.WriteString(p)
	}
	return b.String()
}

// roleOn names the role of a path out.HOST.ROLE, and the host where there is one.
func roleOn(path []string) string {
	if path[1] == "" {
		return unquote(path[2])
	}
	return unquote(path[2]) + " on " + path[1]
}

func unquote(s string) string { return strings.Trim(s, `"`) }

// labelName is the name that a part of a path stands for: of "/a\tb" with its quotes, the
// text with a tab. For messages unquote is safer, which leaves such characters escaped.
func labelName(part string) string {
	if name, err := strconv.Unquote(part); err == nil {
		return name
	}
	return unquote(part)
}

func unquoteAll(path []string) []string {
	out := make([]string, len(path))
	for i, p := range path {
		out[i] = unquote(p)
	}
	return out
}

func unknownField(path []string) string {
	if len(path) == 0 {
		return "a field is not known here"
	}
	last := unquote(path[len(path)-1])
	switch {
	case len(path) >= 6 && path[0] == "out" && path[3] == "over":
		return fmt.Sprintf("setting %q is not known to role %s", strings.Join(unquoteAll(path[5:]), "."), unquote(path[2]))
	case len(path) >= 5 && path[0] == "out" && path[3] == "yield":
		return unknownYield(path, last)
	case len(path) >= 3 && path[0] == "out":
		return fmt.Sprintf("role %s has no place for %q", unquote(path[2]), last)
	case len(path) == 2 && path[0] == "hosts":
		return fmt.Sprintf("%q is no name of a host: want lower-case letters, digits and dashes", last)
	case len(path) >= 3 && path[0] == "hosts":
		return fmt.Sprintf("host %s: %q is no field of %s", unquote(path[1]), last, inner("a host", path[2:len(path)-1]))
	case len(path) >= 3 && path[0] == "marathons":
		return fmt.Sprintf("%q is no field of a Marathon", last)
	case len(path) >= 3 && path[0] == "apps":
		return fmt.Sprintf("app %s: %q is no field of %s", unquote(path[1]), last, inner("an app", path[2:len(path)-1]))
	case len(path) >= 3 && path[0] == "owners":
		return fmt.Sprintf("owners of app %s: %q is no field of %s", unquote(path[1]), last, inner("owners", path[2:len(path)-1]))
	case len(path) == 1:
		return fmt.Sprintf("%q is no field of a mesh", last)
	default:
		return fmt.Sprintf("%q is no field of %s", last, dotted(path[:len(path)-1]))
	}
}

func inner(whole string, path []string) string {
	if len(path) == 0 {
		return whole
	}
	return dotted(path)
}

func unknownYield(path []string, last string) string {
	role := unquote(path[2])
	switch {
	case len(path) == 5:
		return fmt.Sprintf("role %s yields %q, and there is no such kind of thing", role, last)
	case len(path) == 6 && slices.Contains(pathFields(), path[4]):
		want := "an absolute path below /"
		if name := labelName(path[5]); strings.ContainsFunc(name, unicode.IsControl) {
			last, want = name, "a path without control characters"
		}
		return fmt.Sprintf("role %s yields the path %q: want %s", role, last, want)
	default:
		return fmt.Sprintf("role %s: %q is no field of %s", role, last, dotted(path[4:len(path)-1]))
	}
}
