package plan

import (
	"slices"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// list are the members that a process knows of which was started with that text.
func (w *world) list(text string) []int {
	if l, ok := w.lists[text]; ok {
		return l
	}
	var all []int
	for i := range w.members {
		all = append(all, i)
	}
	return all
}

// knows reports whether i runs and has j in its list.
func (w *world) knows(i, j int) bool {
	return w.members[i].proc != "" && slices.Contains(w.list(w.members[i].proc), j)
}

// follow counts, of the list of i, those who follow the leader z, z and i themselves included.
func (w *world) follow(z, i int) int {
	n := 0
	for _, j := range w.list(w.members[i].proc) {
		if w.members[j].proc != "" && (j == z || j == i || w.knows(j, z) && w.knows(z, j)) {
			n++
		}
	}
	return n
}

// elect brings the leadership up to date: who leads stays while a majority of its list is with it.
func (w *world) elect() {
	leads := func(z int) bool {
		return w.members[z].proc != "" && w.follow(z, z) > len(w.list(w.members[z].proc))/2
	}
	if w.leader >= 0 && leads(w.leader) {
		w.oneLeads(leads)
		return
	}
	w.leader = -1
	for z := range w.members {
		if leads(z) {
			w.leader = z
		}
	}
	w.oneLeads(leads)
}

// oneLeads fails where a second leader could be elected by members that the first one does not have.
func (w *world) oneLeads(leads func(int) bool) {
	for z := range w.members {
		if z == w.leader || w.leader < 0 || !leads(z) {
			continue
		}
		free := 0
		for _, j := range w.list(w.members[z].proc) {
			if w.knows(j, z) && (j == z || w.knows(z, j)) && !w.joined(j) {
				free++
			}
		}
		if free > len(w.list(w.members[z].proc))/2 {
			w.t.Fatalf("%s and %s lead: %v", name(w.leader), name(z), w.trace)
		}
	}
}

// joined reports whether a member is with the one that leads: it knows the leader, which takes in
// anybody, and a majority of its own list is there.
func (w *world) joined(i int) bool {
	return w.leader >= 0 && w.members[i].proc != "" &&
		(i == w.leader || w.knows(i, w.leader) && w.follow(w.leader, i) > len(w.list(w.members[i].proc))/2)
}

func (w *world) serving() []bool {
	w.elect()
	out := make([]bool, len(w.members))
	for i := range out {
		out[i] = w.joined(i)
	}
	return out
}

// fresh makes a host one on which nothing is yet.
func (c *cluster) fresh(host string) {
	s := c.states[host]
	c.mode(host, "")
	s.Record, s.RecordState = mesh.Record{}, mesh.RecordNone
	s.Absent = append(s.Absent, s.Resources[0].Addr)
	s.Resources[1].Attrs = mesh.MustTree(map[string]any{"enabled": false, "running": false})
	s.Resources = s.Resources[1:]
	s.Host.Reads = map[string]mesh.Read{cfg: {Digest: mesh.AbsentDigest}}
}

// growths are the states in which an ensemble of n-1 may be that becomes one of n: nothing is done yet, or a
// run ended somewhere in the middle.
func growths(n int) [][]member {
	start := make([]member, n)
	for i := range start {
		start[i] = member{"old", "old", "old"}
	}
	start[n-1] = member{}
	joined := slices.Clone(start)
	joined[n-1] = member{"new", "new", "new"}
	half := slices.Clone(joined)
	half[0] = member{"new", "new", "new"}
	down := slices.Clone(start)
	down[0] = member{"old", "", "old"}
	return [][]member{start, joined, half, down}
}

func TestGrowthIsSafeAndMended(t *testing.T) {
	t.Parallel()
	runs := 0
	for _, n := range []int{4, 5} {
		lists := map[string][]int{"old": []int{0, 1, 2, 3}[:n-1]}
		for _, s := range growths(n) {
			last := exploreLists(t, s, lists, fault{at: -1})
			for at := range last {
				for _, kind := range []string{"crash", "fail"} {
					exploreLists(t, s, lists, fault{at: at, kind: kind})
					runs++
				}
				for m := range n {
					exploreLists(t, s, lists, fault{at: at, member: m, kind: "kill"})
					exploreLists(t, s, lists, fault{at: at, member: m, kind: "mute"})
					runs += 2
				}
			}
		}
	}
	t.Logf("%d runs, each with one fault", runs)
}
