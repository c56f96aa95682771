//go:build linux

package bed_test

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/e2e/bed"
)

// ensemble configures and starts the ZooKeepers of the hosts, and waits for their leader.
func ensemble(t *testing.T, hosts []*bed.Host) (leader *bed.Host) {
	t.Helper()
	cfg := "tickTime=2000\ninitLimit=5\nsyncLimit=2\ndataDir=/var/lib/zookeeper\nclientPort=2181\n4lw.commands.whitelist=srvr,mntr\n"
	for i, h := range hosts {
		cfg += fmt.Sprintf("server.%d=%s:2888:3888\n", i+1, h.Name)
	}
	for i, h := range hosts {
		h.Put(t, "/etc/zookeeper/conf/zoo.cfg", cfg, 0o644)
		h.Put(t, "/etc/zookeeper/conf/myid", fmt.Sprintln(i+1), 0o644)
		h.Must(t, "systemctl start zookeeper")
	}
	eventually(t, "the ensemble", func() string {
		got := modes(t, hosts)
		if at := slices.Index(got, "leader"); at >= 0 {
			leader = hosts[at]
		}
		want := make([]string, len(hosts))
		for i := range want {
			want[i] = "follower"
		}
		want[len(want)-1] = "leader"
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			return strings.Join(got, ", ")
		}
		return ""
	})
	return leader
}

// modes is what each ZooKeeper says that it is; empty when it does not serve.
func modes(t *testing.T, hosts []*bed.Host) []string {
	t.Helper()
	out := make([]string, len(hosts))
	for i, h := range hosts {
		for line := range strings.Lines(fourLetters(t, h, "srvr")) {
			if mode, ok := strings.CutPrefix(line, "Mode: "); ok {
				out[i] = strings.TrimSpace(mode)
			}
		}
	}
	return out
}

// fourLetters asks a ZooKeeper; empty when it does not answer.
func fourLetters(t *testing.T, h *bed.Host, word string) string {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", h.Address+":2181")
	if err != nil {
		return ""
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(conn, word); err != nil {
		return ""
	}
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

// TestSystemdTakesADeadZooKeeperForActive holds the reason why nobody may ask systemd
// whether Debian's ZooKeeper serves: its unit comes of an init.d script, which has ended.
func TestSystemdTakesADeadZooKeeperForActive(t *testing.T) {
	b := bed.Start(t, bed.Options{Hosts: 3})
	victim := ensemble(t, b.Hosts)
	victim.Must(t, "pkill -KILL -u zookeeper java")
	eventually(t, "the port closes", func() string {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", victim.Address+":2181")
		if err != nil {
			return ""
		}
		conn.Close()
		return "it is open"
	})
	if got := strings.TrimSpace(victim.Exec(t, "systemctl is-active zookeeper").Stdout); got != "active" {
		t.Errorf("systemd says %q of a ZooKeeper that was killed, want the trap: active", got)
	}
	victim.Must(t, "systemctl start zookeeper")
	if got := fourLetters(t, victim, "srvr"); got != "" {
		t.Errorf("start brought it back, which the trap does not do: %s", got)
	}
	eventually(t, "a leader among the two that are left", func() string {
		if got := modes(t, b.Hosts); !slices.Contains(got, "leader") {
			return strings.Join(got, ", ")
		}
		return ""
	})
	victim.Must(t, "systemctl restart zookeeper")
	eventually(t, "the victim follows", func() string {
		if got := modes(t, []*bed.Host{victim})[0]; got != "follower" {
			return got
		}
		return ""
	})
}
