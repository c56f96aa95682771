package host

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// fingerprint is a key as ssh-keygen names it, with its type before it.
func fingerprint(t *testing.T, line string) mesh.HostKey {
	t.Helper()
	out, err := exec.Command("ssh-keygen", "-l", "-f", written(t, "key.pub", line+"\n")).Output()
	if err != nil {
		t.Fatal(err)
	}
	kind, _, _ := strings.Cut(line, " ")
	return mesh.HostKey(kind + " " + strings.Fields(string(out))[1])
}

func TestAHostIsSeenWithTheKeyThatItShowed(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name  string
		start func(*testing.T) (s *openSSH, knownHosts string)
	}{
		{"a key", func(t *testing.T) (*openSSH, string) {
			s := newOpenSSH(t, newBox(t))
			return s, s.known()
		}},
		{"a key that is certified", func(t *testing.T) (*openSSH, string) {
			x := newCertified(t, "-n", "127.0.0.1")
			return x.openSSH, fmt.Sprintf("@cert-authority * %s\n", x.ca)
		}},
		{"a key of another type, for that is the one that is known", func(t *testing.T) (*openSSH, string) {
			file := filepath.Join(t.TempDir(), "rsa")
			keygen(t, "-t", "rsa", "-b", "2048", "-C", "", "-N", "", "-f", file)
			s := newOpenSSH(t, newBox(t), "HostKey "+file)
			s.hostKey = read(t, file+".pub")
			return s, s.known()
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			s, known := x.start(t)
			o, h := s.options(), s.spec()
			h.HostKeys, o.KnownHosts = nil, []string{written(t, "known_hosts", known)}
			if got, want := connected(t, o, h).HostKey(), fingerprint(t, s.hostKey); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

func TestTheRecordHoldsWhoWroteIt(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.key = "ssh-ed25519 SHA256:abc"
		b.put("/d/x", "")
		want := []mesh.Resource{file("/d/f", "one\n")}
		h := b.host(want...)
		if _, err := results(t, h, planned(t, h, want)); err != nil {
			t.Fatal(err)
		}
		remembered := h.last.Record
		s := h.Observe(context.Background())
		for _, r := range []mesh.Record{remembered, s.Record} {
			if r.Machine != s.Host.MachineID || r.Machine == "" || r.HostKey != s.Host.HostKey || r.HostKey == "" {
				t.Errorf("the record says %s, %s; the host is %s, %s", r.Machine, r.HostKey, s.Host.MachineID, s.Host.HostKey)
			}
		}
	})
}
