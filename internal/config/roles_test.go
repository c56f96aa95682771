package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
)

// threeMasters is a cluster to which each test gives one role more.
const threeMasters = `package all

import (
	"meshsync.dev/kit"
	"meshsync.dev/roles"
)

kit.#Mesh
name: "all"
#roles: {zookeeper: roles.#ZooKeeper, "mesos-master": roles.#MesosMaster, "mesos-agent": roles.#MesosAgent}
hosts: {
	m1: {address: "10.0.0.11", id: 1}
	m2: {address: "10.0.0.12", id: 2}
	m3: {address: "10.0.0.13", id: 3}
	a1: {address: "10.0.0.21", roles: "mesos-agent": {}}
	[=~"^m"]: roles: {zookeeper: {}, "mesos-master": {}}
}
`

// TestWhatTheShippedRolesYield holds what each role puts on one host to its golden file; UPDATE=1 rewrites it.
func TestWhatTheShippedRolesYield(t *testing.T) {
	t.Parallel()
	archive := `archive: {url: "https://mirror.example.com/x.tgz", sha256: "` + strings.Repeat("0", 64) + `"}`
	for _, tt := range []struct{ golden, role, definition, host, settings string }{
		{"zookeeper", "zookeeper", "ZooKeeper", "m1", ``},
		{"zookeeper_unit", "zookeeper", "ZooKeeper", "m1", `unit: true, packages: zookeeper: {version: "3.8.*", hold: true}, environment: {JAVA_OPTS: "-Xms512m -Xmx512m", JMXLOCALONLY: null}`},
		{"zookeeper_3.4.6", "zookeeper", "ZooKeeper", "m1", `version: "3.4.6"`},
		{"mesos_master", "mesos-master", "MesosMaster", "m1", ``},
		{"mesos_master_package", "mesos-master", "MesosMaster", "m1", `packages: mesos: {version: "1.11.*", hold: true}, environment: ULIMIT: "-n 8192", quiet: true`},
		{"mesos_agent", "mesos-agent", "MesosAgent", "a1", ``},
		{"mesos_agent_0.20", "mesos-agent", "MesosAgent", "a1", `version: "0.20", isolation: "external", containerizer_path: "/usr/local/bin/deimos", attributes: rack: "a"`},
		{"marathon", "marathon", "Marathon", "m1", ``},
		{"marathon_1.4", "marathon", "Marathon", "m1", `version: "1.4", event_subscriber: "http_callback", environment: JAVA_OPTS: "-Xmx1g -Xss1m"`},
		{"marathon_0.8", "marathon", "Marathon", "m1", `version: "0.8", packages: marathon: version: "0.8.0-1.*"`},
		{"marathon_secrets", "marathon", "Marathon", "m1", `secrets: env: "MARATHON_SECRETS", http_port: 8081, metrics_prometheus: true`},
		{"marathon_archive", "marathon", "Marathon", "m1", `version: "1.11.26", ` + archive},
		{"haproxy", "haproxy", "HAProxy", "m1", ``},
		{"haproxy_changed", "haproxy", "HAProxy", "m1", `global: {maxconn: 8192, chroot: null}, defaults: "option httplog": false, frontends: tcp: {mode: "tcp", bind: [":1", ":2"], default_backend: "none"}, environment: EXTRAOPTS: "-S /run/x", healthPort: 9000`},
		{"route", "route", "Route", "m1", archive},
		{"route_changed", "route", "Route", "m1", archive + `, urls: ["http://m1:8080", "http://m2:8080"], every: "30s"`},
		{"docker", "docker", "Docker", "a1", ``},
		{"docker_changed", "docker", "Docker", "a1", `packages: null, "log-opts": null, "insecure-registries": ["registry.example.com:5000"], environment: DOCKER_OPTS: "--ip-masq=false"`},
		{"java", "java", "Java", "m1", ``},
		{"java_archive", "java", "Java", "m1", `version: "11", java: "/usr/lib/jvm/java-11-openjdk-amd64/bin/java", archives: "jre-8": {` + strings.TrimPrefix(archive, "archive: {")},
		{"consul_server", "consul-server", "ConsulServer", "m1", `datacenter: "sea", ui: true`},
		{"consul", "consul", "ConsulClient", "a1", `packages: null, ports: http: 8501, secrets: env: "CONSUL"`},
		{"consul_archive", "consul", "ConsulClient", "a1", archive},
		{"deimos", "deimos", "Deimos", "a1", `version: "0.4.0", docker: host: ["tcp://a:1"], "containers.options": append: ["--net=host"]`},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			t.Parallel()
			files := maps.Clone(example(t))
			files["all/mesh.cue"] = []byte(threeMasters)
			files["all/more.cue"] = fmt.Appendf(nil, "package all\nimport \"meshsync.dev/roles\"\n#roles: %[1]q: roles.#%[2]s\nhosts: [=~\"^%[3]c\"]: roles: %[1]q: {}\nsettings: %[1]q: {%[4]s}\n",
				tt.role, tt.definition, tt.host[0], tt.settings)
			m, err := Load(files, "all")
			if err != nil {
				t.Fatal(err)
			}
			sameAsGolden(t, tt.golden, yieldText(m, tt.host, tt.role))
		})
	}
}

func sameAsGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "roles", name+".txt")
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%v; UPDATE=1 rewrites it:\n%s", err, cmp.Diff(string(want), got))
	}
}

// yieldText is what a role puts on a host, as text for people: each thing with its attributes, a file with its content.
func yieldText(m *mesh.Mesh, host, role string) string {
	var out strings.Builder
	for _, r := range m.Roles {
		if r.Name == role {
			fmt.Fprintf(&out, "layer %d, at most %d, leader last %v\n", r.Rollout.Layer, r.Rollout.MaxUnavailable, r.Rollout.LeaderLast)
			if e := r.Ensemble; e != nil {
				fmt.Fprintf(&out, "ensemble %s of %s, quorum %d, identity %v\n", e.Name, e.Members, e.Quorum, e.Identity)
			}
		}
	}
	for _, r := range m.ResourcesOf(mesh.Host(host)) {
		if r.Role != role {
			continue
		}
		fmt.Fprintf(&out, "\n%s %s", r.Addr.Kind, r.Addr.Name)
		for _, k := range slices.Sorted(maps.Keys(r.Attrs)) {
			if k != "content" || r.Text == nil {
				fmt.Fprintf(&out, " %s=%v", k, r.Attrs[k])
			}
		}
		if r.Purge {
			out.WriteString(" purge")
		}
		out.WriteString("\n")
		if s := r.Service; s != nil {
			fmt.Fprintf(&out, "    on %s", s.On)
			if s.Check != nil {
				fmt.Fprintf(&out, ", check %s :%d%s", s.Check.Kind, s.Check.Port, s.Check.Path)
			}
			out.WriteString("\n")
			for _, f := range s.Reads {
				if !strings.Contains(f, "/"+r.Addr.Name+".service") {
					out.WriteString("    reads " + f + "\n")
				}
			}
		}
		if r.Text != nil {
			for line := range strings.Lines(*r.Text) {
				out.WriteString("    | " + strings.TrimSuffix(line, "\n") + "\n")
			}
		}
	}
	return out.String()
}
