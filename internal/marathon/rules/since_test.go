package rules

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestWhatAReleaseDoesNotHave(t *testing.T) {
	t.Parallel()
	const lost = ": that would ignore it without a word (leave it out, or say by marathons: NAME: version that it is a newer one)"
	holdWiring(t, (*checker).tenured, []wiringRow{
		{name: "what is too new", marathon: Marathon{Version: "1.4.8"}, def: `{"tty": true, "role": "db", "check": null, "killSelection": "YOUNGEST_FIRST"}`, want: []string{
			"refuse role app-release: has role, which Marathon has since 1.9, and the mesh's is 1.4.8" + lost,
			"refuse tty app-release: has tty, which Marathon has since 1.5, and the mesh's is 1.4.8" + lost,
		}},
		{name: "what has an older form", marathon: Marathon{Version: "1.5.11"}, def: `{"constraints": [["a", "IS", "b"]]}`, want: []string{
			"refuse constraints.0.1 app-release: has IS in constraints, which Marathon has since 1.6, and the mesh's is 1.5.11 (write LIKE, or say by marathons: NAME: version that it is a newer one)",
		}},
		{name: "what is sent in an older form", marathon: Marathon{Version: "1.4"}, def: `{"networks": [{"mode": "host"}], "container": {"portMappings": []}}`},
		{name: "inside lists and under names", marathon: Marathon{Version: "1.1.1"}, def: `{"env": {"A": {"secret": "a"}, "B": "b"}, "healthChecks": [{}, {"protocol": "mesos_tcp"}], "constraints": [["a", "UNIQUE"]]}`, want: []string{
			"refuse env.A.secret app-release: has env.secret, which Marathon has since 1.3, and the mesh's is 1.1.1" + lost,
			"refuse healthChecks.1.protocol app-release: has mesos_tcp in healthChecks.protocol, which Marathon has since 1.4, and the mesh's is 1.1.1 " +
				"(write HTTP, HTTPS or TCP, or say by marathons: NAME: version that it is a newer one)",
		}},
		{name: "all is known to the newest", def: `{"tty": true, "resourceLimits": {}, "networks": []}`},
		{name: "what is read no more", def: `{"storeUrls": ["http://h/a"], "taskRateLimit": 1.0}`, want: []string{
			"warn storeUrls deprecated: has storeUrls, which Marathon reads no more since 1.5 (leave it out; see fetch)",
			"warn taskRateLimit deprecated: has taskRateLimit, which Marathon reads no more since 0.7 (leave it out; see backoffSeconds and backoffFactor)",
		}},
		{name: "and still was", marathon: Marathon{Version: "1.4"}, def: `{"storeUrls": ["http://h/a"], "taskRateLimit": 1.0}`, want: []string{
			"warn taskRateLimit deprecated: has taskRateLimit, which Marathon reads no more since 0.7 (leave it out; see backoffSeconds and backoffFactor)",
		}},
	})
}

func TestWhatHasNoFormBefore15(t *testing.T) {
	t.Parallel()
	const tail = ", which Marathon has since 1.5, and the mesh's is 1.4"
	for fields, want := range map[string]string{
		`"networks": [{"mode": "container", "name": "a"}, {"mode": "container", "name": "b"}], "container": {"type": "MESOS"}`: "networks.1: has several networks" + tail,
		`"networks": [{"mode": "container/bridge"}]`: "networks.0: has a bridge outside Docker" + tail,
		`"networks": [{"mode": "container", "name": "a"}], "container": {"type": "MESOS", "portMappings": [{"hostPort": 80}]}`: "container.portMappings.0: has a port without a name outside Docker" + tail + "\n" +
			"container.portMappings.0.hostPort: has a hostPort outside Docker" + tail,
		`"networks": [{"mode": "container", "name": "a"}], "container": {"type": "MESOS", "portMappings": []}`:                          "container.portMappings: has no port on a network of its own" + tail,
		`"networks": [{"mode": "container", "name": "a"}], "container": {"docker": {"image": "x"}, "portMappings": [{"hostPort": 80}]}`: "",
		`"networks": [{"mode": "host"}]`: "",
	} {
		if got := verdict(t, "/x", fields, "1.4"); got != want {
			t.Errorf("%s\n got %q\nwant %q", fields, got, want)
		}
	}
}

var sinceComment = regexp.MustCompile(`(?m)^\s*// (.*(?:since|before) \d.*)\n\s*(\w+)[?!]?:`)

// TestTheContractSaysSinceWhen: the comments of the contract are those of the table.
func TestTheContractSaysSinceWhen(t *testing.T) {
	t.Parallel()
	contract, err := os.ReadFile("../../../schema/mesh/app.cue")
	if err != nil {
		t.Fatal(err)
	}
	says := map[string]string{}
	for _, m := range sinceComment.FindAllStringSubmatch(string(contract), -1) {
		says[m[2]] = m[1]
	}
	want := map[string]string{}
	for _, x := range tenures() {
		path := strings.Split(strings.TrimSuffix(x.path, ".*.1"), ".")
		name, when := path[len(path)-1], "since "+shortRelease(x.since)
		if x.gone != (mesh.Release{}) {
			when = "before " + shortRelease(x.gone)
		}
		what := strings.Join(x.values, ", ")
		if path[0] == "env" {
			name, what = "env", "secret"
		}
		if name == "provider" {
			what = strings.ToLower(what)
		}
		if what != "" {
			when = what + ": " + when
		}
		if want[name] != "" {
			when = want[name] + ", " + when
		}
		want[name] = when
	}
	if d := cmp.Diff(want, says); d != "" {
		t.Error(d)
	}
}
