package health

import (
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestVerdicts(t *testing.T) {
	t.Parallel()
	zk, master, agent := "zookeeper.ensemble", "mesos.masters", "mesos.agent"
	for _, x := range []struct {
		name string
		a    mesh.Answer
		want Status
		lead bool
	}{
		{"leader", mesh.Answer{Check: mesh.Check{Kind: zk}, Body: "Zookeeper version: 3.8.0\nLatency min/avg/max: 0/0.0/0\nMode: leader\nNode count: 5\n"}, Serving, true},
		{"follower", mesh.Answer{Check: mesh.Check{Kind: zk}, Body: "Mode: follower\r\n"}, Serving, false},
		{"standalone", mesh.Answer{Check: mesh.Check{Kind: zk}, Body: "Mode: standalone\n"}, Serving, true},
		{"no quorum", mesh.Answer{Check: mesh.Check{Kind: zk}, Body: "This ZooKeeper instance is not currently serving requests\n"}, NotServing, false},
		{"imok is no health", mesh.Answer{Check: mesh.Check{Kind: zk}, Body: "imok"}, Unknown, false},
		{"not in the whitelist", mesh.Answer{Check: mesh.Check{Kind: zk}, Body: "srvr is not executed because it is not in the whitelist.\n"}, Unknown, false},
		{"refused", mesh.Answer{Check: mesh.Check{Kind: zk}, Err: "refused"}, NotServing, false},
		{"timeout", mesh.Answer{Check: mesh.Check{Kind: zk}, Err: "timeout"}, Unknown, false},
		{"nothing to ask with", mesh.Answer{Check: mesh.Check{Kind: zk}, Err: "no_client"}, Unknown, false},
		{"elected master", mesh.Answer{Check: mesh.Check{Kind: master}, Status: 200, Body: `{"master\/elected":1.0,"registrar\/log\/recovered":1.0}`}, Serving, true},
		{"other master", mesh.Answer{Check: mesh.Check{Kind: master}, Status: 200, Body: `{"master/elected":0,"registrar/log/recovered":1}`}, Serving, false},
		{"empty replica", mesh.Answer{Check: mesh.Check{Kind: master}, Status: 200, Body: `{"master/elected":0,"registrar/log/recovered":0}`}, NotServing, false},
		{"metrics without the key", mesh.Answer{Check: mesh.Check{Kind: master}, Status: 200, Body: `{}`}, Unknown, false},
		{"no metrics", mesh.Answer{Check: mesh.Check{Kind: master}, Status: 503}, NotServing, false},
		{"garbage", mesh.Answer{Check: mesh.Check{Kind: agent}, Status: 200, Body: `<html>`}, Unknown, false},
		{"registered agent", mesh.Answer{Check: mesh.Check{Kind: agent}, Status: 200, Body: `{"slave/registered":1}`}, Serving, false},
		{"lost agent", mesh.Answer{Check: mesh.Check{Kind: agent}, Status: 200, Body: `{"slave/registered":0}`}, NotServing, false},
		{"a leading Marathon", mesh.Answer{Check: mesh.Check{Kind: "marathon"}, Status: 200, Body: "pong"}, Serving, false},
		{"a standby's Marathon", mesh.Answer{Check: mesh.Check{Kind: "marathon"}, Status: 200, Body: `"pong"`}, Serving, false},
		{"a Marathon without a leader", mesh.Answer{Check: mesh.Check{Kind: "marathon"}, Status: 503}, NotServing, false},
		{"no Marathon", mesh.Answer{Check: mesh.Check{Kind: "marathon"}, Status: 200, Body: "<html>"}, Unknown, false},
		{"a Consul with a leader", mesh.Answer{Check: mesh.Check{Kind: "consul"}, Status: 200, Body: `"10.0.0.11:8300"`}, Serving, false},
		{"a Consul without one", mesh.Answer{Check: mesh.Check{Kind: "consul"}, Status: 200, Body: `""`}, NotServing, false},
		{"a Consul that fails", mesh.Answer{Check: mesh.Check{Kind: "consul"}, Status: 500, Body: "No cluster leader\n"}, NotServing, false},
		{"no Consul", mesh.Answer{Check: mesh.Check{Kind: "consul"}, Status: 200, Body: "<html>"}, Unknown, false},
		{"HAProxy", mesh.Answer{Check: mesh.Check{Kind: "haproxy"}, Body: "Name: HAProxy\nVersion: 2.6.12-1+deb12u4\nHard_maxconn: 9980\nCurrConns: 0\nnode: h1\nStopping: 0\nUnstoppable Jobs: 1\n\n"}, Serving, false},
		{"an old HAProxy", mesh.Answer{Check: mesh.Check{Kind: "haproxy"}, Body: "Name: HAProxy\nStopping: 1\n"}, NotServing, false},
		{"another one's socket", mesh.Answer{Check: mesh.Check{Kind: "haproxy"}, Body: "Unknown command.\n"}, Unknown, false},
		{"HAProxy without a socket", mesh.Answer{Check: mesh.Check{Kind: "haproxy", Path: "/run/x"}, Err: "refused"}, NotServing, false},
		{"a socket of root's", mesh.Answer{Check: mesh.Check{Kind: "docker"}, Err: "denied"}, Unknown, false},
		{"Docker", mesh.Answer{Check: mesh.Check{Kind: "docker"}, Status: 200, Body: "OK"}, Serving, false},
		{"a Docker that fails", mesh.Answer{Check: mesh.Check{Kind: "docker"}, Status: 500, Body: "containerd is gone"}, NotServing, false},
		{"http 302", mesh.Answer{Check: mesh.Check{Kind: "http"}, Status: 302}, Serving, false},
		{"http 503", mesh.Answer{Check: mesh.Check{Kind: "http"}, Status: 503}, NotServing, false},
		{"tcp", mesh.Answer{Check: mesh.Check{Kind: "tcp"}}, Serving, false},
		{"no such check", mesh.Answer{Check: mesh.Check{Kind: "x"}}, Unknown, false},
	} {
		if v := Judge(x.a); v.Status != x.want || v.Leader != x.lead || (v.Status != Serving && v.Reason == "") {
			t.Errorf("%s: %+v", x.name, v)
		}
	}
}

func TestTheViewOfAnEnsemble(t *testing.T) {
	t.Parallel()
	c := mesh.Check{Kind: "zookeeper.ensemble", Port: 2181}
	e := mesh.Ensemble{Check: c, Members: []string{"m1", "m2", "m3"}}
	v := Of(e, []mesh.Answer{
		{Host: "m1", Check: c, Body: "Mode: leader\n"},
		{Host: "m2", Check: c, Body: "Mode: leader\n"},
		{Host: "other", Check: c, Body: "Mode: leader\n"},
		{Host: "m3", Check: mesh.Check{Kind: "tcp"}},
	})
	if len(v.Serving()) != 2 || v.Members["m3"].Status != Unknown || len(v.Members) != 3 {
		t.Errorf("%+v", v)
	}
	if v.Leader() != "" {
		t.Error("of two leaders one was chosen")
	}
}

func FuzzJudge(f *testing.F) {
	f.Add("zookeeper.ensemble", "Mode: leader\n", "", 0)
	f.Add("mesos.masters", `{"master/elected":1}`, "", 200)
	f.Fuzz(func(t *testing.T, kind, body, err string, status int) {
		v := Judge(mesh.Answer{Check: mesh.Check{Kind: kind}, Body: body, Err: err, Status: status})
		if err != "" && v.Status == Serving {
			t.Fatal("no answer is taken for serving")
		}
	})
}
