package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"meshsync.dev/meshsync/internal/sandbox"
)

// serveVariable makes the test's binary serve a sandbox in the folder that it names, as the
// hidden command of the program does.
const serveVariable = "SANDBOX_TEST_SERVE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveVariable); dir != "" {
		hosts := example()
		hosts[0].Units[2].Enabled = true
		o := sandbox.Options{Dir: dir, Hosts: hosts, Timing: quick(), Idle: time.Minute}
		if strings.HasSuffix(dir, "-broken") {
			o.Hosts[1].Name = "not a name"
		}
		if err := sandbox.Serve(context.Background(), o); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// spawn runs a sandbox in a process of its own, that ends with the test.
func spawn(t *testing.T, dir string) error {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		sandbox.Down(dir)
		// It says that it is down a moment before its end, for which a goroutine here waits.
		eventually(t, "its process has ended", func() bool { return len(processesWith(serveVariable+"="+dir+"\x00")) == 0 })
	})
	return sandbox.Spawn("/usr/bin/env", []string{serveVariable + "=" + dir, exe}, dir)
}

func TestSpawnStatusFaultDown(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("a-long-name-", 9)) // longer than a socket's path may be
	if _, err := sandbox.Status(dir); !errors.Is(err, sandbox.ErrNotRunning) {
		t.Errorf("status before up: %v", err)
	}
	if err := spawn(t, dir); err != nil {
		t.Fatal(err)
	}
	if err := spawn(t, dir); err == nil || !strings.Contains(err.Error(), "runs in "+dir+" already") {
		t.Errorf("up twice: %v", err)
	}
	text, err := sandbox.Status(dir)
	if err != nil || !strings.Contains(text, "host m1 at 127.0.0.1:") || !strings.Contains(text, "logshipper active, pid ") {
		t.Errorf("status: %v\n%s", err, text)
	}
	if err := sandbox.Fault(dir, "m1", "slow", "20"); err != nil {
		t.Error(err)
	}
	if text, _ := sandbox.Status(dir); !strings.Contains(text, "fault slow=20") {
		t.Errorf("status with a fault:\n%s", text)
	}
	if err := sandbox.Fault(dir, "m1", "typhoon", ""); err == nil || !strings.Contains(err.Error(), "no such fault") {
		t.Errorf("an unknown fault: %v", err)
	}
	if err := sandbox.Down(dir); err != nil {
		t.Error(err)
	}
	if left := processesOf(dir); len(left) > 0 {
		t.Errorf("left running after down: %q", left)
	}
	if err := sandbox.Down(dir); !errors.Is(err, sandbox.ErrNotRunning) {
		t.Errorf("down twice: %v", err)
	}
}

func TestSpawnTellsWhyItDoesNotComeUp(t *testing.T) {
	t.Parallel()
	err := spawn(t, filepath.Join(t.TempDir(), "x-broken"))
	if err == nil || !strings.Contains(err.Error(), "a name has letters, digits and dashes") {
		t.Errorf("got %v", err)
	}
	if err := sandbox.Spawn("/does/not/exist", nil, t.TempDir()); err == nil {
		t.Error("a program that does not exist was started")
	}
}

func TestServeEndsWhenNobodyUsesIt(t *testing.T) {
	t.Parallel()
	if err := sandbox.Serve(t.Context(), sandbox.Options{Dir: t.TempDir(), Hosts: example()[:1], Idle: time.Millisecond}); err != nil {
		t.Error(err)
	}
}

func TestAFolderHoldsOneSandbox(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example()[:1]})
	dir := filepath.Dir(c.ConnectFile())
	if _, err := sandbox.Start(t.Context(), sandbox.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "runs in "+dir+" already") {
		t.Errorf("a second one: %v", err)
	}
	on(t, c, "m1", "echo kept >$R/etc/kept; systemctl enable logshipper")
	before := connectTo(t, c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	again := box(t, sandbox.Options{Dir: dir, Hosts: example()[:1]})
	if got := on(t, again, "m1", "cat $R/etc/kept; systemctl is-active logshipper"); got != "kept\nactive\n" {
		t.Errorf("after down and up: %q", got)
	}
	if after := connectTo(t, again); after.Hosts["m1"].HostKey != before.Hosts["m1"].HostKey {
		t.Error("the host has another key after down and up")
	}
}

func TestAMarathonOfTheSandboxFailsOnRequest(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Marathons: []string{"main"}})
	get := func(patience time.Duration) (int, string, error) {
		client := &http.Client{Timeout: patience}
		defer client.CloseIdleConnections()
		r, err := client.Get(c.MarathonURL("main") + "/v2/apps")
		if err != nil {
			return 0, "", err
		}
		defer r.Body.Close()
		text := make([]byte, 100)
		n := 0
		for err == nil {
			var m int
			m, err = r.Body.Read(text[n:])
			n += m
		}
		if err.Error() == "EOF" {
			err = nil
		}
		return r.StatusCode, string(text[:n]), err
	}
	if code, text, err := get(time.Minute); code != 200 || !strings.HasPrefix(text, `{"apps":[`) || err != nil {
		t.Errorf("well: %d %q %v", code, text, err)
	}
	for name, want := range map[string]string{
		"html": "200 <!DOCTYPE", "error500": "500 {", "half-body": "unexpected EOF", "redirect-loop": "10 redirects", "hang": "Client.Timeout", "unreachable": "EOF",
	} {
		if err := c.Fault("main", name, ""); err != nil {
			t.Fatal(err)
		}
		patience := time.Minute
		if name == "hang" {
			patience = time.Second
		}
		code, text, err := get(patience)
		if got := fmt.Sprint(code, " ", text, " ", err); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if err := c.Fault("main", name, "off"); err != nil {
			t.Fatal(err)
		}
	}
}
