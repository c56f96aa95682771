package config

import (
	"maps"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// everyKind is a role that yields one of each kind.
const everyKind = `package roles

import "meshsync.dev/kit"

#LogShipper: kit.#Role & {
	uses: []
	yield: {
		rollout: layer: 30
		files: "/srv/f": {content: "x", mode: "0644", owner: "root", group: "root", check: "test -s %s"}
		directories: "/srv": {mode: "0755", owner: "root", group: "root"}
		symlinks: "/srv/l": to: "f"
		absent: "/srv/old": recursive: true
		groups: svc: system: true
		users: svc: {group: "svc", home: "/srv", shell: "/usr/sbin/nologin"}
		packages: svc: {version: "1.*", hold: true}
		debconf: "svc svc/question boolean": value: "true"
		archives: svc: {url: "https://x.example/a.tar", sha256: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", to: "/srv"}
		sysctls: "net.ipv4.ip_forward": value: "1"
		modules: br_netfilter: {}
		hostsEntries: "10.0.0.11": names: ["m1"]
		commands: svc: {test: "true", run: "true"}
		services: svc: {enabled: true, running: true, reads: ["/srv/f", "package:svc"], on: "restart"}
	}
}
`

// Kinds that lie at no path have names that are no paths, and several kinds may have one name.
func TestARoleMayYieldEveryKind(t *testing.T) {
	t.Parallel()
	files := maps.Clone(example(t))
	files["roles/logshipper.cue"] = []byte(everyKind)
	m, err := Load(files, "prod")
	if err != nil {
		t.Fatal(err)
	}
	got := map[mesh.Kind]bool{}
	for _, r := range m.ResourcesOf(mesh.Host("m1")) {
		if r.Role == "logshipper" {
			got[r.Addr.Kind] = true
		}
	}
	for _, p := range primitive.All() {
		if !got[p.Kind] {
			t.Errorf("no %s was decoded", p.Kind)
		}
	}
}

func TestTheSystemOfAHostIsDecoded(t *testing.T) {
	t.Parallel()
	m, err := Load(maps.Clone(example(t)), "prod")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range m.Hosts {
		if h.OS != "debian 12" {
			t.Errorf("%s has the os %q", h.Name, h.OS)
		}
	}
}
