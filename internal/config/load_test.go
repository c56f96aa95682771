package config

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"meshsync.dev/meshsync"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/schema"
)

// example reads the example repository as Load takes it.
func example(t testing.TB) map[string][]byte {
	t.Helper()
	root, err := fs.Sub(meshsync.ExampleRepo, "example-repo")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".cue") {
			return err
		}
		out[name], err = fs.ReadFile(root, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// textOf is the content of a file that a mesh puts on a host.
func textOf(t *testing.T, m *mesh.Mesh, host, name string) string {
	t.Helper()
	for _, r := range m.Resources {
		if r.Addr == (mesh.Address{Target: mesh.Host(host), Kind: mesh.File, Name: name}) {
			return *r.Text
		}
	}
	t.Fatalf("%s has no %s", host, name)
	return ""
}

func loaded(t *testing.T, dir string, more map[string]string) *mesh.Mesh {
	t.Helper()
	files := example(t)
	for name, text := range more {
		files[name] = []byte(text)
	}
	m, err := Load(files, dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const zooCfg = "/etc/zookeeper/conf_meshsync/zoo.cfg"

func TestTheExampleIsTheClusterOfItsReadme(t *testing.T) {
	t.Parallel()
	m := loaded(t, "prod", nil)
	if len(m.Hosts) != 5 || len(m.Apps) != 1 || m.Apps[0].ID != "/www" || len(m.Roles) != 4 || m.Roles[0].Name != "zookeeper" {
		t.Fatalf("%d hosts, apps %v, roles %v", len(m.Hosts), m.Apps, m.Roles)
	}
	e := m.Roles[0].Ensemble
	if e == nil || e.Quorum != 2 || strings.Join(e.Members, " ") != "m1 m2 m3" {
		t.Errorf("%+v", e)
	}
	if got := textOf(t, m, "a1", "/etc/mesos/zk"); got != "zk://10.0.0.11:2181,10.0.0.12:2181,10.0.0.13:2181/mesos\n" {
		t.Errorf("%q", got)
	}
	if got := textOf(t, m, "m2", "/etc/mesos-master/quorum"); got != "2\n" {
		t.Errorf("%q", got)
	}
}

func TestLayersTheLastThatNamesAKeyWinsAndNullRemovesIt(t *testing.T) {
	t.Parallel()
	m := loaded(t, "prod", map[string]string{"prod/x.cue": `package prod
settings: zookeeper: {tickTime: 3000, "autopurge.purgeInterval": null, clientPort: 2182}
hosts: m2: roles: zookeeper: {tickTime: 4000, "server.3": "0.0.0.0:2888:3888"}
`})
	for host, want := range map[string]string{"m1": "tickTime=3000\n", "m2": "tickTime=4000\n"} {
		if got := textOf(t, m, host, zooCfg); !strings.HasPrefix(got, want) || strings.Contains(got, "purgeInterval") || !strings.Contains(got, "maxClientCnxns=100\n") {
			t.Errorf("%s: %s", host, got)
		}
	}
	if got := textOf(t, m, "m2", zooCfg); !strings.Contains(got, "server.3=0.0.0.0:2888:3888\n") {
		t.Errorf("%s", got)
	}
	if got := textOf(t, m, "a1", "/etc/mesos/zk"); !strings.Contains(got, "10.0.0.11:2182,") {
		t.Errorf("the client port is typed twice: %q", got)
	}
	s := loaded(t, "staging", nil)
	if got := textOf(t, s, "s1", zooCfg); strings.Contains(got, "maxClientCnxns") || !strings.Contains(got, "server.1=10.9.0.1:2888:3888\n") {
		t.Errorf("%s", got)
	}
}

func TestARoleIsOneFileOfCUE(t *testing.T) {
	t.Parallel()
	m := loaded(t, "prod", map[string]string{"prod/chrony.cue": `package prod

import "meshsync.dev/kit"

#roles: chrony: kit.#Role & {
	me: _
	uses: ["zookeeper"]
	members: _
	yield: {
		files: "/etc/chrony/chrony.conf": kit.#Root & {content: "# \(me.name), \(len(members.zookeeper)) masters\n"}
		services: chrony: {enabled: true, running: true, on: "restart", reads: ["/etc/chrony/chrony.conf"]}
		rollout: layer: 5
	}
}
hosts: a1: roles: chrony: {}
`})
	if got := textOf(t, m, "a1", "/etc/chrony/chrony.conf"); got != "# a1, 3 masters\n" {
		t.Errorf("%q", got)
	}
	if m.Roles[0].Name != "chrony" || m.Roles[0].Rollout.Layer != 5 {
		t.Errorf("%+v", m.Roles[0])
	}
}

func TestADefinitionAsJSONMeansTheSame(t *testing.T) {
	t.Parallel()
	m := loaded(t, "prod", map[string]string{"prod/apps/json/app.cue": "package json\n\napps: \"/j\": {\"id\": \"j\", \"cmd\": \"sleep 1\", \"cpus\": 0.10, \"env\": {\"A\": \"b\"}}\n"})
	var def map[string]any
	for _, a := range m.Apps {
		if a.ID == "/j" {
			def = a.Definition
		}
	}
	if fmt.Sprint(def) != "map[cmd:sleep 1 cpus:0.10 env:map[A:b] id:/j]" {
		t.Errorf("%v", def)
	}
}

func TestTheDigestIsOfWhatIsWantedAndOfNothingElse(t *testing.T) {
	t.Parallel()
	a, b := loaded(t, "prod", nil), loaded(t, "prod", map[string]string{"prod/note.cue": "// a comment\npackage prod\n"})
	if a.Digest != b.Digest {
		t.Error("a comment changes the digest")
	}
	if c := loaded(t, "prod", map[string]string{"prod/x.cue": "package prod\nsettings: zookeeper: tickTime: 1999\n"}); c.Digest == a.Digest {
		t.Error("a setting does not change the digest")
	}
}

func TestTheVendoredPackagesAreTheShippedOnes(t *testing.T) {
	t.Parallel()
	files := example(t)
	n := 0
	err := fs.WalkDir(schema.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		data, err := fs.ReadFile(schema.Files, name)
		if string(files["cue.mod/pkg/meshsync.dev/"+name]) != string(data) {
			t.Errorf("example-repo/cue.mod/pkg/meshsync.dev/%s is not schema/%s", name, name)
		}
		return err
	})
	for name := range files {
		rest, ok := strings.CutPrefix(name, "cue.mod/pkg/meshsync.dev/")
		if _, serr := fs.Stat(schema.Files, rest); ok && serr != nil {
			t.Errorf("example-repo/%s is not shipped", name)
		}
	}
	if err != nil || n < 4 {
		t.Errorf("%d files, %v", n, err)
	}
}
