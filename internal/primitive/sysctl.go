package primitive

import (
	"fmt"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// sysctl is a setting of the running kernel. That it is still so after a boot is the
// business of a file below /etc/sysctl.d, which the kit makes beside it.
func sysctl() Primitive {
	return Primitive{
		Kind: "sysctl", Field: "sysctls", order: orderSetting, Keeps: true,
		Decode: func(declaration []byte) (Declared, error) {
			s, err := decoded[struct {
				Value string `json:"value"`
			}](declaration)
			return Declared{Attrs: map[string]any{"value": strings.Join(strings.Fields(s.Value), " ")}}, err
		},
		Refuse: refuseSysctl,
		Named: &Named{
			Look: func(wanted []Wanted) string {
				var b strings.Builder
				b.WriteString("set --\n")
				for _, w := range wanted {
					fmt.Fprintf(&b, "f=$R/proc/sys/%s; if [ -r \"$f\" ]; then set -- \"$@\" \"$f\"; elif [ -f \"$f\" ]; then printf '%s%%s\\n' \"$f\"; fi\n", word(sysctlPath(w.Name)), unreadable)
				}
				b.WriteString("[ \"$#\" = 0 ] || grep -s '' -- \"$@\" /dev/null\n")
				return b.String()
			},
			Read:      readSysctls,
			Functions: sysctlFunctions,
			Now:       func(name string) string { return "ms_sysctl_now " + sysctlPath(name) },
			Expected:  func(attrs mesh.Tree) string { return "is " + text(attrs, "value") },
			Describe:  func(now string) string { return "a value that " + now },
			Write: func(name string, after mesh.Tree) string {
				return fmt.Sprintf("ms_sysctl %s %s", sysctlPath(name), word(text(after, "value")))
			},
		},
	}
}

// refuseSysctl finds what the kernel takes and never tells: some numbers, and some settings
// altogether, which nobody could compare.
func refuseSysctl(name string, declaration []byte) (problem, hint string) {
	s, err := decoded[struct{ Value string }](declaration)
	if err != nil {
		return "", ""
	}
	switch name {
	case "net.ipv4.route.flush", "net.ipv6.route.flush", "vm.compact_memory":
		return "the kernel takes it as an order and keeps no value", "declare a command"
	}
	for _, w := range strings.Fields(s.Value) {
		if n, err := strconv.ParseUint(w, 0, 64); err == nil && strings.HasPrefix(strings.ToLower(w), "0x") {
			return fmt.Sprintf("the kernel tells %s in decimal numbers, and %s would differ for ever", name, w), fmt.Sprintf("write %d", n)
		}
	}
	return "", ""
}

// sysctlPath is net.ipv4.ip_forward as the path below /proc/sys. A name that is quoted for
// a shell stays so.
func sysctlPath(name string) string { return strings.ReplaceAll(name, ".", "/") }

// readLines reads one line for each name: "absent", "unreadable", or "is" and the value of an
// attribute.
func readLines(attr string) func(out string, names []string) []Seen {
	return func(out string, names []string) []Seen {
		ls := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if len(ls) != len(names) {
			return nil
		}
		seen := make([]Seen, 0, len(names))
		for _, l := range ls {
			value, there := strings.CutPrefix(l, "is ")
			switch {
			case there:
				seen = append(seen, Seen{Attrs: map[string]any{attr: value}})
			case l == "absent":
				seen = append(seen, Seen{})
			case l == "unreadable":
				seen = append(seen, Seen{Unknown: "what tells of it cannot be read"})
			default:
				return nil
			}
		}
		return seen
	}
}

// readSysctls reads lines /proc/sys/PATH:VALUE, of what the kernel has, and of what cannot be
// read no value. The numbers of a list are separated by tabs there.
func readSysctls(out string, names []string) []Seen {
	const dir = "/proc/sys/"
	found := map[string]Seen{}
	for l := range strings.Lines(out) {
		l, hidden := strings.CutPrefix(l, unreadable)
		name, value, ok := strings.Cut(strings.TrimSuffix(l, "\n"), ":")
		i := strings.Index(name, dir)
		if ok == hidden || i < 0 {
			return nil
		}
		name = strings.ReplaceAll(name[i+len(dir):], "/", ".")
		if hidden {
			found[name] = Seen{Unknown: "the kernel does not let it be read; what root cannot read either wants a command in place of a sysctl"}
			continue
		}
		if _, more := found[name]; !more {
			found[name] = Seen{Attrs: map[string]any{"value": strings.Join(strings.Fields(value), " ")}}
		}
	}
	return inOrder(found, names)
}

// A shell's own read takes byte after byte, and of a number's second byte the kernel knows
// nothing: cat and grep read at once.
const sysctlFunctions = `ms_sysctl_now() {
  if [ -f "$R/proc/sys/$1" ] && N=$(cat -- "$R/proc/sys/$1" 2>/dev/null); then
    N=${N%%"$nl"*}
    set -f
    # shellcheck disable=SC2086 # runs of blanks become one
    set -- $N
    set +f
    N="is $*"
  else N=absent; fi
}
# ms_sysctl PATH VALUE: the kernel may take a value for another one, or make nothing of it.
ms_sysctl() {
  [ -e "$R/proc/sys/$1" ] || { W="this kernel has no setting /proc/sys/$1: is its module loaded?"; return 1; }
  W=$({ printf '%s\n' "$2" >"$R/proc/sys/$1"; } 2>&1) || { W="the kernel does not take $2 for $1: ${W##*: }"; return 1; }
  v=$2
  ms_sysctl_now "$1"
  [ "$N" = "is $v" ] || { W="the kernel took $v for $1, and tells ${N#is } now: declare what it tells, or a command for what it does not"; return 1; }
}
`
