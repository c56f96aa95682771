//go:build linux

package hosts

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/host"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
	"meshsync.dev/meshsync/internal/status"
)

// threeZooKeepers is an ensemble of Debian's ZooKeeper, configured by hand, with the mesh that means it.
func threeZooKeepers(t *testing.T) (b *bed.Bed, m *mesh.Mesh, hosts []*host.Host) {
	t.Helper()
	b = bed.Start(t, bed.Options{Hosts: 3})
	check := mesh.Check{Kind: "zookeeper.ensemble", Port: 2181}
	e := &mesh.Ensemble{Name: "zookeeper", Service: "zookeeper", Check: check, Quorum: 2}
	m = &mesh.Mesh{Name: "prod", Roles: []mesh.RoleSpec{{Name: "zookeeper", Ensemble: e}}}
	cfg := "tickTime=2000\ninitLimit=5\nsyncLimit=2\ndataDir=/var/lib/zookeeper\nclientPort=2181\n"
	for i, h := range b.Hosts {
		cfg += fmt.Sprintf("server.%d=%s:2888:3888\n", i+1, h.Name)
	}
	for i, h := range b.Hosts {
		h.Put(t, "/etc/zookeeper/conf/zoo.cfg", cfg, 0o644)
		h.Put(t, "/etc/zookeeper/conf/myid", fmt.Sprintln(i+1), 0o644)
		h.Must(t, "systemctl start zookeeper")
		e.Members = append(e.Members, h.Name)
		spec := mesh.HostSpec{Name: h.Name, Address: h.Address, User: "root"}
		m.Hosts = append(m.Hosts, spec)
		w := newWays(t, remote.Options{IdentityFiles: []string{b.KeyFile}, KnownHosts: []string{b.KnownHosts}}) // it keeps one connection
		x := host.New(host.Options{
			Mesh: "prod", Name: h.Name, Checks: []mesh.Check{check}, Lease: true, Timeout: patience,
			Dialer: machine{HostSpec: spec, ways: w}.dialer(),
		})
		t.Cleanup(func() { _ = x.Close() })
		hosts = append(hosts, x)
	}
	return b, m, hosts
}

// TestTheStatusOfARealEnsemble follows it from whole to without a quorum and back, by one look at each host.
func TestTheStatusOfARealEnsemble(t *testing.T) {
	b, m, hosts := threeZooKeepers(t)
	look := func() status.Status {
		var seen mesh.Observed
		for _, h := range hosts {
			seen.Targets = append(seen.Targets, h.Observe(t.Context()))
		}
		return status.Of(m, seen)
	}
	until := func(what string, holds func(status.Status) bool) status.Status {
		t.Helper()
		deadline := time.Now().Add(patience)
		for {
			s := look()
			if holds(s) {
				return s
			}
			if time.Now().After(deadline) {
				t.Fatalf("never %s: %+v", what, s)
			}
		}
	}
	whole := func(s status.Status) bool { return s.Healthy && s.Complete }
	says := func(code status.Code, message string) func(status.Status) bool {
		return func(s status.Status) bool {
			return len(s.Wrong) > 0 && s.Wrong[0].Code == code && strings.Contains(s.Wrong[0].Message, message)
		}
	}
	s := until("whole", whole)
	if g := s.Groups[0]; g.Serving != 3 || len(g.Leaders) != 1 || g.Members[0].Numbers["nodes"] == 0 {
		t.Errorf("%+v", g)
	}
	b.Hosts[0].Must(t, "pkill -KILL -u zookeeper java")
	until("one down", says(status.MembersDown, "2 of 3 serve, and 2 must: no other may stop; not serving: h1 (nothing listens"))
	b.Hosts[1].Must(t, "pkill -KILL -u zookeeper java")
	until("without a quorum", says(status.QuorumLost, "0 of 3 serve, and 2 must"))
	b.Hosts[0].Must(t, "systemctl restart zookeeper")
	b.Hosts[1].Must(t, "systemctl restart zookeeper")
	until("whole again", whole)
	b.Hosts[2].Cut(t)
	s = until("one away", func(s status.Status) bool { return s.Healthy && !s.Complete })
	if g := s.Groups[0]; g.Serving != 2 || g.Unknown != 1 {
		t.Errorf("%+v", g)
	}
}
