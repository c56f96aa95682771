package primitive

import (
	"cmp"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// packages are Debian packages: version, exact or as a glob, whether it is held, and
// whether dpkg is done with it. All that a batch installs is one transaction of apt, for
// packages may want each other's exact versions; while it runs no service may start, stop
// or restart by itself.
func packages() Primitive {
	return Primitive{
		Kind: mesh.Package, Field: "packages", order: orderPackage,
		Decode: func(declaration []byte) (Declared, error) {
			p, err := decoded[struct {
				Version string `json:"version"`
				Hold    *bool  `json:"hold"`
			}](declaration)
			hold := openValue
			if p.Hold != nil {
				hold = map[bool]string{true: "yes", false: "no"}[*p.Hold]
			}
			return Declared{Attrs: map[string]any{"version": cmp.Or(p.Version, openValue), "hold": hold, "state": "installed"}}, err
		},
		Settle: settlePackage, Moves: true,
		Named: &Named{
			Look:      lookAtPackages,
			Read:      readPackages,
			Functions: packageFunctions,
			Now:       func(name string) string { return "ms_package_now " + name },
			Expected: func(a mesh.Tree) string {
				version := text(a, "version")
				if version == openValue {
					version = "*"
				}
				return version + " " + text(a, "hold") + " " + text(a, "state")
			},
			Describe: func(now string) string { return "the package (version, held, state) " + now },
			Begin:    policyFunctions,
			Together: "ms_packages", TogetherGone: "ms_packages_gone",
			Write: func(name string, a mesh.Tree) string {
				return "ms_package " + name + " " + word(text(a, "version")) + " " + word(text(a, "hold"))
			},
			Remove: func(name string) string { return "PKG_GONE=\"$PKG_GONE \"" + name },
		},
	}
}

// settlePackage takes over the version that is there when it fits, else the one that apt
// offers; that of a package that is to be had in no known version stays as declared.
func settlePackage(want, have mesh.Tree, offers []string) mesh.Tree {
	out := want.Clone()
	declared := text(want, "version")
	for _, v := range append([]string{text(have, "version")}, offers...) {
		if v != "" && fits(declared, v) {
			out["version"] = v
			break
		}
	}
	if text(want, "hold") == openValue {
		out["hold"] = cmp.Or(text(have, "hold"), "no")
	}
	return out
}

// lookAtPackages asks dpkg for all, and apt only for those that are not as declared: k are
// the others.
func lookAtPackages(wanted []Wanted) string {
	var b strings.Builder
	b.WriteString("v=$(dpkg-query -W -f '${Package} ${db:Status-Status} ${Version} ${db:Status-Want}\\n' --" + words(namesOf(wanted)) + " 2>/dev/null)\n")
	b.WriteString("printf '%s\\n' \"$v\"\nk=' '\nm=''\nIFS=$nl\nset -f\nfor l in $v; do\n  case $l in\n")
	for _, w := range wanted {
		if w.Attrs != nil {
			b.WriteString("  " + word(w.Name+" installed ") + globWord(text(w.Attrs, "version")) + "' '*) k=\"$k\"" + word(w.Name+" ") + ";;\n")
		}
	}
	b.WriteString("  esac\ndone\nset +f\nunset IFS\n")
	for _, w := range wanted {
		if w.Attrs != nil {
			b.WriteString("case $k in *" + word(" "+w.Name+" ") + "*) ;; *) m=\"$m \"" + word(w.Name) + ";; esac\n")
		}
	}
	b.WriteString("printf 'offers\\n'\nif [ -n \"$m\" ]; then apt-cache policy --$m 2>/dev/null; fi\n")
	return b.String()
}

// globWord is a glob for a case of the shell: its stars and question marks mean what they
// do, everything else is quoted.
func globWord(glob string) string {
	if glob == openValue {
		return "*"
	}
	var b strings.Builder
	for _, r := range glob {
		if r == '*' || r == '?' {
			b.WriteRune(r)
		} else {
			b.WriteString(word(string(r)))
		}
	}
	return b.String()
}

// readPackages reads lines NAME STATUS VERSION WANT, where a package that was never here has no version, and behind the line "offers" what
// apt-cache policy says.
func readPackages(out string, names []string) []Seen {
	installed, offers, whole := strings.Cut("\n"+out, "\noffers\n")
	if !whole {
		return nil
	}
	found := map[string]Seen{}
	for l := range strings.Lines(strings.Trim(installed, "\n")) {
		f := strings.Fields(l)
		if len(f) < 3 {
			return nil
		}
		if f[1] == "not-installed" || f[1] == "config-files" || len(f) < 4 {
			continue
		}
		hold := map[bool]string{true: "yes", false: "no"}[f[3] == "hold"]
		found[f[0]] = Seen{Attrs: map[string]any{"version": f[2], "hold": hold, "state": f[1]}}
	}
	for name, versions := range readPolicy(offers) {
		s := found[name]
		s.Offers = versions
		found[name] = s
	}
	return inOrder(found, names)
}

// readPolicy reads what apt-cache policy says: name → versions that apt could install,
// the one that it would take first.
//
//	mesos:
//	  Installed: (none)
//	  Candidate: 1.11.0-2
//	  Version table:
//	     1.11.0-2 500
//	        500 file:/srv/apt ./ Packages
//	     1.11.0-1 500
//	        500 file:/srv/apt ./ Packages
func readPolicy(out string) map[string][]string {
	all := map[string][]string{}
	name, table := "", false
	for l := range strings.Lines(out) {
		l = strings.TrimRight(l, "\n")
		f := strings.Fields(l)
		switch {
		case l != "" && l[0] != ' ':
			name, table = strings.TrimSuffix(l, ":"), false
		case len(f) == 2 && f[0] == "Candidate:" && f[1] != "(none)":
			all[name] = append(all[name], f[1])
		case len(f) == 2 && f[0] == "Version":
			table = true
		case table && strings.HasPrefix(l, " *** ") || table && strings.HasPrefix(l, "     ") && len(f) == 2 && l[5] != ' ':
			all[name] = append(all[name], strings.TrimPrefix(f[len(f)-2], "*** "))
		}
	}
	return all
}
