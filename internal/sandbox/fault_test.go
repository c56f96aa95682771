package sandbox_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"meshsync.dev/meshsync/internal/sandbox"
)

// fault makes a fault on m1 or ends it.
func fault(t *testing.T, c *sandbox.Cluster, name, arg string) {
	t.Helper()
	if err := c.Fault("m1", name, arg); err != nil {
		t.Fatal(err)
	}
}

func TestFaultsOfTheConnection(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example()})
	for _, x := range []struct{ fault, want string }{
		{"unreachable", "connection refused"},
		{"not-ssh", "ssh: "},
		{"refuse-auth", "unable to authenticate"},
		{"wrong-host-key", "host key mismatch"},
	} {
		held, err := dial(t, c, "m1")
		if err != nil {
			t.Fatalf("before %s: %v", x.fault, err)
		}
		fault(t, c, x.fault, "")
		if err := held.Wait(); err == nil {
			t.Errorf("%s: a connection from before lives on", x.fault)
		}
		if _, err := dial(t, c, "m1"); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.fault, err, x.want)
		}
		if _, err := dial(t, c, "m2"); err != nil {
			t.Errorf("%s of m1 reaches m2: %v", x.fault, err)
		}
		fault(t, c, x.fault, "off")
	}
	fault(t, c, "hang", "")
	at := connectTo(t, c).Hosts["m1"]
	conn, err := net.Dial("tcp", net.JoinHostPort(at.Address, strconv.Itoa(at.Port)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("hang: read %d bytes, %v", n, err)
	}
	fault(t, c, "hang", "off")
	if got := on(t, c, "m1", "echo well"); got != "well\n" {
		t.Errorf("after all faults: %q", got)
	}
}

func TestFaultsOfACommand(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example()})
	with := func(name, arg, text string) ran {
		t.Helper()
		client, err := dial(t, c, "m1")
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		fault(t, c, name, arg)
		defer fault(t, c, name, "off")
		return script(t, client, text)
	}
	if r := with("no-sudo", "", "echo x"); r.code != 1 || r.err != "sudo: a password is required\n" || r.out != "" {
		t.Errorf("no-sudo: %+v", r)
	}
	long := "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo line $i; done\n"
	if r := with("drop-after", "200", long); r.failure == nil || len(r.out) > 200 {
		t.Errorf("drop-after of output: %d bytes, %v", len(r.out), r.failure)
	}
	marked := filepath.Join(c.Root("m1"), "tmp")
	if r := with("drop-after", "in:40", "echo 1 >$R/tmp/first\n"+strings.Repeat("# \n", 20)+"echo 2 >$R/tmp/second\n"); r.failure == nil {
		t.Errorf("drop-after of input: %+v", r)
	}
	eventually(t, "what came of the script is run", func() bool {
		_, err := os.Stat(filepath.Join(marked, "first"))
		return err == nil
	})
	if _, err := os.Stat(filepath.Join(marked, "second")); err == nil {
		t.Error("what did not come was run")
	}
	if r := with("slow", "300", "echo x"); r.out != "x\n" {
		t.Errorf("slow: %+v", r)
	}
	// What comes late comes whole and in order, be it more than is on its way at once.
	fault(t, c, "latency", "5")
	if got := on(t, c, "m1", "seq 1000000"); len(got) != 6888896 || !strings.HasSuffix(got, "\n999999\n1000000\n") {
		t.Errorf("latency: %d bytes", len(got))
	}
	fault(t, c, "latency", "off")
}

func TestACommandHangsMidway(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example()[:1]})
	fault(t, c, "hang-midway", "100")
	client, err := dial(t, c, "m1")
	if err != nil {
		t.Fatal(err)
	}
	s, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("seq 1000"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	// Nothing comes any more, not even the exit code, until the connection goes.
	time.AfterFunc(100*time.Millisecond, func() { client.Close() })
	if rest, _ := io.ReadAll(out); len(rest) > 0 {
		t.Errorf("%d bytes more", len(rest))
	}
	if err := s.Wait(); err == nil {
		t.Error("an exit code came")
	}
}

func TestAFloodIsOneGigabyte(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example()[:1]})
	fault(t, c, "flood", "")
	client, err := dial(t, c, "m1")
	if err != nil {
		t.Fatal(err)
	}
	s, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	var n counter
	s.Stdout = &n
	if err := s.Run("true"); err != nil {
		t.Fatal(err)
	}
	if n != 1<<30 {
		t.Errorf("%d bytes", n)
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func TestFaultsOfUnits(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example(), Timing: quick()})
	fault(t, c, "start-fails", "logshipper")
	got := on(t, c, "m1", "systemctl start logshipper 2>/dev/null; echo $?; systemctl show -p ActiveState,Result logshipper")
	if got != "1\nResult=exit-code\nActiveState=failed\n" {
		t.Errorf("start-fails: %s", got)
	}
	fault(t, c, "start-fails", "off")
	on(t, c, "m1", "systemctl start logshipper && systemctl start zookeeper")
	eventually(t, "zookeeper serves", func() bool { return strings.Contains(word(t, c, "m1", "srvr"), "Mode: standalone") })
	fault(t, c, "never-serves", "zookeeper")
	if got := word(t, c, "m1", "srvr"); !strings.Contains(got, "not currently serving") {
		t.Errorf("never-serves: %s", got)
	}
}

func TestAFullDiskFailsWrites(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example()})
	if c.Mode() != "namespaces" {
		if err := c.Fault("m1", "full-disk", ""); err == nil || !strings.Contains(err.Error(), "needs a host with namespaces") {
			t.Errorf("without namespaces: %v", err)
		}
		return
	}
	on(t, c, "m1", "echo before >$R/etc/mesos/zk; chown zookeeper:zookeeper $R/etc/mesos/zk")
	fault(t, c, "full-disk", "8")
	got := on(t, c, "m1", "cat $R/etc/mesos/zk; stat -c %U $R/etc/mesos/zk; head -c 20000 /dev/zero >$R/etc/big 2>&1; stat -c %s $R/etc/big; rm $R/etc/big; echo small >$R/etc/small; rm $R/etc/hosts; cat $R/etc/small; systemctl start logshipper && systemctl is-active logshipper; systemctl mask mesos-master 2>&1")
	if !strings.Contains(got, "before\nzookeeper\n8192\nsmall\nactive\n") {
		t.Errorf("on a disk with 8 KB left: %s", got)
	}
	if text, err := os.ReadFile(filepath.Join(c.Root("m1"), "etc/small")); string(text) != "small\n" {
		t.Errorf("seen from outside: %q, %v", text, err)
	}
	fault(t, c, "full-disk", "off")
	got = on(t, c, "m1", "cat $R/etc/small; [ -e $R/etc/hosts ] || echo gone; stat -c %U $R/etc/mesos/zk; head -c 20000 /dev/zero >$R/etc/big; stat -c %s $R/etc/big; systemctl is-enabled mesos-master || true")
	if got != "small\ngone\nzookeeper\n20000\nmasked\n" {
		t.Errorf("after the fault: %s", got)
	}
}

func TestFaultsThatDoNotExistAreRefused(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example()[:1], Marathons: []string{"main"}})
	for _, x := range []struct{ target, name, arg, want string }{
		{"m1", "typhoon", "", "known:"},
		{"m9", "hang", "", `called "m9"`},
		{"m1", "hang", "yes", "takes no argument"},
		{"m1", "slow", "", "wants a number"},
		{"m1", "drop-after", "in:x", "wants a number"},
		{"m1", "kill", "nothing", "no unit"},
		{"m1", "kill", "logshipper", "does not run"},
		{"main", "typhoon", "", "known:"},
	} {
		if err := c.Fault(x.target, x.name, x.arg); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s %s=%s: %v, want %q", x.target, x.name, x.arg, err, x.want)
		}
	}
	if len(sandbox.Faults()) < 15 {
		t.Errorf("faults: %q", sandbox.Faults())
	}
}

// TestJumpingThroughAHost reaches one host through another, by its name, by its port of
// the machine, and reaches a service of the host itself; but nothing else.
func TestJumpingThroughAHost(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example(), Timing: quick()})
	on(t, c, "m1", "systemctl start zookeeper")
	bastion, err := dial(t, c, "m1")
	if err != nil {
		t.Fatal(err)
	}
	connect := connectTo(t, c)
	for _, at := range []string{"m2:22", fmt.Sprintf("127.0.0.1:%d", connect.Hosts["m2"].Port)} {
		conn, err := bastion.Dial("tcp", at)
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		inner, err := handshakeOver(t, connect, conn, "m2")
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		if r := command(t, inner, "sudo -n cat $R/etc/hostname", ""); r.out != "m2\n" {
			t.Errorf("%s: %+v", at, r)
		}
	}
	eventually(t, "ZooKeeper is reached", func() bool { // it listens a moment after its start
		conn, err := bastion.Dial("tcp", "127.0.0.1:2181")
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	for _, at := range []string{"192.0.2.1:22", "example.com:80", "127.0.0.1:9"} {
		if conn, err := bastion.Dial("tcp", at); err == nil {
			conn.Close()
			t.Errorf("%s was reached", at)
		}
	}
}

func handshakeOver(t *testing.T, connect sandbox.Connect, conn net.Conn, host string) (*ssh.Client, error) {
	t.Helper()
	return handshake(t, connect, noDeadline{conn}, host, "ops")
}

// noDeadline is a connection through another, which knows no deadlines.
type noDeadline struct{ net.Conn }

func (noDeadline) SetDeadline(time.Time) error { return nil }

func TestAFaultOnAllHostsThatMatch(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example()})
	if err := c.Fault("m*", "unreachable", ""); err != nil {
		t.Fatal(err)
	}
	for _, o := range example() {
		client, err := dial(t, c, o.Name)
		if reached := err == nil; reached == strings.HasPrefix(o.Name, "m") {
			t.Errorf("%s: %v", o.Name, err)
		}
		if client != nil {
			client.Close()
		}
	}
	if err := c.Fault("x?", "unreachable", ""); err == nil || !strings.Contains(err.Error(), `no host that matches "x?"`) {
		t.Errorf("a pattern that nothing matches: %v", err)
	}
}
