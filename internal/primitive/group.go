package primitive

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// group is a group of accounts: its number, which may be left open. Its members are the
// business of the users.
func group() Primitive {
	return Primitive{
		Kind: "group", Field: "groups", order: orderGroup,
		Decode: func(declaration []byte) (Declared, error) {
			g, err := decoded[struct {
				GID    int  `json:"gid"`
				System bool `json:"system"`
			}](declaration)
			return Declared{Attrs: map[string]any{"gid": numberOrOpen(g.GID, g.System)}}, err
		},
		Settle: settleOpen,
		Named: &Named{
			Look:      func(wanted []Wanted) string { return "getent group --" + words(namesOf(wanted)) + "\n" },
			Read:      readGroups,
			Functions: groupFunctions,
			Now:       func(name string) string { return "ms_group_now " + name },
			Expected:  func(attrs mesh.Tree) string { return "gid " + text(attrs, "gid") },
			Describe:  func(now string) string { return "a group with " + now },
			Write: func(name string, after mesh.Tree) string {
				return "ms_group " + name + " " + word(text(after, "gid"))
			},
			Remove: func(name string) string { return "ms_try groupdel -- " + name },
		},
	}
}

// numberOrOpen is never the number of an account: 0 stands for none.
func numberOrOpen(n int, system bool) string {
	switch {
	case n > 0:
		return fmt.Sprint(n)
	case system:
		return systemNumber
	default:
		return openValue
	}
}

// readGroups reads lines NAME:x:GID:MEMBERS. A group that is not there has no line.
func readGroups(out string, names []string) []Seen {
	found := map[string]Seen{}
	for l := range strings.Lines(out) {
		f := strings.Split(strings.TrimSpace(l), ":")
		if len(f) < 3 {
			return nil
		}
		found[f[0]] = Seen{Attrs: map[string]any{"gid": f[2]}}
	}
	return inOrder(found, names)
}

func namesOf(wanted []Wanted) []string {
	out := make([]string, 0, len(wanted))
	for _, w := range wanted {
		out = append(out, w.Name)
	}
	return out
}

// unreadable is the line of a look at a file that is there and that the user cannot read; no
// other line begins with a blank.
const unreadable = " unreadable"

// allUnknown says of all names that nobody could tell.
func allUnknown(names []string, why string) []Seen {
	out := make([]Seen, 0, len(names))
	for range names {
		out = append(out, Seen{Unknown: why})
	}
	return out
}

// inOrder lists what was found of each name.
func inOrder(found map[string]Seen, names []string) []Seen {
	out := make([]Seen, 0, len(names))
	for _, n := range names {
		out = append(out, found[n])
	}
	return out
}

const groupFunctions = `ms_group_now() {
  if N=$(getent group -- "$1"); then N=${N#*:*:} N="gid ${N%%:*}"; else N=absent; fi
}
# ms_group NAME GID
ms_group() {
  case $2 in
  any) set -- "$1" ;;
  any*) set -- "$1" -r ;;
  *) set -- "$1" -g "$2" ;;
  esac
  n=$1
  shift
  if getent group -- "$n" >/dev/null; then
    [ "$#" -lt 2 ] || ms_try groupmod "$@" -- "$n"
  else
    ms_try groupadd "$@" -- "$n"
  fi
}
`
