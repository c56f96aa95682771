package hostd

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// members makes a world with n ZooKeepers that know each other and are not running yet.
func members(n int) (*World, []*zooKeeper) {
	w := &World{timing: Timing{Election: time.Hour}.orDefaults(), hosts: map[string]*Host{}, agents: map[*agent]struct{}{}}
	all := make([]*zooKeeper, n)
	for i := range all {
		h := &Host{world: w, name: fmt.Sprintf("m%d", i+1)}
		all[i] = &zooKeeper{unit: &unit{host: h, name: "zookeeper"}, id: i + 1, members: map[int]string{}, observers: map[int]bool{}}
		for j := range n {
			all[i].members[j+1] = fmt.Sprintf("10.0.0.%d:2888:3888", 11+j)
		}
	}
	return w, all
}

// TestEnsemblesNeverSplit starts and stops members in any order. After the election, all
// that run serve when they are a majority, nobody does otherwise, one leads, and who led
// goes on while it runs and has a majority.
func TestEnsemblesNeverSplit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 7).Draw(t, "members")
		w, all := members(n)
		running := map[int]bool{}
		leader := 0
		now := time.Unix(1_000_000_000, 0)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			i := rapid.IntRange(0, n-1).Draw(t, "member")
			now = now.Add(2 * time.Hour)
			if running[i] {
				all[i].leads = false
				w.zookeeper = without(w.zookeeper, all[i])
			} else {
				w.zookeeper = append(w.zookeeper, all[i])
			}
			running[i] = !running[i]
			w.elect(now)
			now = now.Add(2 * time.Hour)
			leader = checkEnsemble(t, w, all, running, leader, now)
		}
	})
}

func without(list []*zooKeeper, z *zooKeeper) []*zooKeeper {
	var out []*zooKeeper
	for _, o := range list {
		if o != z {
			out = append(out, o)
		}
	}
	return out
}

// checkEnsemble returns the id of who leads now; 0 is nobody.
func checkEnsemble(t *rapid.T, w *World, all []*zooKeeper, running map[int]bool, before int, now time.Time) int {
	n, up, serving, leader := len(all), 0, 0, 0
	for i, z := range all {
		if running[i] {
			up++
		}
		mode := w.modeOf(z, now)
		if mode != "" && !running[i] {
			t.Fatalf("m%d does not run and says %s", i+1, mode)
		}
		if mode != "" {
			serving++
		}
		if mode == "leader" {
			if leader != 0 {
				t.Fatalf("m%d and m%d lead", leader, i+1)
			}
			leader = i + 1
		}
	}
	want := 0
	if up > n/2 {
		want = up
	}
	if serving != want || (leader != 0) != (want > 0) {
		t.Fatalf("of %d members %d run, %d serve, m%d leads", n, up, serving, leader)
	}
	if before != 0 && running[before-1] && want > 0 && leader != before {
		t.Fatalf("m%d led and runs, and m%d took over", before, leader)
	}
	return leader
}

// Seen of ZooKeeper 3.8.0: a new member with the list that has it follows at once, though
// nobody else knows of it; one that got a list without the leader serves no more.
func TestListsThatDiffer(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000_000, 0)
	modes := func(w *World, all []*zooKeeper) string {
		w.elect(now)
		now = now.Add(2 * time.Hour)
		text := ""
		for _, z := range all {
			text += w.modeOf(z, now) + " "
		}
		return text
	}
	w, all := members(4)
	for _, z := range all[:3] { // the old ones do not know of m4
		delete(z.members, 4)
		w.zookeeper = append(w.zookeeper, z)
	}
	if got := modes(w, all[:3]); got != "follower follower leader " {
		t.Fatal(got)
	}
	w.zookeeper = append(w.zookeeper, all[3])
	if got := modes(w, all); got != "follower follower leader follower " {
		t.Errorf("a new member: %s", got)
	}
	for _, z := range all[:3] { // they learn of it, the leader last
		restartWith(w, z, func() { z.members[4] = all[3].members[4] })
		modes(w, all)
	}
	if got := modes(w, all); got != "follower follower follower leader " {
		t.Errorf("all know of it: %s", got)
	}
	restartWith(w, all[0], func() { delete(all[0].members, 4) })
	if got := modes(w, all); got != " follower follower leader " {
		t.Errorf("a list without the leader: %s", got)
	}
}

func restartWith(w *World, z *zooKeeper, change func()) {
	z.leads = false
	w.zookeeper = without(w.zookeeper, z)
	w.elect(time.Unix(1_000_000_000, 0))
	change()
	w.zookeeper = append(w.zookeeper, z)
}
