package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// reloading makes m2's service one that reloads by making new workers: its main process
// started long before the file changed, which was at 500 s, and has the worker.
func (c *cluster) reloading(worker mesh.Process, changedAt int64) {
	for i, r := range c.mesh.Resources {
		if r.Service != nil && r.Addr.Target.Name == "m2" {
			spec := *r.Service
			spec.On = mesh.OnReload
			c.mesh.Resources[i].Service = &spec
		}
	}
	main := mesh.Process{ProcessID: mesh.ProcessID{PID: 7, StartTicks: 100}, StartedAt: 10e9, ChangedAt: changedAt}
	if worker.PID != 0 {
		main.Worker = &worker
	}
	c.states["m2"].Host.Processes["zookeeper"] = main
}

// recorded sets the worker that m2's record knows.
func (c *cluster) recorded(worker mesh.ProcessID) {
	rec := c.states["m2"].Record.Services["zookeeper"]
	rec.Worker = &worker
	c.states["m2"].Record.Services["zookeeper"] = rec
}

func TestTheNewestWorkerTellsWhatAServiceRunsWith(t *testing.T) {
	t.Parallel()
	worker := func(pid int, at int64) mesh.Process {
		return mesh.Process{ProcessID: mesh.ProcessID{PID: pid, StartTicks: uint64(at * 100)}, StartedAt: at * 1e9} //nolint:gosec // not below zero
	}
	first := worker(20, 490).ProcessID
	for _, x := range []struct {
		name, stale, unsure string
		prepare             func(*cluster)
	}{
		{"the worker that was recorded, and nothing changed", "", "", func(c *cluster) {
			c.reloading(worker(20, 490), 490e9)
			c.recorded(first)
		}},
		{"the worker that was recorded, and the file is another", "is not what the process (pid 20) was started with", "", func(c *cluster) {
			c.reloading(worker(20, 490), 490e9)
			c.recorded(first)
			c.byHand()
		}},
		{"a newer worker after a reload: the file is another, and it has it", "", "", func(c *cluster) {
			c.reloading(worker(30, 600), 600e9)
			c.recorded(first)
			c.byHand()
		}},
		{"a newer worker that is older than the file", "changed after its newest worker (pid 30) had started", "", func(c *cluster) {
			c.reloading(worker(30, 495), 495e9)
			c.recorded(first)
			c.byHand()
		}},
		{"a newer worker without a reload: nobody knows what its master had read", "", "systemd saw no reload since", func(c *cluster) {
			c.reloading(worker(30, 600), 490e9)
			c.recorded(first)
			c.byHand()
		}},
		{"a newer worker without a reload, and nothing changed", "", "", func(c *cluster) {
			c.reloading(worker(30, 600), 490e9)
			c.recorded(first)
		}},
		{"a record of a version that knew no workers, and nothing changed", "", "", func(c *cluster) {
			c.reloading(worker(30, 501), 501e9)
		}},
		{"a record of a version that knew no workers, and a reload since the file changed", "", "", func(c *cluster) {
			c.reloading(worker(30, 600), 600e9)
			c.byHand()
		}},
		{"no record: older than the file", "changed after its newest worker (pid 30) had started", "", func(c *cluster) {
			c.reloading(worker(30, 400), 400e9)
			c.unrecorded()
		}},
		{"no record: newer than the file", "", "", func(c *cluster) {
			c.reloading(worker(30, 600), 600e9)
			c.unrecorded()
		}},
		{"no record: too close to tell", "", "within 2 s", func(c *cluster) {
			c.reloading(worker(30, 501), 501e9)
			c.unrecorded()
		}},
		{"no record: a child that came with neither a start nor a reload tells nothing", "changed after the process (pid 7) had started", "", func(c *cluster) {
			c.reloading(worker(30, 600), 10e9)
			c.unrecorded()
		}},
		{"no children: the digests of the reload count", "", "", func(c *cluster) { c.reloading(mesh.Process{}, 501e9) }},
		{"no children, and the file is another", "is not what the process (pid 7) was started with", "", func(c *cluster) {
			c.reloading(mesh.Process{}, 600e9)
			c.byHand()
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(3)
			x.prepare(c)
			p := c.plan()
			if text := evidenceText(p.Stale); (text == "") != (x.stale == "") || !strings.Contains(text, x.stale) {
				t.Errorf("stale %q, want %q", text, x.stale)
			}
			if text := evidenceText(p.Unsure); (text == "") != (x.unsure == "") || !strings.Contains(text, x.unsure) {
				t.Errorf("unsure %q, want %q", text, x.unsure)
			}
			if want := map[bool]string{false: "reload m2"}[x.stale == ""]; ops(p) != want {
				t.Errorf("operations %q, want %q", ops(p), want)
			}
		})
	}
}

// byHand is a change of m2's file at 500 s that git has by now, too, while all others are as before.
func (c *cluster) byHand() {
	rec := c.states["m2"].Record.Services["zookeeper"]
	rec.Reads = map[string]string{cfg: mesh.DigestBytes([]byte("what it read"))}
	c.states["m2"].Record.Services["zookeeper"] = rec
}

// unrecorded takes from m2's record what its service was started with.
func (c *cluster) unrecorded() { c.states["m2"].Record.Services = nil }

func evidenceText(of []Evidence) string {
	var out []string
	for _, e := range of {
		out = append(out, e.Message)
	}
	return strings.Join(out, "; ")
}
