package primitive

import (
	"net/netip"
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
		Refuse: refuseAddress,
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

// refuseAddress finds what is no address, and one in another spelling than the usual one: two
// names for one address would undo each other's lines.
func refuseAddress(name string, _ []byte) (problem, hint string) {
	a, err := netip.ParseAddr(name)
	switch {
	case err != nil:
		return "that is no address of IPv4 or IPv6", ""
	case a.String() != name:
		return "that is another spelling of " + a.String(), "write " + a.String()
	}
	return "", ""
}

// wholeAddress is an address in the form that ms_hosts_print gives it, whatever its spelling:
// of IPv6 all groups with all digits.
func wholeAddress(name string) string {
	a, err := netip.ParseAddr(name)
	if err != nil || a.Is4() || strings.Contains(name, ".") {
		return strings.ToLower(name)
	}
	return a.StringExpanded()
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

// readHosts reads lines ADDRESS NAME…, with one blank between words; one address may have several.
func readHosts(out string, names []string) []Seen {
	all := map[string][]string{}
	for l := range strings.Lines(out) {
		f := strings.Split(strings.TrimSuffix(l, "\n"), " ")
		if l == unreadable+"\n" {
			return allUnknown(names, "/etc/hosts cannot be read")
		}
		if f[0] == "" {
			return nil
		}
		address := wholeAddress(f[0])
		all[address] = append(all[address], f[1:]...)
	}
	seen := make([]Seen, 0, len(names))
	for _, n := range names {
		s := Seen{}
		if of, there := all[wholeAddress(n)]; there {
			s.Attrs = map[string]any{"names": strings.Join(of, " ")}
		}
		seen = append(seen, s)
	}
	return seen
}

// ms_hosts writes the file anew, with the mode and owner that it has. What it read is what it
// copied: a link that is put there meanwhile is copied as one, and is no file.
//
// Addresses are compared as text, for awk takes 127.1 and 127.10 for one number, and in their
// long form. Carriage returns stand between words as blanks do: so the C library reads them.
const hostsFunctions = `ms_hosts_awk='
  function pad(s) { s = tolower(s); while (length(s) < 4) s = "0" s; return s }
  function whole(s,  n, i, g, h, r) {
    if (s !~ /:/ || s ~ /[.%]/) return tolower(s)
    if (s ~ /^::/) s = "0" s
    if (s ~ /::$/) s = s "0"
    n = split(s, g, ":")
    for (i = 1; i <= n; i++) if (g[i] == "") for (h = n; h <= 8; h++) r = r ":0000"; else r = r ":" pad(g[i])
    return substr(r, 2)
  }
  function words() { sub(/#.*/, ""); gsub(/[\013\014\015]/, " "); if (NF) $1 = $1 }
'
ms_hosts_print() {
  if [ -r "$R/etc/hosts" ]; then awk "$ms_hosts_awk"'{ words() } NF { $1 = whole($1); print }' "$R/etc/hosts"
  elif [ -e "$R/etc/hosts" ]; then echo '` + unreadable + `'; fi
}
ms_hosts_now() {
  N=$(ms_hosts_print | awk -v a="$1" "$ms_hosts_awk"'BEGIN { a = whole(a) "" } $1 "" == a { $1 = ""; printf "%s", $0; n = 1 } END { exit !n }') && N="has$N" || N=absent
}
# ms_hosts ADDRESS NAMES
ms_hosts() {
  ms_beside "$R/etc" || return 1
  if [ -e ../hosts ] || [ -L ../hosts ]; then ms_try cp -P -p -- ../hosts new; else : >new; fi || { W="cannot copy /etc/hosts: $W"; return 1; }
  if [ -L new ] || [ ! -f new ]; then rm -rf -- new; W='/etc/hosts is no regular file: put one in its place by hand'; return 1; fi
  x=$(awk -v a="$1" -v n="$2" "$ms_hosts_awk"'
    BEGIN { b = whole(a) "" }
    { l = $0; words(); if (whole($1) "" != b) { print l; next } }
    n != "" && !done { print a "\t" n; done = 1 }
    END { if (n != "" && !done) print a "\t" n }' new && echo .) && printf '%s' "${x%.}" >new || { rm -f -- new; W='cannot write into /etc: is the disk full?'; return 1; }
  ms_sync new
  ms_place hosts
}
`
