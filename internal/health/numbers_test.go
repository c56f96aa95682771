package health

import (
	"maps"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestWhatAnAnswerCounts(t *testing.T) {
	t.Parallel()
	zk, master := mesh.Check{Kind: "zookeeper.ensemble"}, mesh.Check{Kind: "mesos.masters"}
	for _, x := range []struct {
		name string
		a    mesh.Answer
		want map[string]int
	}{
		{
			"a ZooKeeper",
			mesh.Answer{Check: zk, Body: "Zookeeper version: 3.8.0\nLatency min/avg/max: 0/0.0/0\nReceived: 1\nConnections: 3\nOutstanding: 2\nZxid: 0x100000000\nMode: follower\nNode count: 5\n"},
			map[string]int{"connections": 3, "outstanding": 2, "nodes": 5},
		},
		{
			"a master that leads",
			mesh.Answer{Check: master, Status: 200, Body: `{"master\/elected":1.0,"registrar\/log\/recovered":1.0,"registrar\/log\/ensemble_size":3.0,"master\/slaves_active":20.0,"master\/slaves_unreachable":1.0}`},
			map[string]int{Replicas: 3, AgentsActive: 20, AgentsUnreachable: 1},
		},
		{
			"another master knows of no agent",
			mesh.Answer{Check: master, Status: 200, Body: `{"master/elected":0,"registrar/log/recovered":1,"registrar/log/ensemble_size":3,"master/slaves_active":0}`},
			map[string]int{Replicas: 3},
		},
		{"an old master", mesh.Answer{Check: master, Status: 200, Body: `{"master/elected":0,"registrar/log/recovered":1}`}, map[string]int{}},
		{"HAProxy", mesh.Answer{Check: mesh.Check{Kind: "haproxy"}, Body: "Name: HAProxy\nCurrConns: 7\nStopping: 0\n"}, map[string]int{"connections": 7}},
	} {
		if got := Judge(x.a).Numbers; !maps.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", x.name, got, x.want)
		}
	}
}
