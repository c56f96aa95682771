package config

import (
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
)

// The contract closes the kinds of checks, so that config need not look for unknown ones.
func TestTheContractNamesTheChecksThatThereAre(t *testing.T) {
	t.Parallel()
	kind := newContract(cuecontext.New()).def("#Check").LookupPath(cue.ParsePath("kind"))
	_, options := kind.Expr()
	var names []string
	for _, o := range options {
		s, err := o.String()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, s)
	}
	slices.Sort(names)
	if want := slices.Sorted(slices.Values(health.Kinds())); !slices.Equal(names, want) {
		t.Errorf("the contract has %q, internal/health %q", names, want)
	}
}

func TestEachLayerWinsOverTheOneBefore(t *testing.T) {
	t.Parallel()
	const shared = "package common\ndefaults: zookeeper: \"autopurge.purgeInterval\": 2100\n"
	const own = "package prod\nsettings: zookeeper: \"autopurge.purgeInterval\": 2200\n"
	const host = "package prod\nhosts: m2: roles: zookeeper: \"autopurge.purgeInterval\": 2300\n"
	for _, tt := range []struct {
		name   string
		files  map[string]string
		m1, m2 string
	}{
		{"the role's own", nil, "24", "24"},
		{"shared", map[string]string{"common/x.cue": shared}, "2100", "2100"},
		{"the mesh's", map[string]string{"common/x.cue": shared, "prod/x.cue": own}, "2200", "2200"},
		{"the host's", map[string]string{"common/x.cue": shared, "prod/x.cue": own, "prod/y.cue": host}, "2200", "2300"},
		{"the host's over shared", map[string]string{"common/x.cue": shared, "prod/y.cue": host}, "2100", "2300"},
		{"null of the host", map[string]string{"prod/x.cue": own, "prod/y.cue": strings.Replace(host, "2300", "null", 1)}, "2200", ""},
		{"a value over null", map[string]string{"prod/x.cue": strings.Replace(own, "2200", "null", 1), "prod/y.cue": host}, "", "2300"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := loaded(t, "prod", tt.files)
			for host, want := range map[string]string{"m1": tt.m1, "m2": tt.m2} {
				if got := setting(textOf(t, m, host, zooCfg), "autopurge.purgeInterval"); got != want {
					t.Errorf("%s has %q, want %q", host, got, want)
				}
			}
		})
	}
}

// setting is the value of a KEY=VALUE line, or "".
func setting(text, key string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, key+"="); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func TestLinesOfZooCfgKeepTheirOrder(t *testing.T) {
	t.Parallel()
	want := []string{
		"tickTime", "initLimit", "syncLimit", "dataDir", "clientPort", "maxClientCnxns",
		"autopurge.snapRetainCount", "autopurge.purgeInterval", "4lw.commands.whitelist", "admin.enableServer", "reconfigEnabled",
		"server.1", "server.2", "server.3", "snapCount",
	}
	m := loaded(t, "prod", map[string]string{"prod/x.cue": "package prod\nsettings: zookeeper: {snapCount: 10000, syncLimit: 7}\n"})
	var got []string
	for line := range strings.Lines(textOf(t, m, "m3", zooCfg)) {
		key, _, _ := strings.Cut(line, "=")
		got = append(got, key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	again := loaded(t, "prod", map[string]string{"prod/x.cue": "package prod\nsettings: zookeeper: {syncLimit: 7, snapCount: 10000}\n"})
	if textOf(t, again, "m3", zooCfg) != textOf(t, m, "m3", zooCfg) {
		t.Error("the order of settings in the repository changes the file")
	}
}

func TestStagingRemovesWhatIsShared(t *testing.T) {
	t.Parallel()
	if got := setting(textOf(t, loaded(t, "prod", nil), "m1", zooCfg), "maxClientCnxns"); got != "100" {
		t.Errorf("prod has %q", got)
	}
	if got := setting(textOf(t, loaded(t, "staging", nil), "s1", zooCfg), "maxClientCnxns"); got != "" {
		t.Errorf("staging has %q", got)
	}
}

// A repository is a map of files, and Go's maps have another order each time.
func TestTheDigestIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	more := map[string]string{
		"prod/apps/a/a.cue": "package a\napps: {\"/a\": {cmd: \"a 1\", env: {X: \"1\", Y: \"2\", Z: \"3\"}}, \"/b\": cmd: \"b 1\"}\n",
		"prod/apps/b/b.cue": "package b\napps: \"/c\": {labels: {k: \"v\", l: \"w\"}, cmd: \"c 1\"}\n",
		"prod/x.cue":        "package prod\nsettings: \"mesos-agent\": {gc_delay: \"1weeks\", strict: true}\n",
	}
	first := loaded(t, "prod", more)
	for range 8 {
		if m := loaded(t, "prod", more); m.Digest != first.Digest {
			t.Fatalf("%s, then %s", first.Digest, m.Digest)
		}
	}
}

// A user's role is a file of CUE; here in a package of its own.
func TestARoleOfAPackageReachesItsHosts(t *testing.T) {
	t.Parallel()
	m := loaded(t, "prod", map[string]string{
		"roles/chrony.cue": `package roles

import "meshsync.dev/kit"

#Chrony: kit.#Role & {
	me: _
	uses: []
	over: [...{pool?: string}]
	cfg: (kit.#Layers & {in: [{pool: "pool.ntp.org"}, for l in over {l}]}).out
	yield: files: "/etc/chrony.conf": kit.#Root & {content: "pool \(cfg.pool)\n"}
}
`,
		"prod/x.cue": `package prod

import "example.com/infra/roles"

#roles: chrony: roles.#Chrony
settings: chrony: pool: "ntp.example.com"
hosts: a2: roles: chrony: {}
`,
	})
	if got := textOf(t, m, "a2", "/etc/chrony.conf"); got != "pool ntp.example.com\n" {
		t.Errorf("%q", got)
	}
	for _, r := range m.Resources {
		if r.Role == "chrony" && r.Addr.Target != mesh.Host("a2") {
			t.Errorf("%v has the role, too", r.Addr)
		}
	}
}

// What is allowed and somebody will regret is told with its line, and is no other state.
func TestWarningsHaveLinesAndAreNotInTheDigest(t *testing.T) {
	t.Parallel()
	const app = "package web\n\napps: \"/shop/web\": {\n\tcmd: \"sleep 1\"\n\tdependencies: [\n\t\t\"/a\",\n\t\t\"b\",\n\t]\n}\n"
	m := loaded(t, "prod", map[string]string{"prod/apps/web/x.cue": app})
	if len(m.Warnings) != 1 || m.Warnings[0].Line() != `prod/apps/web/x.cue:7:3: app /shop/web depends on "b", which is /b and not in the app's group` || m.Warnings[0].Hint == "" {
		t.Fatalf("%+v", m.Warnings)
	}
	digest := m.Digest
	m.Warnings = nil
	if finish(m); m.Digest != digest {
		t.Error("a warning changes the digest")
	}
}
