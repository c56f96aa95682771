package sandbox_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/host"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/primitive"
	"meshsync.dev/meshsync/internal/remote"
	"meshsync.dev/meshsync/internal/sandbox"
)

// A declared thing is one of a role's resources, as a repository has it.
type declared struct{ field, name, text string }

// overSSH reaches a host of a sandbox as meshsync does.
type overSSH struct{ *remote.Dialer }

func (d overSSH) Dial(ctx context.Context) (host.Conn, error) {
	c, err := d.Dialer.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// target is a host of a sandbox as meshsync's own target, with what it is to have.
func target(t *testing.T, c *sandbox.Cluster, name string, want []mesh.Resource) *host.Host {
	t.Helper()
	connect := connectTo(t, c)
	at := connect.Hosts[name]
	pool, err := remote.NewPool(remote.Options{IdentityFiles: []string{connect.Identity}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	d := pool.Host(mesh.HostSpec{Name: name, Address: at.Address, Port: at.Port, User: at.User, HostKeys: []string{at.HostKey}})
	h := host.New(host.Options{Mesh: "prod", Name: name, Resources: want, Dialer: overSSH{d}, Timeout: time.Minute})
	t.Cleanup(func() { h.Close(); pool.Close() })
	return h
}

// resources decodes declarations of a host.
func resources(t *testing.T, name string, list []declared) []mesh.Resource {
	t.Helper()
	var out []mesh.Resource
	for _, d := range list {
		i := slices.IndexFunc(primitive.All(), func(p primitive.Primitive) bool { return p.Field == d.field })
		if i < 0 {
			t.Fatalf("there is no kind %s", d.field)
		}
		p := primitive.All()[i]
		x, err := p.Decode([]byte(d.text))
		if err != nil {
			t.Fatalf("%s %s: %v", d.field, d.name, err)
		}
		out = append(out, mesh.Resource{
			Addr:  mesh.Address{Target: mesh.Host(name), Kind: p.Kind, Name: d.name},
			Attrs: mesh.MustTree(x.Attrs), Text: x.Text, Service: x.Service, Gone: x.Gone, Recursive: x.Recursive, Validate: x.Validate, Purge: x.Purge,
		})
	}
	return out
}

// looked observes and compares. What the declarations leave open is filled in as a plan does.
func looked(t *testing.T, h *host.Host, want []mesh.Resource) []diff.Change {
	t.Helper()
	s := h.Observe(t.Context())
	if s.Outcome != mesh.OK || len(s.Unknown) > 0 {
		t.Fatalf("%s %s, unknown: %v", s.Outcome, s.Message, s.Unknown)
	}
	have := map[mesh.Address]mesh.Tree{}
	for _, r := range s.Resources {
		have[r.Addr] = r.Attrs
	}
	want = slices.Clone(want)
	for i, r := range want {
		if p, _ := primitive.Of(r.Addr.Kind); p.Settle != nil {
			want[i].Attrs = p.Settle(r.Attrs, have[r.Addr], s.Host.Offers[r.Addr.String()])
		}
	}
	return diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}}).Changes
}

// steps are the operations on units that a change of a service means.
func steps(changes []diff.Change) []plan.ServiceStep {
	var out []plan.ServiceStep
	ops := []struct {
		attr string
		to   bool
		op   plan.Op
	}{
		{"masked", false, plan.OpUnmask},
		{"enabled", false, plan.OpDisable},
		{"enabled", true, plan.OpEnable},
		{"running", false, plan.OpStop},
		{"running", true, plan.OpStart},
		{"masked", true, plan.OpMask},
	}
	for _, c := range changes {
		for _, o := range ops {
			if c.Addr.Kind == mesh.Service && c.After != nil && c.After[o.attr] == o.to && c.Before[o.attr] != o.to && (c.Before != nil || o.to) {
				out = append(out, plan.ServiceStep{Target: c.Addr.Target, Unit: c.Addr.Name, Op: o.op})
			}
		}
	}
	return out
}

// applied carries changes out and returns what failed, by address.
func applied(t *testing.T, h *host.Host, run string, changes []diff.Change) map[string]string {
	t.Helper()
	failed := map[string]string{}
	w := plan.Work{Run: run, Commit: "c0ffee", Time: "2026-01-01T00:00:00Z", Changes: changes, Services: steps(changes)}
	err := h.Apply(t.Context(), w, func(o plan.Outcome) {
		if o.Result != plan.ResultDone {
			failed[strings.TrimPrefix(o.Subject, "host/m1/")] = string(o.Result) + ": " + o.Message
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return failed
}

// reconciled brings a host to what is declared, which must need changes and then none.
func reconciled(t *testing.T, c *sandbox.Cluster, run string, list []declared) {
	t.Helper()
	want := resources(t, "m1", list)
	h := target(t, c, "m1", want)
	changes := looked(t, h, want)
	if len(changes) == 0 {
		t.Fatalf("%s: there is nothing to do", run)
	}
	if failed := applied(t, h, run, changes); len(failed) > 0 {
		t.Fatalf("%s: %q", run, failed)
	}
	for _, left := range looked(t, h, want) {
		t.Errorf("%s leaves %s %s: %v, want %v", run, left.Action, left.Addr, left.Before, left.After)
	}
}

// tarball makes an archive with one file on a host, and returns its URL there and its digest.
func tarball(t *testing.T, c *sandbox.Cluster, name, text string) (url, digest string) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: "tool-1/bin/tool", Mode: 0o755, Size: int64(len(text))})
	w.Write([]byte(text))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.Root("m1"), "tmp", name), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return "file:///tmp/" + name, fmt.Sprintf("%x", sha256.Sum256(b.Bytes()))
}

// packagesOfM1 are what the mesh of these tests names.
func packagesOfM1() []sandbox.PackageOptions {
	return []sandbox.PackageOptions{
		{Name: "mesos", Versions: []string{"1.11.*", "1.10.0-1"}},
		{Name: "zookeeperd"},
		{Name: "haproxy", Versions: []string{"any"}},
		{Name: "tool", Versions: []string{"2.0-1", "1.0-1"}, Files: map[string]string{"/usr/bin/tool": "x"}},
	}
}

// kindsBox is a sandbox whose only host gets its services by packages.
func kindsBox(t *testing.T, mode sandbox.Mode) *sandbox.Cluster {
	t.Helper()
	return box(t, sandbox.Options{Mode: mode, Timing: quick(), Hosts: []sandbox.HostOptions{{
		Name: "m1", Packages: packagesOfM1(), Units: []sandbox.UnitOptions{
			{Name: "zookeeper", Kind: "zookeeper"}, {Name: "mesos-master", Kind: "mesos-master"}, {Name: "haproxy"}, {Name: "logshipper"},
		},
	}}})
}

// TestEachKindComesToRest declares one of each kind, then something else of each, and then
// no more of those that can be removed: each time there is something to do, it is done, and
// nothing is left to do.
func TestEachKindComesToRest(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		c := kindsBox(t, mode)
		url, digest := tarball(t, c, "one.tar", "one")
		other, otherDigest := tarball(t, c, "two.tar", "two")
		owner := `"mode": "0644", "owner": "svc", "group": "svc"`
		first := []declared{
			{"groups", "svc", `{"system": true}`},
			{"groups", "team", `{"gid": 4711}`},
			{"users", "svc", `{"system": true, "group": "svc", "groups": ["team", "docker"], "home": "/srv/svc", "shell": "/usr/sbin/nologin"}`},
			{"users", "anna", `{"uid": 4712}`},
			{"debconf", "mesos mesos/zk string", `{"value": "zk://a:2181,b:2181/mesos"}`},
			{"debconf", "mesos mesos/master boolean", `{"value": "true"}`},
			{"packages", "mesos", `{"version": "1.11.*", "hold": true}`},
			{"packages", "zookeeperd", `{}`},
			{"packages", "haproxy", `{"version": "2.6.*"}`},
			{"packages", "tool", `{"version": "2.0-1"}`},
			{"directories", "/srv/svc", `{"mode": "0755", "owner": "root", "group": "docker"}`},
			{"files", "/srv/svc/conf", `{"content": "a\n", ` + owner + `}`},
			{"files", "/etc/systemd/system/own.service", `{"content": "[Service]\nExecStart=/bin/true\n", "mode": "0644", "owner": "root", "group": "root"}`},
			{"symlinks", "/srv/svc/link", `{"to": "conf"}`},
			{"absent", "/etc/debian_version", `{}`},
			{"sysctls", "net.ipv4.ip_forward", `{"value": "1"}`},
			{"sysctls", "net.ipv4.tcp_rmem", `{"value": "4096 87380 8388608"}`},
			{"modules", "br_netfilter", `{}`},
			{"modules", "ext4", `{}`},
			{"hostsEntries", "10.0.0.1", `{"names": ["m1", "m1.example"]}`},
			{"archives", "tool", `{"url": "` + url + `", "sha256": "` + digest + `", "to": "/srv/svc", "strip": 1}`},
			{"commands", "mark", `{"test": "test -e $R/srv/svc/mark", "run": "touch $R/srv/svc/mark"}`},
			{"services", "haproxy", `{"enabled": true, "running": true, "reads": [], "on": "restart"}`},
			{"services", "own", `{"enabled": false, "running": true, "reads": [], "on": "restart"}`},
			{"services", "logshipper", `{"enabled": false, "running": false, "masked": true, "reads": [], "on": "restart"}`},
		}
		reconciled(t, c, "r1", first)
		root := c.Root("m1")
		for file, want := range map[string]string{
			"etc/group": "team:x:4711:svc\n", "proc/sys/net/ipv4/ip_forward": "1\n", "etc/hosts": "10.0.0.1\tm1 m1.example\n", "srv/svc/bin/tool": "one",
			"var/cache/debconf/config.dat": "Name: mesos/zk\nTemplate: mesos/zk\nValue: zk://a:2181,b:2181/mesos\nOwners: mesos\nFlags: seen\n",
			"etc/shadow":                   "svc:!:", "usr/bin/tool": "x", "var/lib/dpkg/status": "Package: mesos\nStatus: hold ok installed\nVersion: 1.11.0-2\n",
			"etc/zookeeper/conf_example/zoo.cfg": "tickTime=2000",
		} {
			if text, err := os.ReadFile(filepath.Join(root, file)); err != nil || !strings.Contains(string(text), want) {
				t.Errorf("%s: %v\n%s\nlacks %q", file, err, text, want)
			}
		}
		second := slices.Clone(first)
		change := func(name, text string) {
			i := slices.IndexFunc(second, func(d declared) bool { return d.field+" "+d.name == name })
			second[i].text = text
		}
		change("groups team", `{"gid": 4713}`)
		change("users anna", `{"uid": 4714}`)
		change("users svc", `{"system": true, "group": "team", "groups": ["svc"], "home": "/srv/other", "shell": "/bin/sh"}`)
		change("debconf mesos mesos/master boolean", `{"value": "false"}`)
		change("packages mesos", `{"version": "1.10.0-1", "hold": false}`)
		change("packages tool", `{"version": "1.0-1", "hold": true}`)
		change("sysctls net.ipv4.ip_forward", `{"value": "0"}`)
		change("hostsEntries 10.0.0.1", `{"names": ["m1"]}`)
		change("archives tool", `{"url": "`+other+`", "sha256": "`+otherDigest+`", "to": "/srv/svc", "strip": 1}`)
		change("services haproxy", `{"enabled": false, "running": false, "reads": [], "on": "restart"}`)
		change("services own", `{"enabled": false, "running": false, "reads": [], "on": "restart"}`)
		change("services logshipper", `{"enabled": false, "running": true, "masked": false, "reads": [], "on": "restart"}`)
		change("files /srv/svc/conf", `{"content": "b\n", `+strings.ReplaceAll(owner, "svc", "anna")+`}`)
		reconciled(t, c, "r2", second)
		third := slices.DeleteFunc(second, func(d declared) bool {
			return slices.Contains([]string{"groups", "users", "packages", "hostsEntries"}, d.field) && d.name != "mesos" && d.name != "zookeeperd" || d.field == "files"
		})
		reconciled(t, c, "r3", third)
		for _, x := range []struct{ file, text string }{{"etc/passwd", "svc:"}, {"etc/shadow", "anna:"}, {"etc/group", "team:"}, {"etc/hosts", "10.0.0.1"}, {"var/lib/dpkg/status", "Package: tool"}} {
			if text, err := os.ReadFile(filepath.Join(root, x.file)); err != nil || strings.Contains(string(text), "\n"+x.text) {
				t.Errorf("%s still has %s (%v)", x.file, x.text, err)
			}
		}
	})
}
