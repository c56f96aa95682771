//go:build linux

package hosts

import (
	"strings"
	"testing"
)

// filled puts into a trial what only the host knows: digests, and the name of a module
// that is there.
func (m machine) filled(t *testing.T, tr trial) trial {
	t.Helper()
	var pairs []string
	switch tr.name {
	case "archive":
		for _, n := range []string{"1", "2"} {
			pairs = append(pairs, "@"+n+"@", m.sha256(t, "/srv/pub/"+n+".tar"))
		}
	case "module":
		pairs = append(pairs, "@module@", m.module(t))
	}
	r := strings.NewReplacer(pairs...)
	for i := range tr.want {
		tr.want[i] = r.Replace(tr.want[i])
	}
	tr.changed = r.Replace(tr.changed)
	return tr
}

func (m machine) sha256(t *testing.T, name string) string {
	t.Helper()
	return strings.Fields(m.Must(t, "sha256sum "+name))[0]
}

// module is the name of one that is built into the kernel, as far as the host's files tell:
// where none can be loaded, that is all there is.
func (m machine) module(t *testing.T) string {
	t.Helper()
	m.Must(t, `d=/lib/modules/$(uname -r); mkdir -p "$d" && echo kernel/net/bed-built_in.ko >"$d/modules.builtin"`)
	return "bed_built-in"
}
