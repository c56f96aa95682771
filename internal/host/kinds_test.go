package host

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/primitive"
)

// declarations has one of each kind: field → name, with %d for a number, and declaration.
func declarations() map[string][2]string {
	return map[string][2]string{
		"files":        {"/d/f%d", `{"content": "x", "mode": "0644", "owner": "root", "group": "root", "check": "test -s %s"}`},
		"directories":  {"/d%d", `{"mode": "0755", "owner": "root", "group": "root", "purge": true}`},
		"symlinks":     {"/l%d", `{"to": "/d"}`},
		"absent":       {"/old%d", `{"recursive": true}`},
		"groups":       {"g%d", `{"gid": 7}`},
		"users":        {"u%d", `{"uid": 7, "groups": ["a"], "home": "/h"}`},
		"packages":     {"p%d", `{"version": "1.*", "hold": true}`},
		"debconf":      {"p p/q%d string", `{"value": "x"}`},
		"archives":     {"a%d", `{"url": "https://x/a", "sha256": "00", "to": "/d"}`},
		"sysctls":      {"net.x.y%d", `{"value": "1 2"}`},
		"modules":      {"m%d", `{}`},
		"hostsEntries": {"10.0.0.%d", `{"names": ["a", "b"]}`},
		"commands":     {"c%d", `{"test": "false", "run": "true"}`},
		"services":     {"s%d", `{"enabled": true, "running": true, "reads": ["package:p1"], "on": "restart"}`},
	}
}

// many declares n of a kind.
func many(t *testing.T, p primitive.Primitive, n int) []mesh.Resource {
	t.Helper()
	d, ok := declarations()[p.Field]
	if !ok {
		t.Fatalf("no declaration of %s", p.Field)
	}
	var out []mesh.Resource
	for i := range n {
		got, err := p.Decode([]byte(d[1]))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, mesh.Resource{
			Addr: addr(p.Kind, fmt.Sprintf(d[0], i+1)), Attrs: mesh.MustTree(got.Attrs), Text: got.Text, Purge: got.Purge,
			Gone: got.Gone, Recursive: got.Recursive, Validate: got.Validate, Service: got.Service,
		})
	}
	return out
}

func TestTheScriptsOfAllKindsPassShellcheck(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is not installed")
	}
	var want []mesh.Resource
	work := plan.Work{Run: "r1"}
	for _, p := range primitive.All() {
		rs := many(t, p, 2)
		want = append(want, rs...)
		made := diff.Change{Addr: rs[0].Addr, Action: diff.Create, After: rs[0].Attrs, AfterText: rs[0].Text, Validate: rs[0].Validate}
		gone := diff.Change{Addr: rs[1].Addr, Action: diff.Delete, Before: rs[1].Attrs}
		switch {
		case p.Kind == mesh.Service:
			work.Services = append(work.Services, plan.ServiceStep{Target: mesh.Host("h"), Unit: rs[0].Addr.Name, Op: plan.OpRestart, Spec: *rs[0].Service})
		case p.Path != nil && p.Path.Type == 0: // a change is of what lies there
		case p.Keeps:
			work.Changes = append(work.Changes, made)
		default:
			work.Changes = append(work.Changes, made, gone)
		}
	}
	work.Changes = inWorkOrder(work.Changes)
	b, err := newBatch("prod", "@t", work, mesh.TargetState{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := newQuery(Options{Mesh: "prod", Name: "h", Resources: want})
	for what, script := range map[string]string{"observe": observeScript(q, "@t"), "change": b.script()} {
		// See TestScriptsPassShellcheck for the rules that are left out.
		cmd := exec.Command("shellcheck", "-s", "sh", "-e", "SC2016,SC2034,SC2154,SC2046,SC2086,SC2012,SC2089,SC2090,SC2069,SC2317,SC2015,SC2329", "-")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s:\n%s", what, out)
		}
		for name, shell := range shells(t) {
			cmd := exec.Command(shell[0], append(shell[1:], "-n")...)
			cmd.Stdin = strings.NewReader(script)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s cannot read the %s script: %s", name, what, out)
			}
		}
	}
}

// Of each kind a look at fifty starts as many processes as a look at one.
func TestALookAtManyStartsNoMoreProcesses(t *testing.T) {
	t.Parallel()
	if err := exec.Command("strace", "-f", "-o", "/dev/null", "true").Run(); err != nil {
		t.Skip("strace cannot trace here")
	}
	for _, p := range primitive.All() {
		t.Run(string(p.Kind), func(t *testing.T) {
			t.Parallel()
			var counts []int
			for _, n := range []int{1, 50} {
				b := newBox(t)
				q := newQuery(Options{Mesh: "prod", Name: "h", Resources: many(t, p, n)})
				trace := filepath.Join(t.TempDir(), "trace")
				// A fork without a program costs, too.
				cmd := exec.Command("strace", "-f", "-qq", "-e", "trace=execve,fork,vfork,clone,clone3", "-o", trace, "/bin/sh", "-s")
				cmd.Env = []string{"MESHSYNC_ROOT=" + b.root, "PATH=" + b.bin + ":/usr/bin:/bin"}
				cmd.Stdin = strings.NewReader(observeScript(q, "@t"))
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				data, err := os.ReadFile(trace)
				if err != nil {
					t.Fatal(err)
				}
				// A fork that a signal interrupts is made once more.
				counts = append(counts, strings.Count(string(data), "execve(")+strings.Count(string(data), "fork(")+strings.Count(string(data), "clone(")-
					strings.Count(string(data), "ERESTARTNOINTR"))
			}
			if counts[1] > counts[0] {
				t.Errorf("one: %d, fifty: %d", counts[0], counts[1])
			}
		})
	}
}
