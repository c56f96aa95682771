package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/remote"
)

// door lets in until it is shut, and again once the file is there.
type door struct {
	*box
	shut  bool
	opens string
	calls int
}

func (d *door) Dial(context.Context) (Conn, error) {
	d.calls++
	if _, err := os.Stat(d.path(d.opens)); d.shut && err != nil {
		return nil, &remote.Error{Outcome: mesh.AuthRefused, Host: "h", Msg: "it takes none of the keys"}
	}
	return d.box, nil
}

const (
	sshdConfig = "/etc/ssh/sshd_config"
	tookBack   = "/var/lib/meshsync/prod/put-back"
	armed      = "/var/lib/meshsync/prod/watch"
)

// hurried has the watch's seconds pass at once, when the file /go is there.
func hurried(b *box) *box {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.bin, "sleep"), []byte("#!/bin/sh\n[ \"$1\" != 1 ] || until [ -e \"$MESHSYNC_ROOT/go\" ]; do /bin/sleep 0.01; done\n"), 0o755); err != nil {
		b.t.Fatal(err)
	}
	return b
}

// lockingOut is a box with a change of files and a service of the ways in, and of one other file.
func lockingOut(t *testing.T, b *box) (want []mesh.Resource, h *Host, w plan.Work) {
	t.Helper()
	b.put(sshdConfig, "old\n")
	b.put("/run/resolv.conf", "old names\n")
	if err := os.Symlink("/run/resolv.conf", b.path("/etc/resolv.conf")); err != nil {
		t.Fatal(err)
	}
	b.put("/etc/sudoers.d/old", "kept\n")
	b.put("/d/other", "old\n")
	b.put("/units/ssh/pid", "999999999")
	want = []mesh.Resource{
		file(sshdConfig, "AllowUsers nobody\n"), file("/etc/resolv.conf", "new names\n"), file("/etc/sudoers.d/new", "new\n"),
		file("/d/other", "new\n"),
	}
	h = b.host(want...)
	w = planned(t, h, want)
	w.Confirm = 2 * time.Second
	w.Services = []plan.ServiceStep{{Target: mesh.Host("h"), Unit: "ssh", Op: plan.OpReload}}
	return want, h, w
}

// isBack reports on a box whose files of the ways in are as they were, by the eyes of the next run.
func isBack(t *testing.T, b *box, want []mesh.Resource) {
	t.Helper()
	if got := b.get(sshdConfig); got != "old\n" {
		t.Errorf("sshd_config has %q", got)
	}
	if to, err := os.Readlink(b.path("/etc/resolv.conf")); err != nil || to != "/run/resolv.conf" {
		t.Errorf("resolv.conf: %s, %v", to, err)
	}
	if _, err := os.Lstat(b.path("/etc/sudoers.d/new")); err == nil {
		t.Error("what was not there is there")
	}
	if got := b.get("/d/other"); got != "new\n" {
		t.Errorf("another file has %q", got)
	}
	if _, err := os.Stat(b.path(armed)); err == nil {
		t.Error("the watch is left")
	}
	b.dialer = nil
	s := b.host(want...).Observe(context.Background())
	if s.Outcome != mesh.OK || s.RecordState != mesh.RecordOK {
		t.Fatalf("%s: %s, record %s", s.Outcome, s.Message, s.RecordState)
	}
	left := diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}})
	var names []string
	for _, c := range left.Changes {
		names = append(names, string(c.Action)+" "+c.Addr.Name)
		if _, has := s.Record.Entries[c.Addr.String()]; has {
			t.Errorf("the record still knows %s", c.Addr)
		}
	}
	if got := strings.Join(names, ", "); got != "replace /etc/resolv.conf, update /etc/ssh/sshd_config, create /etc/sudoers.d/new" {
		t.Errorf("the next plan: %s", got)
	}
	if _, has := s.Record.Entries[addr(mesh.File, "/d/other").String()]; !has {
		t.Error("the record lost what stays")
	}
}

func TestWhatCutsOffStaysWhereANewLoginConfirms(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		want, h, w := lockingOut(t, b)
		w.Confirm = time.Hour
		w.Services = nil
		got, err := results(t, h, w)
		if err != nil || got["update "+sshdConfig].Result != plan.ResultDone {
			t.Fatalf("%v %+v", err, got)
		}
		if _, err := os.Stat(b.path(armed)); err == nil {
			t.Error("the watch is left")
		}
		s := b.host(want...).Observe(context.Background())
		if left := diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}}); len(left.Changes) != 0 {
			t.Errorf("%+v", left.Changes)
		}
	})
}

func TestWhatCutsOffIsTakenBackWithoutANewLogin(t *testing.T) {
	t.Parallel()
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hurried(newBox(t, shell...))
			d := &door{box: b, opens: tookBack}
			b.dialer = d
			want, h, w := lockingOut(t, b)
			d.shut = true
			b.put("/go", "")
			got, err := results(t, h, w)
			if err == nil || !strings.Contains(err.Error(), "no new login came in within 2s: it takes none of the keys") {
				t.Error(err)
			}
			for _, action := range []string{"put back " + sshdConfig, "put back /etc/resolv.conf", "put back /etc/sudoers.d/new"} {
				if got[action].Result != plan.ResultRolledBack {
					t.Errorf("%s: %+v", action, got[action])
				}
			}
			if _, other := got["put back /d/other"]; other {
				t.Error("what cuts nothing off was put back")
			}
			isBack(t, b, want)
		})
	}
}

// The connection breaks in the middle and whoever started the run is never heard of again.
func TestWhatCutsOffIsTakenBackWithoutMeshsync(t *testing.T) {
	t.Parallel()
	b := hurried(newBox(t))
	d := &door{box: b, opens: "/never"}
	b.dialer = d
	want, h, w := lockingOut(t, b)
	w.Services = nil
	d.shut = true
	b.put("/go", "")
	ctx, cancel := context.WithCancel(context.Background())
	err := h.Apply(ctx, w, func(plan.Outcome) { cancel() })
	if err == nil {
		t.Error("it ended well")
	}
	eventually(t, "what cuts off is taken back", func() bool {
		_, err := os.Stat(b.path(tookBack))
		_, still := os.Stat(b.path(armed))
		return err == nil && still != nil
	})
	isBack(t, b, want)
}

// Until that is settled, nobody else's batch builds on it.
func TestABatchWaitsForAWatchToBeSettled(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	d := &door{box: b, opens: "/never"}
	b.dialer = d
	want, h, w := lockingOut(t, b)
	w.Services, w.Confirm = nil, time.Hour
	d.shut = true
	ctx, cancel := context.WithCancel(context.Background())
	_ = h.Apply(ctx, w, func(plan.Outcome) { cancel() }) // that it fails is what others show
	b.dialer = nil
	other := b.host(want...)
	next := planned(t, other, []mesh.Resource{file("/d/other", "newer\n")})
	next.Run = "r2"
	got, err := results(t, other, next)
	if err == nil || !strings.Contains(err.Error(), "it is about to put back what run r1 wrote") || got["update /d/other"].Result != plan.ResultFailed {
		t.Errorf("%v %+v", err, got)
	}
	if b.get("/d/other") != "new\n" {
		t.Error("it wrote all the same")
	}
	if err := os.RemoveAll(b.path(armed)); err != nil { // and the watch ends
		t.Fatal(err)
	}
	if got, err := results(t, other, next); err != nil || got["update /d/other"].Result != plan.ResultDone {
		t.Errorf("%v %+v", err, got)
	}
}

// What somebody mended by hand meanwhile is theirs.
func TestWhatSomebodyChangedSinceIsNotTakenBack(t *testing.T) {
	t.Parallel()
	b := hurried(newBox(t))
	d := &door{box: b, opens: tookBack}
	b.dialer = d
	_, h, w := lockingOut(t, b)
	w.Services = nil
	d.shut = true
	got := map[string]plan.Outcome{}
	err := h.Apply(context.Background(), w, func(o plan.Outcome) {
		if o.Action == "update" && strings.HasSuffix(o.Subject, sshdConfig) {
			b.put(sshdConfig, "by hand\n")
			b.put("/go", "")
		}
		got[o.Action+" "+o.Subject[strings.Index(o.Subject, ":")+1:]] = o
	})
	o := got["put back "+sshdConfig]
	if err == nil || o.Result != plan.ResultFailed || !strings.Contains(o.Message, "somebody else changed it since") {
		t.Errorf("%v %+v", err, got)
	}
	if text := b.get(sshdConfig); text != "by hand\n" {
		t.Errorf("%q", text)
	}
	if got["put back /etc/resolv.conf"].Result != plan.ResultRolledBack {
		t.Errorf("%+v", got)
	}
}

// A secret is put back as anything else, and no copy of it is left.
func TestASecretThatCutsOffIsTakenBack(t *testing.T) {
	t.Parallel()
	b := hurried(newBox(t))
	d := &door{box: b, opens: tookBack}
	b.dialer = d
	b.put("/etc/sudoers.d/x", "")
	apply := func(source, text, run string, confirm time.Duration) (map[string]plan.Outcome, error) {
		want := []mesh.Resource{secretFile("/etc/sudoers.d/s", source)}
		h := b.hostWith(vault{source: text}, want...)
		w := planned(t, h, want)
		w.Run, w.Confirm = run, confirm
		d.shut = confirm > 0
		return results(t, h, w)
	}
	if got, err := apply("one", "old secret\n", "r1", 0); err != nil {
		t.Fatalf("%v %+v", err, got)
	}
	before := b.get("/var/lib/meshsync/prod/record.json")
	b.put("/go", "")
	got, err := apply("two", "new secret\n", "r2", 2*time.Second)
	if err == nil || got["put back /etc/sudoers.d/s"].Result != plan.ResultRolledBack {
		t.Errorf("%v %+v", err, got)
	}
	if text := b.get("/etc/sudoers.d/s"); text != "old secret\n" {
		t.Errorf("%q", text)
	}
	if after := b.get("/var/lib/meshsync/prod/record.json"); after != before {
		t.Errorf("the record was\n%s\nand is\n%s", before, after)
	}
	if _, err := os.Stat(b.path(armed)); err == nil {
		t.Error("the copies are left")
	}
}
