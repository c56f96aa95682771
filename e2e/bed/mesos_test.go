//go:build linux

package bed_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
)

// ask reads an answer of a Mesos from within its host.
func ask(t *testing.T, h *bed.Host, port int, path string) map[string]any {
	t.Helper()
	r := h.Exec(t, fmt.Sprintf("curl -sS --max-time 5 http://%s:%d%s", h.Address, port, path))
	var out map[string]any
	if r.Exit == 0 {
		if err := json.Unmarshal([]byte(r.Stdout), &out); err != nil {
			t.Fatalf("%s%s of %s: %v: %s", h.Name, path, h.Name, err, r.Stdout)
		}
	}
	return out
}

func flags(t *testing.T, h *bed.Host, port int) map[string]any {
	t.Helper()
	out, _ := ask(t, h, port, "/flags")["flags"].(map[string]any)
	return out
}

// expect waits for a flag of a running process.
func expect(t *testing.T, h *bed.Host, port int, flag, want string) {
	t.Helper()
	eventually(t, h.Name+" --"+flag, func() string {
		if got := flags(t, h, port)[flag]; got != want {
			return fmt.Sprintf("%v, not %s", got, want)
		}
		return ""
	})
}

func TestAptInstallsVersionsAndFailsMidway(t *testing.T) {
	b := bed.Start(t, bed.Options{Hosts: 1, Bare: true})
	h := b.Hosts[0]
	h.Must(t, "apt-get update -qq && apt-get install -y -qq haproxy mesos="+bed.MesosVersion)
	if got := strings.TrimSpace(h.Must(t, "systemctl is-active haproxy")); got != "active" {
		t.Errorf("haproxy is %s after its installation", got)
	}
	expect(t, h, 5050, "quorum", "1")
	b.Publish(t, bed.Mesos{Version: "1.11.0-2"})
	b.Publish(t, bed.Mesos{Version: "1.12.0-1", Postinst: "echo 'no luck' >&2\nexit 1"})
	h.Must(t, "apt-get update -qq && apt-get install -y -qq mesos=1.11.0-2")
	status := func() string {
		return strings.TrimSpace(h.Must(t, "dpkg-query -W -f '${Version} ${db:Status-Status}' mesos"))
	}
	if got := status(); got != "1.11.0-2 installed" {
		t.Errorf("after the upgrade: %s", got)
	}
	if r := h.Exec(t, "apt-get install -y -qq mesos"); r.Exit != 100 || !strings.Contains(r.Stdout+r.Stderr, "no luck") {
		t.Errorf("the package whose postinst fails: %+v", r)
	}
	if got := status(); got != "1.12.0-1 half-configured" {
		t.Errorf("after the postinst that fails: %s", got)
	}
	h.Must(t, "apt-get install -y -qq --allow-downgrades mesos=1.11.0-2 && apt-get purge -y -qq mesos")
	if r := h.Exec(t, "curl -sS http://localhost:5050/health"); r.Exit == 0 {
		t.Error("the master runs after its package was purged")
	}
}

// TestStandinRunsWithWhatTheHostSays changes settings in each of the places that are read.
func TestStandinRunsWithWhatTheHostSays(t *testing.T) {
	b := bed.Start(t, bed.Options{Hosts: 1})
	h := b.Hosts[0]
	h.Put(t, "/etc/mesos/zk", "zk://h1:2181/elsewhere\n", 0o644)
	h.Put(t, "/etc/default/mesos-master", "PORT=5050\nZK=`cat /etc/mesos/zk`\nCLUSTER=\"a b\"\nexport MESOS_HOSTNAME=m1\n", 0o644)
	h.Put(t, "/etc/mesos-master/offer_timeout", "30secs\n", 0o644)
	h.Put(t, "/etc/mesos-master/?no-root_submissions", "", 0o644)
	h.Put(t, "/etc/mesos-slave/?strict", "", 0o644)
	h.Put(t, "/etc/mesos-slave/attributes/rack", "r1\n", 0o644)
	h.Put(t, "/etc/mesos-slave/attributes/zone", "z1", 0o644)
	h.Must(t, "systemctl start mesos-master mesos-slave")
	for flag, want := range map[string]string{
		"zk": "zk://h1:2181/elsewhere", "cluster": "a b", "hostname": "m1", "offer_timeout": "30secs",
		"root_submissions": "false", "quorum": "1", "log_dir": "/var/log/mesos", "registry": "replicated_log",
	} {
		expect(t, h, 5050, flag, want)
	}
	expect(t, h, 5051, "strict", "true")
	expect(t, h, 5051, "attributes", "rack:r1;zone:z1")
	if got := h.Must(t, "curl -sS -o /dev/null -w '%{http_code}' http://localhost:5050/health"); got != "200" {
		t.Errorf("/health: %s", got)
	}
	if got := ask(t, h, 5051, "/state")["version"]; got != "1.11.0" {
		t.Errorf("/state of the agent has version %v", got)
	}
	// What a running process was started with is not what its files say.
	h.Put(t, "/etc/mesos-master/offer_timeout", "40secs\n", 0o644)
	expect(t, h, 5050, "offer_timeout", "30secs")
	h.Must(t, "systemctl restart mesos-master")
	expect(t, h, 5050, "offer_timeout", "40secs")
	// A file that an editor left behind is a flag that nobody knows.
	h.Put(t, "/etc/mesos-master/quorum.bak", "2\n", 0o644)
	h.Must(t, "systemctl restart mesos-master")
	eventually(t, "the refusal", func() string {
		if log := h.Must(t, "journalctl -u mesos-master"); !strings.Contains(log, "Failed to load unknown flag 'quorum.bak'") {
			return log
		}
		return ""
	})
	// Nor may an agent come back as another than it was.
	h.Put(t, "/etc/mesos-slave/attributes/rack", "r2\n", 0o644)
	h.Must(t, "systemctl restart mesos-slave")
	eventually(t, "the incompatibility", func() string {
		if log := h.Must(t, "journalctl -u mesos-slave"); !strings.Contains(log, "Incompatible agent info detected") {
			return log
		}
		return ""
	})
}

// TestMastersElectALeaderInZooKeeper follows the leadership through the end of a leader.
func TestMastersElectALeaderInZooKeeper(t *testing.T) {
	b := bed.Start(t, bed.Options{Hosts: 4})
	masters, agent := b.Hosts[:3], b.Hosts[3]
	ensemble(t, masters)
	for _, h := range b.Hosts {
		h.Put(t, "/etc/mesos/zk", "zk://h1:2181,h2:2181,h3:2181/mesos\n", 0o644)
		h.Put(t, "/etc/mesos-master/quorum", "2\n", 0o644)
	}
	for _, h := range masters {
		h.Must(t, "systemctl start mesos-master")
	}
	agent.Must(t, "systemctl start mesos-slave")
	leader := healthy(t, masters, agent, 3)
	leader.Must(t, "systemctl stop mesos-master")
	var rest []*bed.Host
	for _, h := range masters {
		if h != leader {
			rest = append(rest, h)
		}
	}
	healthy(t, rest, agent, 2)
	leader.Must(t, "systemctl start mesos-master")
	healthy(t, masters, agent, 3)
}

// healthy waits until one of the masters leads and all send to it, all see as many as there
// are, and the agent is registered; it returns the leader.
func healthy(t *testing.T, masters []*bed.Host, agent *bed.Host, size float64) *bed.Host {
	t.Helper()
	var leader *bed.Host
	eventually(t, "the masters", func() string {
		elected := 0
		leader = nil
		for _, h := range masters {
			m := ask(t, h, 5050, "/metrics/snapshot")
			if m["registrar/log/recovered"] != 1.0 || m["registrar/log/ensemble_size"] != size {
				return fmt.Sprintf("%s: %v", h.Name, m)
			}
			if m["master/elected"] == 1.0 {
				leader = h
				elected++
				if m["master/slaves_active"] != 1.0 {
					return fmt.Sprintf("%s: %v", h.Name, m)
				}
			}
		}
		if elected != 1 {
			return fmt.Sprintf("%d leaders", elected)
		}
		if m := ask(t, agent, 5051, "/metrics/snapshot"); m["slave/registered"] != 1.0 {
			return fmt.Sprintf("%s: %v", agent.Name, m)
		}
		for _, h := range masters { // who does not lead learns of the leader a moment later
			got := h.Exec(t, "curl -sS -o /dev/null -w '%{http_code} %{redirect_url}' http://localhost:5050/redirect").Stdout
			if !strings.HasPrefix(got, "307 http://"+leader.Address+":5050") {
				return fmt.Sprintf("%s sends to %s, while %s leads", h.Name, got, leader.Name)
			}
		}
		return ""
	})
	return leader
}
