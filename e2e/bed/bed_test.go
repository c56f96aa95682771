//go:build linux

package bed_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/e2e/bed"
)

func TestMain(m *testing.M) { os.Exit(bed.Main(m)) }

// eventually asks until the answer is empty, which means that nothing is missing.
func eventually(t *testing.T, what string, missing func() string) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute) // far beyond what anything here takes
	for {
		last := missing()
		if last == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s", what, last)
		}
		time.Sleep(50 * time.Millisecond) // between two looks
	}
}

// ssh logs in with the machine's own client, which trusts only the keys that the bed names.
func ssh(t *testing.T, b *bed.Bed, user string, h *bed.Host, command string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ssh", "-F", "none", "-i", b.KeyFile,
		"-o", "UserKnownHostsFile="+b.KnownHosts, "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes",
		"-o", "ConnectTimeout=60", user+"@"+h.Address, command).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestHostsRunAndLetUsersIn(t *testing.T) {
	b := bed.Start(t, bed.Options{Hosts: 3})
	for _, h := range b.Hosts {
		if got := strings.TrimSpace(h.Exec(t, "systemctl is-system-running --wait").Stdout); got != "running" {
			t.Errorf("%s: systemd says %q\n%s", h.Name, got, h.Exec(t, "systemctl --failed; systemctl list-jobs").Stdout)
		}
		for user, want := range map[string]string{"root": "0", "admin": "0", "reader": ""} {
			got, err := ssh(t, b, user, h, "sudo -n id -u")
			if want == "" && err == nil || want != "" && got != want {
				t.Errorf("%s: sudo as %s answers %q, %v", h.Name, user, got, err)
			}
		}
		if got := strings.TrimSpace(h.Must(t, "hostname")); got != h.Name {
			t.Errorf("%s takes itself for %s", h.Name, got)
		}
	}
	if got := b.Hosts[0].Must(t, "ssh-keyscan -t ed25519 h2 2>/dev/null"); !strings.Contains(got, b.Host(t, "h2").HostKey) {
		t.Errorf("h1 sees another host key of h2 than the bed names: %s", got)
	}
}

// TestNothingOutsideIsInReach dials addresses of the networks that are kept for examples.
func TestNothingOutsideIsInReach(t *testing.T) {
	b := bed.Start(t, bed.Options{Hosts: 1, Bare: true})
	for _, outside := range []string{"192.0.2.1:80", "198.51.100.1:22", "[2001:db8::1]:80"} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", outside)
		if err == nil {
			conn.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "unreachable") {
			t.Errorf("dial %s from the tests: %v, want that it is unreachable", outside, err)
		}
	}
	if r := b.Hosts[0].Exec(t, "ip route get 192.0.2.1"); r.Exit == 0 || !strings.Contains(r.Stderr, "unreachable") {
		t.Errorf("a host has a way out: %+v", r)
	}
}

func TestCutHostFallsSilentAndJoinedAnswers(t *testing.T) {
	b := bed.Start(t, bed.Options{Hosts: 2, Bare: true})
	cut, other := b.Hosts[0], b.Hosts[1]
	cut.Cut(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", cut.Address+":22")
	if err == nil {
		conn.Close()
		t.Error("the host that was cut takes connections")
	}
	if got := cut.Must(t, "echo inside"); got != "inside\n" {
		t.Errorf("Exec on the host that was cut: %q", got)
	}
	if out, err := ssh(t, b, "root", other, "true"); err != nil {
		t.Errorf("the other host is cut, too: %v: %s", err, out)
	}
	cut.Join(t)
	eventually(t, "ssh after Join", func() string {
		out, err := ssh(t, b, "root", cut, "true")
		if err != nil {
			return out
		}
		return ""
	})
}

func TestKilledHostKeepsItsDiskAndAResetOneDoesNot(t *testing.T) {
	b := bed.Start(t, bed.Options{Hosts: 1, Bare: true})
	h := b.Hosts[0]
	const file = "/srv/it's here/mark"
	h.Put(t, file, "one\ntwo", 0o640)
	if got := h.Must(t, `stat -c %a "/srv/it's here/mark"`); got != "640\n" {
		t.Errorf("Put made the mode %s", got)
	}
	h.Kill(t)
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", h.Address+":22")
	if err == nil {
		conn.Close()
		t.Error("the killed host takes connections")
	}
	h.Boot(t)
	if got := h.Get(t, file); got != "one\ntwo" {
		t.Errorf("after Kill and Boot the file has %q", got)
	}
	h.Must(t, "touch /run/gone-after-a-reboot")
	h.Exec(t, "systemctl reboot")
	eventually(t, "reboot from inside", func() string {
		if out, err := ssh(t, b, "root", h, "test ! -e /run/gone-after-a-reboot"); err != nil {
			return err.Error() + out
		}
		return ""
	})
	if got := h.Get(t, file); got != "one\ntwo" {
		t.Errorf("after a reboot the file has %q", got)
	}
	h.Reset(t)
	if r := h.Exec(t, `test -e "/srv/it's here/mark"`); r.Exit == 0 {
		t.Error("Reset has kept a file")
	}
}
