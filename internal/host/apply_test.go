package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/remote"
)

// planned observes and returns the work that brings a box to what is wanted.
func planned(t *testing.T, h *Host, want []mesh.Resource) plan.Work {
	t.Helper()
	s := h.Observe(context.Background())
	if s.Outcome != mesh.OK {
		t.Fatalf("%s: %s", s.Outcome, s.Message)
	}
	return plan.Work{
		Run: "r1", Commit: "c0ffee", Time: "2026-01-01T00:00:00Z",
		Changes: diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}}).Changes,
	}
}

// results carries out a work and returns "SUBJECT RESULT" for each action.
func results(t *testing.T, h *Host, w plan.Work) (got map[string]plan.Outcome, err error) {
	t.Helper()
	got = map[string]plan.Outcome{}
	err = h.Apply(context.Background(), w, func(o plan.Outcome) {
		_, name, _ := strings.Cut(o.Subject, ":")
		got[o.Action+" "+name] = o
	})
	return got, err
}

func TestAFileThatMovedSinceThePlanIsAConflict(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/d/f", "one\n")
		b.put("/units/zk/x", "")
		want := []mesh.Resource{file("/d/f", "two\n")}
		h := b.host(want...)
		w := planned(t, h, want)
		w.Services = []plan.ServiceStep{{Target: mesh.Host("h"), Unit: "zk", Op: plan.OpStart}}
		b.put("/d/f", "somebody else\n")
		got, err := results(t, h, w)
		if err != nil || got["update /d/f"].Result != plan.ResultConflict || got["start zk"].Result != plan.ResultSkipped {
			t.Errorf("%v %+v", err, got)
		}
		if b.get("/d/f") != "somebody else\n" {
			t.Error("a file that moved was overwritten")
		}
	})
}

func TestFailuresAreNamedAndLeaveTheOldState(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, want string
		prepare    func(*box)
	}{
		{"a missing parent", "its directory /d does not exist: declare it", func(*box) {}},
		{"a directory in the way", "", func(b *box) { b.put("/d/f/inside", "x") }},
		{"a parent that is a file", "nothing is there", func(b *box) { b.put("/d", "x") }},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			x.prepare(b)
			want := []mesh.Resource{file("/d/f", "new")}
			h := b.host(want...)
			got, err := results(t, h, planned(t, h, want))
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range got {
				if o.Result != plan.ResultFailed && o.Result != plan.ResultConflict || o.Message == "" {
					t.Errorf("%+v", o)
				}
			}
		})
	}
}

func TestABatchOfAnotherRunIsNamed(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	pid := b.locked("")
	stat := strings.Fields(read(t, fmt.Sprintf("/proc/%d/stat", pid)))
	b.put("/var/lib/meshsync/prod/lock", fmt.Sprintf("run other pid %d\n%s\n", pid, stat[21]))
	want := []mesh.Resource{directory("/d", false)}
	h := b.host(want...)
	got, err := results(t, h, planned(t, h, want))
	var e *remote.Error
	if !errors.As(err, &e) || e.Outcome != mesh.Busy || e.Msg != fmt.Sprintf("batch of run other still runs, pid %d: nothing was changed", pid) {
		t.Errorf("%v", err)
	}
	if o := got["create /d"]; o.Result != plan.ResultFailed {
		t.Errorf("%+v", o)
	}
	if _, err := os.Stat(b.path("/d")); err == nil {
		t.Error("it was written all the same")
	}
}

// Two runs observe the same host, and one works there: the other must not write a record
// made from what was before it.
func TestARecordThatAnotherRunWroteIsNotOverwritten(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		first := []mesh.Resource{directory("/d", false), file("/d/f", "x")}
		second := []mesh.Resource{directory("/e", false)}
		h, late := b.host(first...), b.host(second...)
		w, wLate := planned(t, h, first), planned(t, late, second)
		if _, err := results(t, h, w); err != nil {
			t.Fatal(err)
		}
		record := b.get("/var/lib/meshsync/prod/record.json")
		for range 2 {
			got, err := results(t, late, wLate)
			var e *remote.Error
			if !errors.As(err, &e) || e.Outcome != mesh.Busy || !strings.Contains(e.Msg, "another run of meshsync worked there") {
				t.Errorf("%v", err)
			}
			if o := got["create /e"]; o.Result != plan.ResultFailed {
				t.Errorf("%+v", o)
			}
		}
		if b.get("/var/lib/meshsync/prod/record.json") != record {
			t.Error("the record of the first run was overwritten")
		}
		w.Changes = nil // the first run goes on: the record is its own
		if _, err := results(t, h, w); err != nil {
			t.Error(err)
		}
	})
}

func TestAConnectionThatBreaksLeavesUnknownEnds(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	want := []mesh.Resource{directory("/d", false), file("/d/a", "a"), file("/d/b", "b")}
	h := b.host(want...)
	w := planned(t, h, want)
	b.cut = 90 // amid the lines of the batch
	got, err := results(t, h, w)
	if err == nil || len(got) != 3 {
		t.Fatalf("%v %+v", err, got)
	}
	for _, o := range got {
		if o.Result == plan.ResultFailed {
			t.Errorf("what was not seen to fail is said to have failed: %+v", o)
		}
	}
	b.cut = 0
	works(t, b, want)
}

func TestTheRecordIsWrittenAheadAndKeptWhole(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		want := []mesh.Resource{directory("/d", false), file("/d/f", "x"), file("/missing/f", "x")}
		h := b.host(want...)
		w := planned(t, h, want)
		b.wrap(`[ -e "$R/ahead" ] || cp "$R/var/lib/meshsync/prod/record.json" "$R/ahead"`, "chown")
		if _, err := results(t, h, w); err != nil {
			t.Fatal(err)
		}
		file, dir, failed := "host/h/file:/d/f", "host/h/directory:/d", "host/h/file:/missing/f"
		for record, states := range map[string]map[string]string{
			"/ahead":                             {file: mesh.Intends, dir: mesh.Intends, failed: mesh.Intends},
			"/var/lib/meshsync/prod/record.json": {file: mesh.Holds, dir: mesh.Holds}, // what changed nothing is not intended any more
		} {
			var r mesh.Record
			if err := json.Unmarshal([]byte(b.get(record)), &r); err != nil {
				t.Fatal(err)
			}
			if len(r.Entries) != len(states) {
				t.Errorf("%s has %d entries", record, len(r.Entries))
			}
			for name, state := range states {
				if e := r.Entries[name]; e.State != state || e.Commit != "c0ffee" || e.Origin != mesh.Created {
					t.Errorf("%s: %s: %+v", record, name, e)
				}
			}
		}
		left, _ := os.ReadDir(b.path("/var/lib/meshsync/prod/staging"))
		if len(left) > 0 {
			t.Errorf("staged files are left: %v", left)
		}
	})
}

func TestRecordStates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]mesh.RecordState{
		"":                                    mesh.RecordNone,
		"{":                                   mesh.RecordCorrupt,
		`{"version":1,"mesh":"x"}`:            mesh.RecordCorrupt,
		`{"version":9,"mesh":"x","new":true}`: mesh.RecordNewer,
		`{"version":1,"mesh":"prod"}`:         mesh.RecordOK,
	} {
		b := newBox(t)
		if text != "" {
			b.put("/var/lib/meshsync/prod/record.json", text)
		}
		if s := b.host().Observe(context.Background()); s.RecordState != want {
			t.Errorf("%q: %s, want %s", text, s.RecordState, want)
		}
	}
	b := newBox(t)
	if err := os.MkdirAll(b.path("/var/lib/meshsync/prod/record.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	if s := b.host().Observe(context.Background()); s.RecordState != mesh.RecordCorrupt {
		t.Errorf("a directory: %s", s.RecordState)
	}
}

func TestWhatOnlyTheRecordNamesIsObserved(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		want := []mesh.Resource{directory("/d", false), file("/d/f", "x")}
		works(t, b, want)
		s := b.host(want[0]).Observe(context.Background())
		d := diff.Diff(want[:1], mesh.Observed{Targets: []mesh.TargetState{s}})
		if len(d.Changes) != 1 || d.Changes[0].Action != diff.Delete || d.Changes[0].Class != diff.Pending {
			t.Errorf("%+v", d.Changes)
		}
	})
}

func TestAServiceThatStartsIsRecordedWithWhatItRead(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/units/zk/x", "")
		svc := service("zk", "/d/", "/d/f", "/d/absent")
		want := []mesh.Resource{directory("/d", false), file("/d/f", "it's"), svc}
		h := b.host(want...)
		w := planned(t, h, want)
		w.Services = []plan.ServiceStep{{Target: mesh.Host("h"), Unit: "zk", Op: plan.OpStart, Spec: *svc.Service}}
		got, err := results(t, h, w)
		if err != nil || got["start zk"].Result != plan.ResultDone {
			t.Fatalf("%v %+v", err, got)
		}
		s := b.host(want...).Observe(context.Background())
		rec, proc := s.Record.Services["zk"], s.Host.Processes["zk"]
		if rec.PID == 0 || rec.PID != proc.PID || rec.StartTicks != proc.StartTicks || rec.BootID != s.Host.BootID {
			t.Errorf("record %+v, process %+v", rec, proc)
		}
		for path, r := range s.Host.Reads {
			if rec.Reads[path] != r.Digest {
				t.Errorf("%s: recorded %s, is %s", path, rec.Reads[path], r.Digest)
			}
		}
	})
}

func TestAServiceThatDoesNotStartIsNamed(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/units/zk/broken", "")
		svc := service("zk")
		h := b.host(svc)
		w := planned(t, h, []mesh.Resource{svc})
		w.Services = []plan.ServiceStep{{Target: mesh.Host("h"), Unit: "zk", Op: plan.OpStart, Spec: *svc.Service}}
		got, err := results(t, h, w)
		if err != nil || got["start zk"].Result != plan.ResultFailed || !strings.Contains(got["start zk"].Message, "control process exited") {
			t.Errorf("%v %+v", err, got)
		}
		if s := h.Observe(context.Background()); len(s.Record.Services) != 0 {
			t.Errorf("recorded all the same: %+v", s.Record.Services)
		}
	})
}
