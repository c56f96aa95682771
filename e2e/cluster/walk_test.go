//go:build linux

package cluster

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
)

// walkMesh is the cluster of five: three masters with HAProxy, two agents, and the app www.
func walkMesh(b *bed.Bed, marathon, archive, digest string) string {
	var hosts strings.Builder
	for n, h := range b.Hosts {
		roles := `{zookeeper: {}, "mesos-master": {}, haproxy: {}, route: {}}`
		if n > 2 {
			roles = `{"mesos-agent": {}}`
		}
		fmt.Fprintf(&hosts, "\t%s: {address: %q, id: %d, os: \"debian 12\", ssh: user: \"root\", roles: %s}\n", h.Name, h.Address, n+1, roles)
	}
	return fmt.Sprintf(`package prod

import (
	"meshsync.dev/kit"
	"meshsync.dev/roles"
)

kit.#Mesh

name: "prod"
#roles: {
	zookeeper:      roles.#ZooKeeper
	"mesos-master": roles.#MesosMaster
	"mesos-agent":  roles.#MesosAgent
	haproxy:        roles.#HAProxy
	route:          roles.#Route
}
hosts: {
%s}
settings: {
	zookeeper: packages: {zookeeperd: {}, zookeeper: {}, "default-jre-headless": {}}
	"mesos-master": packages: mesos: {}
	"mesos-agent": packages: mesos: {}
	route: {archive: {url: %q, sha256: %q}, urls: [%q]}
}
marathons: main: urls: [%q]
marathon: "main"
apps: "/www": {cmd: "exec serve $PORT0", instances: 4, cpus: 0.25, mem: 64}
`, hosts.String(), archive, digest, marathon, marathon)
}

// TestTheWalk is what the cluster of the playbook was shown with: five bare hosts, an app of four
// tasks, each of which answers at www.example.com through HAProxy, and one that is killed.
func TestTheWalk(t *testing.T) {
	b := bed.Start(t, bed.Options{Hosts: 5, Bare: true})
	m := startMarathon(t, b, "h4", "h5")
	archive, digest := serveProgram(t)
	i := newInfra(t, b)
	i.commit(t, "mesh.cue", walkMesh(b, m.url, archive, digest))
	if out := i.done(t, "apply", "--yes"); strings.Contains(out, "MORE IS DUE") {
		t.Errorf("one run is not all\n%s", out)
	}
	i.settled(t)
	i.done(t, "status") // ends with 0 when all is well only

	tasks := m.start(t)
	if len(tasks) != 4 {
		t.Fatalf("Marathon has the tasks %+v, want 4", tasks)
	}
	for _, proxy := range b.Hosts[:3] {
		eventually(t, "each task answers through "+proxy.Name, func() string { return unheard(t, b, proxy, tasks) })
	}

	t.Run("one task is killed", func(t *testing.T) {
		dead := tasks[0]
		m.kill(t, dead)
		for range 8 { // more often than there are tasks, so that the turn of the dead one comes
			if got := curl(t, b, b.Hosts[0]); got == dead.place() || !strings.HasPrefix(got, "h") {
				t.Errorf("with %s dead %q answers", dead.place(), got)
			}
		}
		m.FailTask(dead.ID)
		eventually(t, "four tasks answer again", func() string {
			now := m.start(t)
			if len(now) != 4 || slices.ContainsFunc(now, func(k task) bool { return k.ID == dead.ID }) {
				return fmt.Sprint(now)
			}
			return unheard(t, b, b.Hosts[0], now)
		})
	})
	t.Run("a run without changes", func(t *testing.T) {
		before := traces(t, b)
		for unit, hosts := range map[string]int{"zookeeper": 3, "mesos-master": 3, "mesos-slave": 2, "haproxy": 3, "meshsync-route": 3} {
			if got := strings.Count(before, "\n"+unit+" "); got < hosts {
				t.Errorf("%d processes of %s are looked at, and it runs on %d hosts", got, unit, hosts)
			}
		}
		i.done(t, "apply", "--yes")
		if after := traces(t, b); after != before {
			t.Errorf("it left traces: before\n%s\nafter\n%s", before, after)
		}
	})
}

// curl asks HAProxy for the page from a host of the cluster.
func curl(t *testing.T, b *bed.Bed, proxy *bed.Host) string {
	t.Helper()
	return strings.TrimSpace(b.Hosts[4].Exec(t, "curl -sS -H 'Host: www.example.com' http://"+proxy.Name+"/").Stdout)
}

// unheard says which of the tasks answered none of some requests, and who else did.
func unheard(t *testing.T, b *bed.Bed, proxy *bed.Host, tasks []task) string {
	t.Helper()
	var want, got []string
	for _, k := range tasks {
		want = append(want, k.place())
	}
	for range 3 * len(tasks) {
		got = append(got, curl(t, b, proxy))
	}
	slices.Sort(want)
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		return fmt.Sprintf("%q answer, want %q", got, want)
	}
	return ""
}

// traces are what a run that does something would change: when processes began, and what files
// hold and when they were written.
func traces(t *testing.T, b *bed.Bed) string {
	t.Helper()
	var out strings.Builder
	for _, h := range b.Hosts {
		fmt.Fprintf(&out, "%s\n%s", h.Name, h.Must(t, `
for unit in zookeeper mesos-master mesos-slave haproxy meshsync-route; do
  for pid in $(systemctl show -p ControlGroup --value $unit | sed 's|.*|cat /sys/fs/cgroup&/cgroup.procs 2>/dev/null|' | sh); do
    echo "$unit $pid $(cut -d' ' -f22 /proc/$pid/stat)"
  done
done
find /etc /opt /var/lib/meshsync /var/lib/dpkg -type f -printf '%p %s %T@ %C@\n' | sort`))
	}
	return out.String()
}

// serveProgram serves the program as an archive, and returns its URL and digest.
func serveProgram(t *testing.T) (url, digest string) {
	t.Helper()
	program, err := os.ReadFile(os.Getenv(programVariable))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	packed := gzip.NewWriter(&file)
	list := tar.NewWriter(packed)
	list.WriteHeader(&tar.Header{Name: "meshsync", Mode: 0o755, Size: int64(len(program))})
	list.Write(program)
	if err := list.Close(); err != nil { // of all before, too
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", gateway+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(file.Bytes()) })}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return "http://" + listener.Addr().String() + "/meshsync.tar.gz", fmt.Sprintf("%x", sha256.Sum256(file.Bytes()))
}
