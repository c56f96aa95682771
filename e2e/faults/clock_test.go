//go:build linux

package faults

import (
	"fmt"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// year is by how much clocks are set here, in seconds.
const year = 365 * 24 * 3600

// setClock has the host see its own past as if its clock had been set by some seconds: a
// kernel then says that it was booted so much later, while files keep their change times.
// What counts to the present is left as it is: the clock itself is that of the machine.
func (l *lab) setClock(t *testing.T, by int) {
	t.Helper()
	l.Must(t, fmt.Sprintf(`umount -q /proc/stat
awk '$1 == "btime" { $2 += %[1]d } { print }' /proc/stat >/run/proc-stat
mount --bind /run/proc-stat /proc/stat
cd /var/lib/meshsync/prod && awk 'NR == 2 { $1 -= %[1]d } { print }' lease >/run/lease && cat /run/lease >lease
for f in staging/*; do [ ! -f "$f" ] || touch -d "@$(($(stat -c %%Y "$f") - %[1]d))" "$f"; done`, by))
}

func (l *lab) mendClock(t *testing.T) {
	t.Helper()
	l.Must(t, "umount -q /proc/stat; rm -f /run/proc-stat")
}

// built is a plan of the whole host, as people see it.
func (l *lab) built(t *testing.T, want []mesh.Resource) plan.Plan {
	t.Helper()
	s := l.target(t, want).Observe(t.Context())
	if s.Outcome != mesh.OK {
		t.Fatalf("observe: %s %s", s.Outcome, s.Message)
	}
	return plan.Build(plan.Input{
		Mesh: &mesh.Mesh{Name: "prod", Hosts: []mesh.HostSpec{{Name: l.Name, Address: l.Address}}, Roles: []mesh.RoleSpec{{Name: "r", Hosts: []string{l.Name}}}, Resources: ofRole(want)},
		Seen: mesh.Observed{Targets: []mesh.TargetState{s}},
	})
}

func ofRole(rs []mesh.Resource) []mesh.Resource {
	out := make([]mesh.Resource, len(rs))
	for i, r := range rs {
		r.Role = "r"
		out[i] = r
	}
	return out
}

// steps are the steps of a plan, and why each is taken.
func steps(p plan.Plan) string {
	var out []string
	for _, e := range p.Effects {
		out = append(out, fmt.Sprintf("%+v", e))
	}
	return strings.Join(out, "\n")
}

// carriesOut does what a plan says, as the second run, which knows that the first ended.
func (l *lab) carriesOut(t *testing.T, want []mesh.Resource) {
	t.Helper()
	h := l.target(t, want)
	if err := h.Take(t.Context(), mesh.Lease{Run: "second", Who: "test"}); err != nil {
		t.Fatal(err)
	}
	for _, s := range l.built(t, want).Stages {
		for _, b := range s.Batches {
			h.Observe(t.Context())
			got, err := apply(t, h, plan.Work{Run: "second", Time: "2026-01-01T00:00:00Z", Changes: b.Changes, Services: b.Service})
			if err != nil {
				t.Errorf("%v\n%s", err, got)
			}
		}
	}
	if err := h.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if p := l.built(t, want); !p.Empty || len(p.Stale)+len(p.Unsure) > 0 {
		t.Errorf("a third run finds something: %+v %+v %s", p.Stale, p.Unsure, steps(p))
	}
	l.leavesNothing(t)
}

// TestAClockThatIsSetByAYear sets it between runs, and between a write and the restart that
// it needs. The record knows the process, so that no clock decides.
func TestAClockThatIsSetByAYear(t *testing.T) {
	l := newLab(t)
	defer l.mendClock(t)
	for _, by := range []int{year, -year} {
		l.mendClock(t)
		want := l.scene(t)
		l.settles(t, want)
		l.setClock(t, by)
		if p := l.built(t, want); !p.Empty || len(p.Stale)+len(p.Unsure) > 0 || p.Moved() {
			t.Errorf("set by %d s after an apply, there is something to do: %+v %+v %s", by, p.Stale, p.Unsure, steps(p))
		}
		l.mendClock(t)

		newer := replaced(want, file("/srv/t/d/changed", "newer"))
		h := l.target(t, newer)
		w := l.ready(t, h, "first", newer)
		w.Services = []plan.ServiceStep{{Target: mesh.Host("h1"), Unit: "probe", Op: plan.OpRestart, Spec: *service("probe", "/srv/t/d/changed").Service}}
		l.hook(t, 1, "systemctl") // the write is done, the restart not
		stopped, ended := l.at(t, h, w, func() {
			l.Must(t, "read -r _ _ _ pid </var/lib/meshsync/prod/lock; kill -9 $pid; : >/run/let")
		})
		if err := <-ended; err == nil || !stopped {
			t.Fatalf("the batch was to be killed: %v", err)
		}
		l.unhook(t)
		l.setClock(t, by)
		p := l.built(t, newer)
		if len(p.Stale) != 1 || !strings.Contains(p.Stale[0].Message, "/srv/t/d/changed is not what the process") || len(p.Unsure) > 0 {
			t.Errorf("set by %d s between write and restart: stale %+v, unsure %+v", by, p.Stale, p.Unsure)
		}
		l.carriesOut(t, newer)
	}
}

// TestAClockThatIsSetWhileNoRecordKnowsTheProcess sets it between a write and the look. Change
// times are all that tells of the process, and they are of two clocks: nobody is told that it runs
// with what it does not, and none is restarted without need.
func TestAClockThatIsSetWhileNoRecordKnowsTheProcess(t *testing.T) {
	l := newLab(t)
	defer l.mendClock(t)
	const read = "/srv/t/d/changed"
	want := l.scene(t)
	l.settles(t, want)
	l.apart(t)
	l.Must(t, "systemctl restart probe")
	for _, x := range []struct {
		name          string
		by            int
		stale, unsure string // a part of the words; "" for none
	}{
		{"older than the start", 0, "", ""},
		{"older than the start, forward", year, "", ""},
		{"older than the start, back", -year, "", read + " is newer than the host's clock, which was set back since"},
		{"newer than the start", 0, read + " changed after the process", ""},
		{"newer than the start, forward", year, "", "had started: the host's clock was set forward by 365 d since"},
		{"newer than the start, back", -year, "", read + " is newer than the host's clock, which was set back since"},
		{"newer than the start, back by less than what lies between", -2, read + " changed after the process", ""},
	} {
		l.mendClock(t)
		if x.name == "newer than the start" {
			l.apart(t)
			l.Must(t, "touch "+read)
		}
		if x.by == -2 { // or the file would be newer than the host's clock
			l.apart(t)
		}
		l.setClock(t, x.by)
		p := l.built(t, want)
		for _, is := range []struct {
			what, want string
			got        []plan.Evidence
		}{{"stale", x.stale, p.Stale}, {"unsure", x.unsure, p.Unsure}} {
			if (is.want == "") != (len(is.got) == 0) || is.want != "" && !strings.Contains(is.got[0].Message, is.want) {
				t.Errorf("%s: %s %+v, want %q", x.name, is.what, is.got, is.want)
			}
		}
		if p.Empty != (x.stale == "") {
			t.Errorf("%s: %s", x.name, steps(p))
		}
	}
}

// apart waits until what was done last is so many seconds in the past that no rounding makes it
// one with what is done next.
func (l *lab) apart(t *testing.T) {
	t.Helper()
	l.Must(t, "begun=$(date +%s); while [ $(($(date +%s)-begun)) -lt 5 ]; do sleep 0.1; done")
}

// replaced are resources with another one in the place of that of its address.
func replaced(rs []mesh.Resource, r mesh.Resource) []mesh.Resource {
	out := make([]mesh.Resource, len(rs))
	for i, x := range rs {
		out[i] = x
		if x.Addr == r.Addr {
			out[i] = r
		}
	}
	return out
}
