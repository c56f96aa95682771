//go:build linux

package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/e2e/bed"
)

// ensembleMesh has the hosts of a bed as members, with their packages at one version.
type ensembleMesh struct {
	bed         *bed.Bed
	version     string
	connections int
	timeout     string // how long a batch may take
}

func (m ensembleMesh) text() string {
	var hosts strings.Builder
	for n, h := range m.bed.Hosts {
		fmt.Fprintf(&hosts, "\t%s: {address: %q, id: %d}\n", h.Name, h.Address, n+1)
	}
	return fmt.Sprintf(`package prod

import (
	"meshsync.dev/kit"
	"meshsync.dev/roles"
)

kit.#Mesh

name: "prod"
#roles: zookeeper: roles.#ZooKeeper
hosts: {
	[string]: {os: "debian 12", ssh: user: "root", roles: zookeeper: {}}
%s}
settings: zookeeper: {
	maxClientCnxns: %d
	packages: ["libzookeeper-java" | "zookeeper" | "zookeeperd"]: version: %q
	packages: {"libzookeeper-java": {}, zookeeper: {}, zookeeperd: {}}
}
policy: rollout: zookeeper: timeout: %q
`, hosts.String(), m.connections, m.version, m.timeout)
}

// newerPackages offers a host its own packages of ZooKeeper once more, under a higher version.
const newerPackages = `set -e
mkdir -p /srv/own
cd /srv/own
for p in libzookeeper-java zookeeper zookeeperd; do
  rm -rf /tmp/deb
  dpkg-deb -R /srv/apt/pool/${p}_*.deb /tmp/deb
  sed -i 's/%[1]s/%[2]s/g' /tmp/deb/DEBIAN/control
  dpkg-deb -Znone -b /tmp/deb $p.deb >/dev/null
  dpkg-deb -f $p.deb >>Packages
  printf 'Filename: ./%%s\nSize: %%s\nSHA256: %%s\n\n' $p.deb "$(stat -c %%s $p.deb)" "$(sha256sum <$p.deb | cut -d' ' -f1)" >>Packages
done
echo 'deb [trusted=yes] file:/srv/own ./' >/etc/apt/sources.list.d/own.list
`

// TestAnEnsembleChangesUnderItsClients is the promise itself: whatever is changed, all that
// clients were told stays true, and no two members are down at once by meshsync's hand.
func TestAnEnsembleChangesUnderItsClients(t *testing.T) {
	b := bed.Start(t, bed.Options{Hosts: 3})
	version := b.Hosts[0].Must(t, "dpkg-query -W -f '${Version}' zookeeper")
	e := &ensemble{infra: newInfra(t, b), mesh: ensembleMesh{b, version, 100, "2m"}}
	e.commit(t, "mesh.cue", e.mesh.text())
	e.done(t, "apply", "--yes")
	e.watch = startWatch(t, b.Hosts)
	e.watch.whole(t)
	e.clients = startClients(t, b.Hosts, 3)
	e.clients.served(t)

	var died, whole time.Time
	t.Run("a setting of all members, and the leader dies meanwhile", func(t *testing.T) {
		e.mesh.connections++
		died = e.leaderDies(t)
		whole = time.Now()
	})
	t.Run("newer packages", func(t *testing.T) {
		e.mesh.version += "+1"
		for _, h := range b.Hosts {
			h.Must(t, fmt.Sprintf(newerPackages, version, e.mesh.version))
		}
		e.commit(t, "mesh.cue", e.mesh.text())
		e.rolls(t, "apply", "--yes")
		for _, h := range b.Hosts {
			if got := h.Must(t, "dpkg-query -W -f '${Version}' zookeeperd"); got != e.mesh.version {
				t.Errorf("%s has zookeeperd %s, want %s", h.Name, got, e.mesh.version)
			}
		}
	})
	t.Run("a restart", func(t *testing.T) { e.rolls(t, "restart", "zookeeper", "--yes") })

	e.clients.check(t)
	all := e.watch.end()
	t.Logf("looked %d times", len(all))
	for _, line := range append(twoDown(all, died, whole), stoppedBeside(all, stoppings(t, b.Hosts))...) {
		t.Error(line)
	}
}

// An ensemble is in use, and seen from outside.
type ensemble struct {
	*infra
	mesh    ensembleMesh
	watch   *watch
	clients *clients
}

// rolls runs a command that restarts each member once, the leader last, and leaves nothing to do.
func (e *ensemble) rolls(t *testing.T, args ...string) {
	t.Helper()
	led := e.watch.whole(t)
	began := time.Now()
	e.done(t, args...)
	e.watch.whole(t)
	e.clients.served(t)
	e.settled(t)
	var order []string
	for _, s := range stoppings(t, e.bed.Hosts) {
		if s.at.After(began) {
			order = append(order, s.host)
		}
	}
	if sorted := slices.Sorted(slices.Values(order)); !slices.Equal(sorted, []string{"h1", "h2", "h3"}) || order[2] != led.Name {
		t.Errorf("stopped were %v, want each member once and %s, which led, last", order, led.Name)
	}
}

// leaderDies kills the leader while another member restarts: the run stops with what is left, and
// the next one goes on with who is down. It returns when the leader died.
func (e *ensemble) leaderDies(t *testing.T) time.Time {
	t.Helper()
	led := e.watch.whole(t)
	// Nobody starts it again, so the batch is waited for in vain.
	patient := e.mesh.timeout
	e.mesh.timeout = "10s"
	e.commit(t, "mesh.cue", e.mesh.text())
	ended := e.begin(t, "apply", "--yes")
	eventually(t, "a member is stopped", func() string {
		if g := e.watch.last(); g.count(down) == 0 {
			return fmt.Sprint(g.members)
		}
		return ""
	})
	died := time.Now()
	led.Must(t, "pkill -KILL -u zookeeper java")
	run := <-ended
	if want := led.Name + " (nothing listens on the port)"; run.exit != 5 || !strings.Contains(run.output, want) {
		t.Errorf("the run ends with %d, want 5 and %q\n%s", run.exit, want, run.output)
	}
	e.clients.served(t) // by the two that are left

	e.mesh.timeout = patient
	e.commit(t, "mesh.cue", e.mesh.text())
	e.done(t, "apply", "--yes")
	e.watch.whole(t)
	e.clients.served(t)
	e.settled(t)
	return died
}
