package host

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// master makes a new worker, and ends the old one, when it is told to reload. Its workers
// wait for what never comes. What it starts besides is none of them.
const master = `#!/bin/sh
cd "${0%/*}" || exit 1
work() { read -r x <hold; }
sleep 1000 &
work & w=$!
trap 'o=$w; work & w=$!; kill "$o"; echo >>reloads' HUP
echo >>reloads
while [ -p hold ]; do wait "$w"; done
`

// startMaster runs a master as the unit's process.
func (b *box) startMaster(unit string) {
	b.t.Helper()
	dir := "/units/" + unit
	b.put(dir+"/hup", "")
	b.put(dir+"/master", master)
	if err := os.Chmod(b.path(dir+"/master"), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := syscall.Mkfifo(b.path(dir+"/hold"), 0o600); err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command(b.path(dir + "/master"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
	b.put(dir+"/pid", strconv.Itoa(cmd.Process.Pid))
	b.reloads(unit, 1)
}

// reloads waits until a master has made its worker for the nth time.
func (b *box) reloads(unit string, n int) {
	b.t.Helper()
	eventually(b.t, "a worker", func() bool {
		data, _ := os.ReadFile(b.path("/units/" + unit + "/reloads"))
		return strings.Count(string(data), "\n") >= n
	})
}

func TestAReloadIsRecordedWithItsNewestWorker(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.startMaster("ha")
		b.put("/units/other/x", "")
		svc, other := service("ha", "/d/f"), service("other", "/d/f")
		svc.Service.On, other.Service.On = mesh.OnReload, mesh.OnReload
		b.put("/d/f", "one")
		want := []mesh.Resource{file("/d/f", "two"), svc, other}
		h := b.host(want...)
		w := planned(t, h, want)
		before := h.last.Host.Processes["ha"]
		if before.Worker == nil {
			t.Fatalf("no worker is seen: %+v", before)
		}
		w.Services = []plan.ServiceStep{
			{Target: mesh.Host("h"), Unit: "ha", Op: plan.OpReload, Spec: *svc.Service},
			{Target: mesh.Host("h"), Unit: "other", Op: plan.OpStart, Spec: *other.Service},
		}
		if got, err := results(t, h, w); err != nil || got["reload ha"].Result != plan.ResultDone || got["start other"].Result != plan.ResultDone {
			t.Fatalf("%v %+v", err, got)
		}
		remembered := h.last.Record.Services
		s := h.Observe(context.Background())
		proc, rec := s.Host.Processes["ha"], s.Record.Services["ha"]
		if proc.ProcessID != before.ProcessID || proc.Worker == nil || proc.Worker.ProcessID == before.Worker.ProcessID {
			t.Errorf("process %+v with the worker %+v, was %+v with %+v", proc, proc.Worker, before, before.Worker)
		}
		if rec.Worker == nil || *rec.Worker != proc.Worker.ProcessID || !rec.Of(s.Host.BootID, proc) {
			t.Errorf("record %+v, process %+v, worker %+v", rec, proc, proc.Worker)
		}
		if alone := s.Record.Services["other"]; alone.Worker != nil || alone.ProcessID != s.Host.Processes["other"].ProcessID || s.Host.Processes["other"].Worker != nil {
			t.Errorf("a service without workers: record %+v, process %+v", alone, s.Host.Processes["other"])
		}
		if was := remembered["ha"].Worker; was == nil || *was != *rec.Worker {
			t.Errorf("remembered %+v, recorded %+v", was, rec.Worker)
		}
	})
}

// Somebody else's program in the unit, or none at all: the process is what counts.
func TestOfAServiceThatRestartsNoWorkerIsLookedFor(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.startMaster("ha")
	s := b.host(service("ha")).Observe(context.Background())
	if proc := s.Host.Processes["ha"]; proc.PID == 0 || proc.Worker != nil {
		t.Errorf("%+v", proc)
	}
}

// What a process was started with stays known where its reload fails.
func TestAReloadThatFailsLeavesTheRecordOfTheProcess(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.put("/units/zk/x", "")
		b.put("/d/f", "one")
		svc := service("zk", "/d/f")
		svc.Service.On = mesh.OnReload
		step := func(op plan.Op) []plan.ServiceStep {
			return []plan.ServiceStep{{Target: mesh.Host("h"), Unit: "zk", Op: op, Spec: *svc.Service}}
		}
		h := b.host(file("/d/f", "one"), svc)
		w := planned(t, h, []mesh.Resource{file("/d/f", "one"), svc})
		w.Services = step(plan.OpStart)
		if _, err := results(t, h, w); err != nil {
			t.Fatal(err)
		}
		was := h.Observe(context.Background()).Record.Services["zk"]
		b.put("/units/zk/broken", "")
		want := []mesh.Resource{file("/d/f", "two"), svc}
		h = b.host(want...)
		w = planned(t, h, want)
		w.Services = step(plan.OpReload)
		if got, err := results(t, h, w); err != nil || got["reload zk"].Result != plan.ResultFailed {
			t.Fatalf("%v %+v", err, got)
		}
		remembered := h.last.Record.Services["zk"]
		now := h.Observe(context.Background()).Record.Services["zk"]
		for _, r := range []mesh.ServiceRecord{now, remembered} {
			if was.PID == 0 || r.ProcessID != was.ProcessID || r.Reads["/d/f"] != was.Reads["/d/f"] {
				t.Errorf("%+v, was %+v", r, was)
			}
		}
	})
}
