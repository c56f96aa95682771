package sandbox_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"meshsync.dev/meshsync/internal/sandbox"
)

// example is the five hosts of the example, empty as after an installation.
func example() []sandbox.HostOptions {
	var out []sandbox.HostOptions
	for _, n := range []string{"m1", "m2", "m3"} {
		out = append(out, sandbox.HostOptions{Name: n, Units: []sandbox.UnitOptions{
			{Name: "zookeeper", Kind: "zookeeper"}, {Name: "mesos-master", Kind: "mesos-master"}, {Name: "logshipper", Kind: "generic"},
		}})
	}
	for _, n := range []string{"a1", "a2"} {
		out = append(out, sandbox.HostOptions{Name: n, Units: []sandbox.UnitOptions{
			{Name: "mesos-slave", Kind: "mesos-agent"}, {Name: "logshipper", Kind: "generic"},
		}})
	}
	return out
}

// box starts a sandbox that ends with the test.
func box(t *testing.T, o sandbox.Options) *sandbox.Cluster {
	t.Helper()
	if o.Dir == "" {
		if o.Dir = t.TempDir(); o.Mode == "plain" {
			o.Dir = publicDir(t)
		}
	}
	c, err := sandbox.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// publicDir is a temporary folder that all users can enter, unlike t.TempDir.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandbox-test-") //nolint:usetesting // others than the owner cannot enter what is in t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// inEachMode runs a test with hosts in namespaces, where the machine gives some, and without.
func inEachMode(t *testing.T, test func(t *testing.T, mode sandbox.Mode)) {
	t.Helper()
	t.Parallel()
	for _, mode := range []sandbox.Mode{"namespaces", "plain"} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			if mode == "namespaces" && os.Geteuid() != 0 {
				t.Skip("namespaces need root")
			}
			test(t, mode)
		})
	}
}

// connectTo reads the connect file of a sandbox.
func connectTo(t testing.TB, c *sandbox.Cluster) sandbox.Connect {
	t.Helper()
	connect, err := sandbox.ReadConnect(c.ConnectFile())
	if err != nil {
		t.Fatal(err)
	}
	return connect
}

// dial logs in at a host as the connect file says.
func dial(t testing.TB, c *sandbox.Cluster, host string) (*ssh.Client, error) {
	t.Helper()
	return dialAs(t, c, host, "")
}

func dialAs(t testing.TB, c *sandbox.Cluster, host, user string) (*ssh.Client, error) {
	t.Helper()
	connect := connectTo(t, c)
	at := connect.Hosts[host]
	if user == "" {
		user = at.User
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(at.Address, strconv.Itoa(at.Port)), 5*time.Second)
	if err != nil {
		return nil, err
	}
	return handshake(t, connect, conn, host, user)
}

func handshake(t testing.TB, connect sandbox.Connect, conn net.Conn, host, user string) (*ssh.Client, error) {
	t.Helper()
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(connect.Hosts[host].HostKey))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(connect.Identity)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	x, chans, reqs, err := ssh.NewClientConn(conn, host, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(key),
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	client := ssh.NewClient(x, chans, reqs)
	t.Cleanup(func() { client.Close() })
	return client, nil
}

// ran is how a command ended.
type ran struct {
	out, err string
	code     int
	failure  error // other than an exit code
}

// script runs a script as root by way of sudo.
func script(t testing.TB, client *ssh.Client, text string) ran {
	t.Helper()
	return command(t, client, "sudo -n /bin/sh -s", text)
}

func command(t testing.TB, client *ssh.Client, line, stdin string) ran {
	t.Helper()
	return run(client, line, stdin)
}

func run(client *ssh.Client, line, stdin string) ran {
	s, err := client.NewSession()
	if err != nil {
		return ran{failure: err}
	}
	defer s.Close()
	var out, errs bytes.Buffer
	s.Stdin, s.Stdout, s.Stderr = strings.NewReader(stdin), &out, &errs
	err = s.Run(line)
	r := ran{out: out.String(), err: errs.String()}
	var exit *ssh.ExitError
	if errors.As(err, &exit) && exit.Signal() == "" {
		r.code = exit.ExitStatus()
	} else {
		r.failure = err
	}
	return r
}

// on runs a script on a host, where it must succeed, and returns what it printed.
func on(t testing.TB, c *sandbox.Cluster, host, text string) string {
	t.Helper()
	client, err := dial(t, c, host)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r := script(t, client, text)
	if r.code != 0 || r.failure != nil {
		t.Fatalf("on %s: exit code %d, %v\n%s%s", host, r.code, r.failure, r.out, r.err)
	}
	return r.out
}

// says runs a line on m1 and returns what it says and its exit code.
func says(t *testing.T, c *sandbox.Cluster, line string) string {
	t.Helper()
	return on(t, c, "m1", "{ "+line+"; } 2>&1; echo $?\n")
}

// eventually polls until a condition holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute still not: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
