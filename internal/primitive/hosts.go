package primitive

import (
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// hostsEntry is what /etc/hosts says of one address: its names, in their order. An
// address without names has no line there.
func hostsEntry() Primitive {
	return Primitive{
		Kind: "hosts-entry", Field: "hostsEntries", order: orderSetting,
		Decode: func(declaration []byte) (Declared, error) {
			h, err := decoded[struct {
				Names []string `json:"names"`
			}](declaration)
			return Declared{Attrs: map[string]any{"names": strings.Join(h.Names, " ")}}, err
		},
		Named: &Named{
			Look:      lookAtHosts,
			Read:      readHosts,
			Functions: hostsFunctions,
			Now:       func(name string) string { return "ms_hosts_now " + name },
			Expected:  func(attrs mesh.Tree) string { return strings.TrimSpace("has " + text(attrs, "names")) },
			Describe:  func(now string) string { return "an address that " + now },
			Beside:    func(mesh.Tree) string { return "/etc" },
			Write: func(name string, after mesh.Tree) string {
				return "ms_hosts " + name + " " + word(text(after, "names"))
			},
			Remove: func(name string) string { return "ms_hosts " + name + " ''" },
		},
	}
}

// lookAtHosts prints the lines of the file, and those addresses by themselves that are to
// have no line: they are there, without names, whether they have one or not.
func lookAtHosts(wanted []Wanted) string {
	var b strings.Builder
	for _, w := range wanted {
		if w.Attrs != nil && text(w.Attrs, "names") == "" {
			b.WriteString("printf '%s\\n' " + word(w.Name) + "\n")
		}
	}
	return hostsFunctions + "ms_hosts_print\n" + b.String()
}

// readHosts reads lines ADDRESS NAME…; one address may have several.
func readHosts(out string, names []string) []Seen {
	all := map[string][]string{}
	for l := range strings.Lines(out) {
		f := strings.Fields(l)
		if len(f) == 0 {
			return nil
		}
		all[f[0]] = append(all[f[0]], f[1:]...)
	}
	found := map[string]Seen{}
	for address, of := range all {
		found[address] = Seen{Attrs: map[string]any{"names": strings.Join(of, " ")}}
	}
	return inOrder(found, names)
}

// ms_hosts writes the file anew, with the mode and owner that it has. What it read is what it
// copied: a link that is put there meanwhile is copied as one, and is no file.
const hostsFunctions = `ms_hosts_print() {
  [ ! -r "$R/etc/hosts" ] || awk '{ sub(/#.*/, "") } NF { $1 = $1; print }' "$R/etc/hosts"
}
ms_hosts_now() {
  N=$(ms_hosts_print | awk -v a="$1" '$1 == a { $1 = ""; printf "%s", $0; n = 1 } END { exit !n }') && N="has$N" || N=absent
}
# ms_hosts ADDRESS NAMES
ms_hosts() {
  ms_beside "$R/etc" || return 1
  if [ -e ../hosts ] || [ -L ../hosts ]; then ms_try cp -P -p -- ../hosts new; else : >new; fi || { W="cannot copy /etc/hosts: $W"; return 1; }
  if [ -L new ] || [ ! -f new ]; then rm -rf -- new; W='/etc/hosts is no regular file: put one in its place by hand'; return 1; fi
  x=$(awk -v a="$1" -v n="$2" '
    { l = $0; sub(/#.*/, ""); if ($1 != a) { print l; next } }
    n != "" && !done { print a "\t" n; done = 1 }
    END { if (n != "" && !done) print a "\t" n }' new && echo .) && printf '%s' "${x%.}" >new || { rm -f -- new; W='cannot write into /etc: is the disk full?'; return 1; }
  ms_sync new
  ms_place hosts
}
`
