package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// history is what really happened on a host, in seconds since its boot, and what its clock said.
type history struct {
	boot         int64 // what the clock said at the boot, less the time that it then counted to it
	step, by     int64 // when it was set, and by how much; not at all by 0
	began, start int64 // when the unit began to come up, and its process started
	written      int64 // of the file; below zero before the boot, under a clock as it is in the end
	now          int64
}

// offset is what is added to the seconds since the boot to have the clock's time.
func (h history) offset(at int64) int64 {
	if at < 0 || at >= h.step {
		return h.boot + h.by
	}
	return h.boot
}

// facts are what a look at the host in the end tells of it.
func (h history) facts() (mesh.Read, mesh.Process, mesh.HostFacts) {
	end := h.offset(h.now)
	read := mesh.Read{Digest: "sha256:1", Ctime: (h.written + h.offset(h.written)) * 1e9}
	proc := mesh.Process{ProcessID: mesh.ProcessID{PID: 7}, StartedAt: (h.start + end) * 1e9, SetSince: (end - h.offset(h.began)) * 1e9}
	facts := mesh.HostFacts{Now: (h.now + end) * 1e9, SetSinceBoot: (end - h.offset(0)) * 1e9}
	return read, proc, facts
}

func (h history) judged() freshness {
	f := freshness{}
	read, proc, facts := h.facts()
	f.byClock("/f", read, proc, facts)
	return f
}

// TestAClockThatWasSetMakesNothingFreshOrStaleThatIsNot goes through every order of boot,
// write, start and one setting of the clock, forward and back, by little and by much.
func TestAClockThatWasSetMakesNothingFreshOrStaleThatIsNot(t *testing.T) {
	t.Parallel()
	const boot = int64(1_700_000_000)
	moments := []int64{10, 20, 21, 40, 100, 1000, 5000}
	sure := 0
	for _, by := range []int64{0, 2, 5, 15, 90, 3600, 365 * 86400, -2, -5, -15, -90, -3600, -365 * 86400} {
		for _, step := range append([]int64{0}, moments...) {
			for _, began := range moments {
				for _, start := range moments {
					for _, written := range append([]int64{-40 * 86400, -100, -1}, moments...) {
						h := history{boot: boot, step: step + 3, by: by, began: began, start: start, written: written, now: 9000}
						if began > start || start-written <= 2 && written-start <= 2 {
							continue
						}
						f := h.judged()
						if fresh := f.stale == "" && f.unsure == ""; fresh && written > start || f.stale != "" && written < start {
							t.Errorf("%+v: fresh %v, stale %q", h, fresh, f.why)
						}
						if f.unsure == "" {
							sure++
						} else if by == 0 {
							t.Errorf("%+v: unsure, and the clock was never set: %s", h, f.unsure)
						}
					}
				}
			}
		}
	}
	if sure < 5000 {
		t.Errorf("only %d are told", sure)
	}
}

// TestWhatClocksTellWhereOneWasSet has the cases by name. The host was booted at 0 by a clock
// that was later set by something; its process started at 1000.
func TestWhatClocksTellWhereOneWasSet(t *testing.T) {
	t.Parallel()
	const day, year = int64(86400), 365 * int64(86400)
	for _, x := range []struct {
		name          string
		h             history
		stale, unsure string // a part of the words; "" for none
	}{
		{"never, and the file is older", history{written: 500}, "", ""},
		{"never, and the file is newer", history{written: 2000}, "/f changed after", ""},
		{"never, and too close to tell", history{written: 1001}, "", "within 2 s"},
		{"forward between start and write", history{written: 3000, step: 2000, by: year}, "/f changed after", ""},
		{"forward between write and look", history{written: 2000, step: 3000, by: year}, "", "/f changed before or after the process (pid 7) had started: the host's clock was set forward by 365 d since"},
		{"forward between write and look, and the file is older than the start by each clock", history{written: 500, step: 3000, by: year}, "", ""},
		{"forward between write and look, and the file is of before the boot", history{written: -9 * day, step: 3000, by: day}, "", ""},
		{"forward between write and start", history{written: 500, step: 700, by: year}, "", ""},
		{"back between start and write", history{written: 3000, step: 2000, by: -year}, "", "set back by 365 d since"},
		{"back between start and write, by little", history{written: 3000, step: 2000, by: -100}, "/f changed after", ""},
		{"back between write and look", history{written: 2000, step: 3000, by: -year}, "", "/f is newer than the host's clock, which was set back since"},
		{"back between write and look, by little", history{written: 2000, step: 3000, by: -100}, "/f changed after", ""},
		{"back between write and start", history{written: 500, step: 700, by: -year}, "", "/f is newer than the host's clock"},
		{"back between write and start, so that it seems to have changed later", history{written: 500, step: 700, by: -3600}, "", "/f changed before or after the process (pid 7) had started: the host's clock was set back by 60 m since it booted"},
		{"back between boot and write", history{written: 800, step: 700, by: -3600}, "", ""},
		{"back after boot, and the file is newer than the start by each clock", history{written: 8000, step: 700, by: -3600}, "/f changed after", ""},
		{"by the first step of NTP on a host without a clock of its own, after which all came", history{boot: -3 * year, written: 800, step: 60, by: 3 * year}, "", ""},
		{"by that step, and the file is of before the boot", history{boot: -3 * year, written: -day, step: 60, by: 3 * year}, "", ""},
		{"by that step, which came after the start", history{boot: -3 * year, written: -day, step: 1060, by: 3 * year}, "", "set forward by 1095 d since"},
		{"by a few seconds right after the start, and the file is of yesterday", history{written: -day, step: 1001, by: 5}, "", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			h := x.h
			h.boot += 1_700_000_000
			h.began, h.start, h.now = 1000, 1000, 9000
			f := h.judged()
			if (f.why == "") != (x.stale == "") || !strings.Contains(f.why, x.stale) {
				t.Errorf("stale %q, want %q", f.why, x.stale)
			}
			if (f.unsure == "") != (x.unsure == "") || !strings.Contains(f.unsure, x.unsure) {
				t.Errorf("unsure %q, want %q", f.unsure, x.unsure)
			}
		})
	}
}

// A host of which nothing more is known than when its process started is judged by that.
func TestWithoutSystemdsTimesTheClockIsTakenForRight(t *testing.T) {
	t.Parallel()
	f := freshness{}
	f.byClock("/f", mesh.Read{Digest: "sha256:1", Ctime: 2000e9}, mesh.Process{StartedAt: 1000e9}, mesh.HostFacts{})
	if f.stale != "/f" || f.unsure != "" {
		t.Errorf("%+v", f)
	}
}

// What is recorded is known whatever the clock does; what is not is unsure in the plan, and
// nothing is recorded of it.
func TestAPlanIsUnsureWhereTheClockWasSet(t *testing.T) {
	t.Parallel()
	set := func(c *cluster) {
		p := c.states["m2"].Host.Processes["zookeeper"]
		p.SetSince = 900e9
		c.states["m2"].Host.Processes["zookeeper"] = p
	}
	c := newCluster(3)
	set(c)
	if p := c.plan(); !p.Empty || len(p.Unsure) > 0 {
		t.Errorf("recorded: %+v", p.Unsure)
	}
	c.unrecorded()
	p := c.plan()
	if ops(p) != "" || len(p.Stale) > 0 || len(p.Unsure) != 1 || !strings.Contains(p.Unsure[0].Message, "set forward by 15 m since") {
		t.Errorf("unrecorded: %q, stale %+v, unsure %+v", ops(p), p.Stale, p.Unsure)
	}
	if _, adopts := Adopted("zookeeper", *c.mesh.Resources[3].Service, *c.states["m2"]); adopts {
		t.Error("what nobody knows is recorded")
	}
}
