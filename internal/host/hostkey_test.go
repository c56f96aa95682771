package host

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
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

// The line to add to known_hosts is for copying, however long the key is.
func TestALineToCopyIsWhole(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "rsa")
	keygen(t, "-t", "rsa", "-b", "4096", "-C", "", "-N", "", "-f", key)
	b := newBox(t)
	s := newOpenSSH(t, b, "HostKeyAlgorithms rsa-sha2-512", "HostKey "+key)
	o := s.options()
	o.KnownHosts = []string{written(t, "known_hosts", "# nothing\n")}
	h := s.spec()
	h.HostKeys = nil
	p, err := remote.NewPool(o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	line := fmt.Sprintf("[127.0.0.1]:%d %s", s.port, read(t, key+".pub"))
	target := New(Options{Mesh: "prod", Name: "h", Dialer: poolDialer{p.Host(h)}, Timeout: time.Minute})
	defer target.Close()
	if st := target.Observe(t.Context()); st.Outcome != mesh.UnknownHostKey || !strings.HasSuffix(st.Message, line) {
		t.Errorf("%s %s", st.Outcome, st.Message)
	}
	if f := target.Examine(t.Context(), time.Now); !strings.HasSuffix(f.Hint, line) {
		t.Errorf("%s %s", f.Message, f.Hint)
	}
}
