package plan

import (
	"fmt"
	"slices"
	"testing"

	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
)

// member is the abstract state of one ZooKeeper: what is on its disk, what its
// process, if it runs, was started with, and what the last one was that ran.
type member struct{ disk, proc, ran string } // proc "" is a stopped one, ran "" one that never ran

// world is an ensemble with the faults that happen to it at given steps.
type world struct {
	t       *testing.T
	members []member
	step    int
	fault   fault
	byUs    map[int]bool // members that meshsync stopped and that do not run yet
	dead    bool         // meshsync was killed
	trace   []string
	looked  []bool // which members served when meshsync last looked
	mute    int    // the member of which nobody can tell how it is; -1 for none
	leader  int    // the member that leads; -1 for none
	// lists are the members that a process knows of, by what it was started with; nil for all.
	lists map[string][]int
}

// fault happens once, before the step of that number.
type fault struct {
	at, member int
	mute       int    // another member, counted from 1, whose answers are lost all the time; 0 for none
	kind       string // kill (of a member), mute (its answers are lost), fail (of a start), crash (of meshsync)
}

// tick is one abstract step, before which the fault may happen.
func (w *world) tick(what string) {
	if w.fault.at == w.step {
		switch w.fault.kind {
		case "kill":
			w.members[w.fault.member].proc = ""
			delete(w.byUs, w.fault.member)
			what = fmt.Sprintf("kill m%d; %s", w.fault.member+1, what)
		case "mute":
			w.mute = w.fault.member
			what = fmt.Sprintf("mute m%d; %s", w.fault.member+1, what)
		case "crash":
			w.dead = true
		}
	}
	w.trace = append(w.trace, what)
	w.step++
}

// view is what the members answer.
func (w *world) view() health.View {
	v := health.View{Members: map[string]health.Verdict{}}
	for i, serves := range w.serving() {
		s := health.Verdict{Status: health.NotServing, Reason: "down"}
		if serves {
			s = health.Verdict{Status: health.Serving, Leader: i == w.leader}
		}
		if i == w.mute {
			s = health.Verdict{Status: health.Unknown, Reason: "no answer"}
		}
		v.Members[name(i)] = s
	}
	return v
}

func name(i int) string { return fmt.Sprintf("m%d", i+1) }

// observed is the world as a plan's input: git wants "new".
func (w *world) observed() Input {
	c := newCluster(len(w.members))
	c.want("new")
	serving := w.serving()
	for i, m := range w.members {
		name := name(i)
		if m.ran == "" {
			c.fresh(name)
			continue
		}
		if m.disk != "old" {
			c.edit(name, m.disk)
			s := c.states[name]
			s.Record.Entries[zooFile(name, m.disk).Addr.String()] = mesh.RecordEntry{Digest: mesh.Digest(zooFile(name, m.disk).Attrs), State: mesh.Holds}
		}
		rec := c.states[name].Record.Services["zookeeper"]
		rec.Reads = map[string]string{cfg: mesh.DigestBytes([]byte(m.proc))}
		for _, k := range w.list(m.ran) {
			rec.Members = append(rec.Members, fmt.Sprintf("m%d", k+1))
		}
		c.states[name].Record.Services["zookeeper"] = rec
		switch {
		case m.proc == "":
			c.mode(name, "")
		case !serving[i]:
			c.mode(name, "broken")
		case i == w.leader:
			c.mode(name, "leader")
		default:
			c.mode(name, "follower")
		}
		if i == w.mute {
			c.states[name].Host.Answers = nil
		}
	}
	outages := len(w.members) * 2
	c.policy.Limits.Outages = &outages
	return c.input()
}

// run carries out one plan as the executor does, until it ends or something stops it.
func (w *world) run() {
	p := Build(w.observed())
	if !p.Applicable {
		w.trace = append(w.trace, "refused: "+codes(p))
		return
	}
	for _, s := range p.Stages {
		for _, b := range s.Batches {
			if w.dead || !w.batch(b) {
				return
			}
		}
	}
}

func (w *world) batch(b Batch) bool {
	var hosts []string
	for _, t := range b.Targets {
		hosts = append(hosts, t.Name)
	}
	w.tick("look before " + fmt.Sprint(hosts))
	w.looked = w.serving()
	served := w.view().Serving()
	for _, g := range b.Before {
		if ok, why := g.Holds(w.view(), hosts, nil); !ok {
			w.trace = append(w.trace, "stopped: "+why)
			return false
		}
	}
	for _, t := range b.Targets {
		if !w.host(b, t) {
			return false
		}
	}
	w.tick("look after " + fmt.Sprint(hosts))
	for _, g := range b.After {
		if ok, why := g.Holds(w.view(), hosts, served); !ok {
			w.trace = append(w.trace, "stopped after: "+why)
			return false
		}
	}
	return true
}

// host writes and restarts on one host.
func (w *world) host(b Batch, t mesh.Target) bool {
	var i int
	if _, err := fmt.Sscanf(t.Name, "m%d", &i); err != nil {
		w.t.Fatal(err)
	}
	m := &w.members[i-1]
	if slices.ContainsFunc(b.Service, func(s ServiceStep) bool { return s.Target == t && s.Op == OpRestart }) || len(b.Changes) > 0 {
		w.tick("write " + t.Name)
		if w.dead {
			return false
		}
		m.disk = "new"
	}
	for _, s := range b.Service {
		if s.Target != t || s.Op == OpEnable {
			continue
		}
		if s.Op == OpRestart {
			w.stop(i - 1)
		}
		w.tick(string(s.Op) + " " + t.Name)
		if w.dead {
			return false
		}
		if w.fault.kind == "fail" && w.fault.at == w.step-1 {
			w.trace = append(w.trace, t.Name+" does not start")
			return false
		}
		m.proc, m.ran = m.disk, m.disk
		delete(w.byUs, i-1)
	}
	return true
}

// stop takes a member down, and holds meshsync to its promise: it has just seen that
// afterwards a majority serves. What dies after that look is not its doing.
func (w *world) stop(i int) {
	served := w.members[i].proc != "" && w.looked[i]
	w.members[i].proc = ""
	w.byUs[i] = true
	for j, m := range w.members {
		if j != i && m.proc != "" && served && w.looked[j] && len(w.members) > 2 && !w.goesOn(j, i) {
			w.t.Fatalf("%s lost its majority by meshsync's hand: %v", name(j), w.trace)
		}
	}
	if len(w.byUs) > 1 && served {
		w.t.Fatalf("two members are down by meshsync's hand: %v", w.trace)
	}
}

// goesOn reports whether j's list has a majority of members that served at the last look, without i.
func (w *world) goesOn(j, i int) bool {
	n, list := 0, w.list(w.members[j].proc)
	for _, k := range list {
		if k != i && w.looked[k] {
			n++
		}
	}
	return n > len(list)/2
}

// explore runs from one start with one fault, then again until nothing is left to do.
func explore(t *testing.T, start []member, f fault) (steps int) {
	t.Helper()
	return exploreLists(t, start, nil, f)
}

func exploreLists(t *testing.T, start []member, lists map[string][]int, f fault) (steps int) {
	t.Helper()
	w := &world{t: t, members: slices.Clone(start), fault: f, byUs: map[int]bool{}, mute: f.mute - 1, leader: -1, lists: lists}
	w.run()
	steps = w.step
	w.mute = -1
	for range 4 {
		w.dead, w.fault, w.byUs = false, fault{at: -1}, map[int]bool{}
		w.run()
	}
	for i, m := range w.members {
		if m.proc != "new" {
			t.Fatalf("m%d never comes to run with what git wants: %v\n%v", i+1, w.members, w.trace)
		}
	}
	if p := Build(w.observed()); !p.Empty {
		t.Fatalf("the plan after it is not empty: %s %v", ops(p), w.trace)
	}
	return steps
}

// starts are the states from which a roll may begin: all serve, one is down, one is
// new already, all are down.
func starts(n int) [][]member {
	all := func(m member) []member {
		out := make([]member, n)
		for i := range out {
			out[i] = m
		}
		return out
	}
	out := [][]member{all(member{"old", "old", "old"}), all(member{"old", "", "old"}), all(member{"new", "old", "old"})}
	for i := range n {
		for _, m := range []member{{"old", "", "old"}, {"new", "old", "old"}, {"new", "new", "new"}, {"new", "", "old"}} {
			s := all(member{"old", "old", "old"})
			s[i] = m
			out = append(out, s)
		}
	}
	return out
}

func TestEveryFaultAtEveryStepIsSafeAndMended(t *testing.T) {
	t.Parallel()
	runs := 0
	for _, n := range []int{1, 3, 5} {
		for _, s := range starts(n) {
			last := explore(t, s, fault{at: -1})
			for at := range last {
				for _, kind := range []string{"crash", "fail"} {
					explore(t, s, fault{at: at, kind: kind})
					runs++
				}
				for m := range n {
					explore(t, s, fault{at: at, member: m, kind: "kill"})
					explore(t, s, fault{at: at, member: m, kind: "mute"})
					runs += 2
				}
			}
			for mute := range n % 5 { // of 5 members it takes long and shows nothing more
				for at := range last {
					for m := range n {
						explore(t, s, fault{at: at, member: m, kind: "kill", mute: mute + 1})
						runs++
					}
				}
			}
		}
	}
	t.Logf("%d runs, each with one fault, some with a mute member", runs)
}

func TestWithoutItsGateARollLosesTheQuorum(t *testing.T) {
	t.Parallel()
	lost := false
	s := starts(3)[0]
	for at := range 12 {
		for m := range 3 {
			w := &world{t: t, members: slices.Clone(s), fault: fault{at: at, member: m, kind: "kill"}, byUs: map[int]bool{}, mute: -1, leader: -1}
			p := Build(w.observed())
			for _, b := range p.Stages[0].Batches {
				for _, target := range b.Targets { // the same order, and nobody looks
					w.tick("restart " + target.Name)
					i := slices.Index([]string{"m1", "m2", "m3"}, target.Name)
					w.members[i].proc = ""
					lost = lost || !slices.Contains(w.serving(), true)
					w.members[i] = member{"new", "new", "new"}
				}
			}
		}
	}
	if !lost {
		t.Error("the exploration would not notice a missing gate")
	}
}
