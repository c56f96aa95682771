package primitive

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// debconf is the answer to a question that a package asks when it is installed. Its name
// is PACKAGE QUESTION TYPE, as debconf-set-selections has it. Passwords are no answers
// that git may hold.
func debconf() Primitive {
	return Primitive{
		Kind: "debconf", Field: "debconf", order: orderAnswer, Keeps: true,
		Decode: func(declaration []byte) (Declared, error) {
			a, err := decoded[struct {
				Value string `json:"value"`
			}](declaration)
			return Declared{Attrs: map[string]any{"value": a.Value}}, err
		},
		Named: &Named{
			Look:      func([]Wanted) string { return debconfFunctions + "ms_debconf_print\n" },
			Read:      readAnswers,
			Functions: debconfFunctions,
			Now:       func(name string) string { return "ms_debconf_now " + name },
			Expected:  func(attrs mesh.Tree) string { return "is " + text(attrs, "value") },
			Describe:  func(now string) string { return "an answer that " + now },
			Write: func(name string, after mesh.Tree) string {
				return fmt.Sprintf("ms_debconf %s %s", name, word(text(after, "value")))
			},
		},
	}
}

// readAnswers reads lines QUESTION, tab, VALUE.
func readAnswers(out string, names []string) []Seen {
	found := map[string]Seen{}
	for l := range strings.Lines(out) {
		if l == unreadable+"\n" {
			return allUnknown(names, "the answers in /var/cache/debconf/config.dat cannot be read")
		}
		question, value, ok := strings.Cut(strings.TrimSuffix(l, "\n"), "\t")
		if !ok {
			return nil
		}
		found[question] = Seen{Attrs: map[string]any{"value": value}}
	}
	questions := make([]string, 0, len(names))
	for _, n := range names {
		questions = append(questions, strings.Fields(n + " ? ?")[1])
	}
	return inOrder(found, questions)
}

// An answer that somebody saw or gave has the flag seen; without it the value is only the
// package's default.
const debconfFunctions = `ms_debconf_print() {
  d=$R/var/cache/debconf/config.dat
  if [ -e "$d" ] && [ ! -r "$d" ]; then echo '` + unreadable + `'; fi
  [ ! -r "$d" ] || awk '
    function tell() { if (name != "" && seen) print name "\t" value; name = ""; value = ""; seen = 0 }
    /^Name: / { tell(); name = substr($0, 7) }
    /^Value: / { value = substr($0, 8) }
    /^Flags: .*seen/ { seen = 1 }
    END { tell() }' "$d"
}
ms_debconf_now() {
  q=${1#* } q=${q%% *}
  if N=$(ms_debconf_print | awk -F '\t' -v q="$q" '$1 == q { print "is " $2; found = 1 } END { exit !found }'); then :; else N=absent; fi
}
ms_debconf() {
  W=$(printf '%s %s\n' "$1" "$2" | DEBIAN_FRONTEND=noninteractive debconf-set-selections 2>&1) || { W="debconf does not take the answer: $W"; return 1; }
}
`
