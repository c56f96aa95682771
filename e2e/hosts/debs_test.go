//go:build linux

package hosts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// deb is a Debian package of the tests' own.
type deb struct {
	name, version, depends string
	more                   string // further lines of its control file
	postinst               string
	files                  map[string]string // path → content
	unit                   string            // a service of the package's name that its postinst starts, as debhelper does
}

// publish builds packages on the host and puts them into an apt repository there.
func (m machine) publish(t *testing.T, debs ...deb) {
	t.Helper()
	var b strings.Builder
	b.WriteString("set -e\nmkdir -p /srv/own\ncd /srv/own\n")
	for _, d := range debs {
		dir := "/tmp/deb"
		fmt.Fprintf(&b, "rm -rf %[1]s; mkdir -p %[1]s/DEBIAN\n", dir)
		control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: t <t@example.com>\nDescription: for tests\n", d.name, d.version)
		if d.depends != "" {
			control += "Depends: " + d.depends + "\n"
		}
		control += d.more
		for _, path := range slices.Sorted(maps.Keys(d.files)) {
			fmt.Fprintf(&b, "mkdir -p $(dirname %[1]s%[2]s); cat >%[1]s%[2]s <<'END'\n%[3]sEND\n", dir, path, d.files[path])
		}
		fmt.Fprintf(&b, "cat >%s/DEBIAN/control <<'END'\n%sEND\n", dir, control)
		post := d.postinst
		if d.unit != "" {
			fmt.Fprintf(&b, "mkdir -p %[1]s/lib/systemd/system; cat >%[1]s/lib/systemd/system/%[2]s.service <<'END'\n%[3]s\nEND\n", dir, d.name, d.unit)
			post = fmt.Sprintf("deb-systemd-helper enable %[1]s.service\nsystemctl --system daemon-reload\ndeb-systemd-invoke start %[1]s.service\n", d.name) + post
		}
		if post != "" {
			fmt.Fprintf(&b, "cat >%[1]s/DEBIAN/postinst <<'END'\n#!/bin/sh\nset -e\n%[2]s\nEND\nchmod 755 %[1]s/DEBIAN/postinst\n", dir, post)
		}
		if d.unit != "" {
			fmt.Fprintf(&b, "printf '#!/bin/sh\\n[ \"$1\" != remove ] || deb-systemd-invoke stop %[2]s.service\\n' >%[1]s/DEBIAN/prerm; chmod 755 %[1]s/DEBIAN/prerm\n", dir, d.name)
		}
		fmt.Fprintf(&b, "dpkg-deb -Znone -b %s /srv/own/%s_%s.deb >/dev/null\n", dir, d.name, d.version)
	}
	b.WriteString(`: >Packages.new
for f in *.deb; do
  dpkg-deb -f "$f" >>Packages.new
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$f" "$(stat -c %s "$f")" "$(sha256sum <"$f" | cut -d' ' -f1)" >>Packages.new
done
mv Packages.new Packages
[ -e /etc/apt/sources.list.d/own.list ] || echo 'deb [trusted=yes] file:/srv/own ./' >/etc/apt/sources.list.d/own.list
`)
	m.Must(t, b.String())
}

// version is that of an installed package, with dpkg's short status.
func (m machine) version(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(m.Exec(t, "dpkg-query -W -f '${db:Status-Abbrev} ${Version}' "+name).Stdout)
}

// is fails the test unless a package has this status and version.
func (m machine) is(t *testing.T, name, want string) {
	t.Helper()
	if got := strings.Join(strings.Fields(m.version(t, name)), " "); got != want {
		t.Errorf("%s is %q, want %q", name, got, want)
	}
}
