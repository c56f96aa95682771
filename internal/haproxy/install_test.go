package haproxy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/route"
)

// app is one of a port whose tasks are at these addresses.
func app(id string, at ...string) mesh.RunningApp {
	a := mesh.RunningApp{Marathon: "main", ID: id, Instances: len(at), Ports: []mesh.AppPort{{Protocol: "tcp"}}}
	for _, x := range at {
		addr := netip.MustParseAddrPort(x)
		a.Tasks = append(a.Tasks, mesh.Task{
			ID: fmt.Sprintf("%s.%d", strings.Trim(id, "/"), addr.Port()), Running: true, Host: addr.Addr().String(), Ports: []int{int(addr.Port())},
		})
	}
	return a
}

func tableOf(before route.Table, apps ...mesh.RunningApp) route.Table {
	t, _ := route.Make(route.Input{Apps: apps, Before: before})
	return t
}

// programs notes what is run, and fails where it is told to.
type programs struct {
	ran  []string
	fail map[string]error // by the first word
}

func (p *programs) run(_ context.Context, argv []string) (string, error) {
	words := []string{argv[0]}
	for _, w := range argv[1:] {
		words = append(words, filepath.Base(w))
	}
	p.ran = append(p.ran, strings.Join(words, " "))
	return "said " + argv[0], p.fail[argv[0]]
}

func (p *programs) take() []string {
	out := p.ran
	p.ran = nil
	return out
}

func installer(t *testing.T) (*Installer, *programs, string) {
	t.Helper()
	p, dir := &programs{fail: map[string]error{}}, t.TempDir()
	return New(Options{File: filepath.Join(dir, "route.cfg"), Check: []string{"check"}, Reload: []string{"reload"}, Run: p.run}), p, dir
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestWithoutASocketEachChangeIsAReload, and what is no change is nothing at all.
func TestWithoutASocketEachChangeIsAReload(t *testing.T) {
	t.Parallel()
	i, p, dir := installer(t)
	one := tableOf(route.Table{}, app("/www", "10.0.0.1:1"))
	two := tableOf(one, app("/www", "10.0.0.1:2"))
	for _, step := range []struct {
		table route.Table
		want  []string
	}{{one, []string{"check", "reload"}}, {one, nil}, {two, []string{"check", "reload"}}, {two, nil}} {
		if _, err := i.Install(t.Context(), step.table); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(step.want, p.take()); d != "" {
			t.Error(d)
		}
	}
	if d := cmp.Diff([]string{"route.cfg", "route.map"}, names(t, dir)); d != "" {
		t.Error(d)
	}
	if content(t, dir, "route.cfg") != two.Text() || content(t, dir, "route.map") != "www main_www_0\n" {
		t.Error("the files do not hold the table")
	}
	before, err := i.Before()
	if err != nil || before.Text() != two.Text() {
		t.Errorf("before: %v %v", before, err)
	}
}

// TestAFileThatHAProxyRefusesNeverGoesLive: the last good one stays, and is what the next run begins with.
func TestAFileThatHAProxyRefusesNeverGoesLive(t *testing.T) {
	t.Parallel()
	i, p, dir := installer(t)
	one := tableOf(route.Table{}, app("/www", "10.0.0.1:1"))
	if _, err := i.Install(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	p.take()
	p.fail["check"] = errors.New("exit status 1")
	_, err := i.Install(t.Context(), tableOf(one, app("/www", "10.0.0.1:1"), app("/x", "10.0.0.1:2")))
	var refused *RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "said check") {
		t.Fatalf("%v", err)
	}
	if d := cmp.Diff([]string{"check"}, p.take()); d != "" {
		t.Error(d)
	}
	if content(t, dir, "route.cfg") != one.Text() || content(t, dir, "route.map") != one.Names() || len(names(t, dir)) != 2 {
		t.Errorf("it is not as it was: %v", names(t, dir))
	}
}

// TestAReloadThatFailedIsOwed: the next run has nothing to write, and reloads all the same.
func TestAReloadThatFailedIsOwed(t *testing.T) {
	t.Parallel()
	i, p, dir := installer(t)
	one := tableOf(route.Table{}, app("/www", "10.0.0.1:1"))
	p.fail["reload"] = errors.New("exit status 1")
	if _, err := i.Install(t.Context(), one); err == nil || !strings.Contains(err.Error(), `"reload" failed`) || !strings.Contains(err.Error(), "said reload") {
		t.Fatalf("%v", err)
	}
	p.take()
	delete(p.fail, "reload")
	done, err := New(i.o).Install(t.Context(), one)
	if err != nil || !done.Reloaded || done.Written {
		t.Fatalf("%+v %v", done, err)
	}
	if d := cmp.Diff([]string{"reload"}, p.take()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"route.cfg", "route.map"}, names(t, dir)); d != "" {
		t.Error(d)
	}
}

// TestAFileOfSomebodyElseIsLeftAlone, and one that is empty is nobody's.
func TestAFileOfSomebodyElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	i, p, dir := installer(t)
	one := tableOf(route.Table{}, app("/www", "10.0.0.1:1"))
	for text, mine := range map[string]bool{"": true, "global\n    daemon\n": false} {
		if err := os.WriteFile(filepath.Join(dir, "route.cfg"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := i.Install(t.Context(), one)
		if mine != (err == nil) || !mine && (content(t, dir, "route.cfg") != text || len(p.take()) > 0) {
			t.Errorf("%q: %v", text, err)
		}
		p.take()
	}
}

// TestASocketThatCannotBeUsedCausesNoReloads: only a change does.
func TestASocketThatCannotBeUsedCausesNoReloads(t *testing.T) {
	t.Parallel()
	i, p, dir := installer(t)
	one := tableOf(route.Table{}, app("/www", "10.0.0.1:1"))
	if _, err := i.Install(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	p.take()
	i.o.Socket = filepath.Join(dir, "no.sock")
	if _, err := i.Install(t.Context(), one); err == nil || !strings.Contains(err.Error(), "no.sock") {
		t.Errorf("%v", err)
	}
	if ran := p.take(); len(ran) > 0 {
		t.Errorf("ran %q", ran)
	}
}

// TestWithoutACommandAReloadIsOwed: somebody else does it.
func TestWithoutACommandAReloadIsOwed(t *testing.T) {
	t.Parallel()
	i, _, _ := installer(t)
	i.o.Reload = nil
	done, err := i.Install(t.Context(), tableOf(route.Table{}, app("/www", "10.0.0.1:1")))
	if err != nil || !done.Owed || done.Reloaded {
		t.Errorf("%+v %v", done, err)
	}
}
