package primitive

import (
	"cmp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// user is an account: number, primary group, further groups, home and shell. What a
// declaration leaves open stays as it is. An account that is made has no password, so
// nobody can log in with one.
func user() Primitive {
	return Primitive{
		Kind: "user", Field: "users", order: orderUser,
		Decode: func(declaration []byte) (Declared, error) {
			u, err := decoded[struct {
				UID    int       `json:"uid"`
				System bool      `json:"system"`
				Group  string    `json:"group"`
				Groups *[]string `json:"groups"`
				Home   string    `json:"home"`
				Shell  string    `json:"shell"`
			}](declaration)
			groups := openValue
			if u.Groups != nil {
				slices.Sort(*u.Groups)
				groups = strings.Join(*u.Groups, ",")
			}
			return Declared{Attrs: map[string]any{
				"uid": numberOrOpen(u.UID, u.System), "group": cmp.Or(u.Group, openValue), "groups": groups,
				"home": cmp.Or(u.Home, openValue), "shell": cmp.Or(u.Shell, openValue),
			}}, err
		},
		Settle: settleOpen,
		Named: &Named{
			Look: func(wanted []Wanted) string {
				return "getent passwd --" + words(namesOf(wanted)) + "\nprintf 'groups\\n'\ngetent group\n"
			},
			Read:      readUsers,
			Functions: userFunctions,
			Now:       func(name string) string { return "ms_user_now " + name },
			Expected: func(a mesh.Tree) string {
				return text(a, "uid") + ":" + text(a, "group") + ":" + text(a, "groups") + ":" + text(a, "home") + ":" + text(a, "shell")
			},
			Describe: func(now string) string { return "an account (uid:group:groups:home:shell) " + now },
			Write: func(name string, a mesh.Tree) string {
				return "ms_user " + name + words([]string{text(a, "uid"), text(a, "group"), text(a, "groups"), text(a, "home"), text(a, "shell")})
			},
			Remove: func(name string) string { return "ms_user_remove " + name },
		},
	}
}

// readUsers reads lines NAME:x:UID:GID:COMMENT:HOME:SHELL, and behind the line "groups"
// all groups, NAME:x:GID:MEMBERS, since a user's groups are told by them.
func readUsers(out string, names []string) []Seen {
	accounts, groups, whole := strings.Cut("\n"+out, "\ngroups\n")
	if !whole {
		return nil
	}
	byNumber, byMember := map[string]string{}, map[string][]string{}
	for l := range strings.Lines(groups) {
		f := strings.Split(strings.TrimSpace(l), ":")
		if len(f) != 4 {
			return nil
		}
		byNumber[f[2]] = f[0]
		for _, m := range strings.Split(f[3], ",") {
			byMember[m] = append(byMember[m], f[0])
		}
	}
	found := map[string]Seen{}
	for l := range strings.Lines(strings.TrimPrefix(accounts, "\n")) {
		f := strings.Split(strings.TrimSuffix(l, "\n"), ":")
		if len(f) != 7 {
			return nil
		}
		slices.Sort(byMember[f[0]])
		found[f[0]] = Seen{Attrs: map[string]any{
			"uid": f[2], "group": cmp.Or(byNumber[f[3]], f[3]), "groups": strings.Join(byMember[f[0]], ","), "home": f[5], "shell": f[6],
		}}
	}
	return inOrder(found, names)
}

// ms_user_now sorts the groups in the order in which readUsers does, by bytes.
const userFunctions = `ms_user_now() {
  if ! N=$(getent passwd -- "$1"); then N=absent; return; fi
  g=$(getent group | awk -F: -v u="$1" '{ n = split($4, m, ","); for (i = 1; i <= n; i++) if (m[i] == u) print $1 }' | LC_ALL=C sort | tr '\n' ',')
  g=${g%,}
  IFS=:
  set -f
  # shellcheck disable=SC2086 # the fields are wanted one by one
  set -- $N
  set +f
  unset IFS
  p=$(getent group -- "$4") && p=${p%%:*} || p=$4
  N="$3:$p:$g:$6:${7-}"
}
# ms_user NAME UID GROUP GROUPS HOME SHELL
ms_user() {
  n=$1 u=$2 g=$3 gs=$4 h=$5 s=$6
  set --
  if getent passwd -- "$n" >/dev/null; then
    c=usermod
  else
    c=useradd
    case $u in 'any of'*) set -- -r;; esac
    [ "$h" != any ] || set -- "$@" -M
    # a group of its own name that is there already is the one it gets
    if [ "$g" = any ] && getent group -- "$n" >/dev/null; then set -- "$@" -g "$n"; fi
  fi
  case $u in any*) ;; *) set -- "$@" -u "$u";; esac
  [ "$g" = any ] || set -- "$@" -g "$g"
  [ "$gs" = any ] || set -- "$@" -G "$gs"
  [ "$h" = any ] || set -- "$@" -d "$h"
  [ "$s" = any ] || set -- "$@" -s "$s"
  [ "$#" = 0 ] || ms_try "$c" "$@" -- "$n" || return 1
}
# userdel takes the group of the same name along, which may be one that git wants: it comes
# back under its number. The home of somebody who is gone may hold what others want: it stays.
ms_user_remove() {
  g=''
  if grep -Fqs "/group:$1\"" "$B/record.json"; then g=$(getent group -- "$1") || g=''; fi
  ms_try userdel -- "$1" || return 1
  [ -z "$g" ] || getent group -- "$1" >/dev/null || { g=${g#*:*:}; ms_try groupadd -g "${g%%:*}" -- "$1"; }
}
`
