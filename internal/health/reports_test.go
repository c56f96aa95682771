package health

import (
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestWhatAProcessReportsOfItself(t *testing.T) {
	t.Parallel()
	flags, conf := mesh.Check{Kind: "mesos.flags"}, mesh.Check{Kind: "zookeeper.conf"}
	for _, x := range []struct {
		name string
		a    mesh.Answer
		key  string
		want string // "" for none
	}{
		{"a flag", mesh.Answer{Check: flags, Status: 200, Body: `{"flags":{"quorum":"2","quiet":"false"}}`}, "quorum", "2"},
		{"no flags", mesh.Answer{Check: flags, Status: 200, Body: `{}`}, "quorum", ""},
		{"an error page", mesh.Answer{Check: flags, Status: 503, Body: `{"flags":{"quorum":"2"}}`}, "quorum", ""},
		{"no JSON", mesh.Answer{Check: flags, Status: 200, Body: `<html>`}, "quorum", ""},
		{"no answer", mesh.Answer{Check: flags, Err: "refused"}, "quorum", ""},
		{"a setting", mesh.Answer{Check: conf, Body: "clientPort=2181\ntickTime=2000\nmembership: \nserver.1=a:2888:3888:participant\n"}, "tickTime", "2000"},
		{"a word that is not allowed", mesh.Answer{Check: conf, Body: "conf is not executed because it is not in the whitelist.\n"}, "tickTime", ""},
		{"a health check", mesh.Answer{Check: mesh.Check{Kind: "tcp"}, Body: "tickTime=1"}, "tickTime", ""},
	} {
		got, ok := Reported(x.a)
		if ok != (x.want != "") || got[x.key] != x.want {
			t.Errorf("%s: %v %q", x.name, ok, got)
		}
	}
}
