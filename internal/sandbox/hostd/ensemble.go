package hostd

import (
	"slices"
	"strings"
	"time"
)

// voters lists the ids that count for the majority.
func (z *zooKeeper) voters() []int {
	var out []int
	for id := range z.members {
		if !z.observers[id] {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// standalone reports whether the server runs alone: with less than two server lines it
// does so without a word of warning.
func (z *zooKeeper) standalone() bool { return len(z.members) < 2 }

// agrees reports whether two servers find each other: each has the other's id in its list,
// under the address that the other has for itself.
func (z *zooKeeper) agrees(o *zooKeeper) bool {
	return z.id != o.id && z.knows(o) && o.knows(z)
}

// following lists the servers that would follow z. The world is locked.
func (w *World) following(z *zooKeeper) []*zooKeeper {
	var out []*zooKeeper
	ids := map[int]bool{}
	for _, o := range w.zookeeper {
		if o != z && !o.standalone() && !o.broken() && !ids[o.id] && z.agrees(o) {
			ids[o.id] = true
			out = append(out, o)
		}
	}
	return out
}

// broken reports whether a fault keeps the server out of every ensemble.
func (z *zooKeeper) broken() bool { return z.unit.neverServes() }

// canLead reports whether a majority of z's voters would be connected to it. The world is locked.
func (w *World) canLead(z *zooKeeper) bool {
	if z.standalone() || z.broken() || z.observers[z.id] {
		return false
	}
	return z.majority(w.following(z))
}

// wins reports whether a majority of z's voters would elect it now: those that follow another
// leader stay with it. The world is locked.
func (w *World) wins(z *zooKeeper) bool {
	free := slices.DeleteFunc(w.following(z), func(o *zooKeeper) bool { return w.leaderOf(o) != nil })
	return w.canLead(z) && w.leaderOf(z) == nil && z.majority(free)
}

// majority reports whether z and these, which are in its list, are a majority of its voters.
func (z *zooKeeper) majority(others []*zooKeeper) bool {
	n := 1
	for _, o := range others {
		if !z.observers[o.id] {
			n++
		}
	}
	return n > len(z.voters())/2
}

// elect brings ZooKeeper's leadership up to date after a server came or went: who leads
// stays while a majority is with it; otherwise the highest id takes over, after a while.
// The world is locked.
func (w *World) elect(now time.Time) {
	for _, z := range w.zookeeper {
		if z.leads && !w.canLead(z) {
			z.leads = false
		}
	}
	candidates := slices.Clone(w.zookeeper)
	slices.SortFunc(candidates, func(a, b *zooKeeper) int { return b.id - a.id })
	for _, z := range candidates {
		if !z.leads && w.wins(z) {
			z.leads, z.serves = true, now.Add(w.timing.Election)
			w.later(w.timing.Election, w.settle) // then the masters have sessions again
		}
	}
}

// settle brings all clusters up to date. The world is locked.
func (w *World) settle(now time.Time) {
	w.elect(now)
	w.electMasters(now)
}

// leaderOf finds the leader that z follows, or z itself when it leads. The world is locked.
func (w *World) leaderOf(z *zooKeeper) *zooKeeper {
	if z.leads {
		return z
	}
	for _, o := range w.zookeeper {
		if o.leads && (slices.Contains(w.following(o), z) || w.joins(z, o)) {
			return o
		}
	}
	return nil
}

// joins reports whether z follows a leader that does not know of it: who leads takes anybody
// in and does not count a stranger's vote, and z follows whom a majority of its own list is
// with. So does a new member before the others have a list with it. The world is locked.
func (w *World) joins(z, leader *zooKeeper) bool {
	if z.standalone() || z.broken() || leader.members[z.id] != "" || !z.knows(leader) {
		return false
	}
	with := 1 // the leader
	for _, o := range w.following(leader) {
		if z.knows(o) && !z.observers[o.id] {
			with++
		}
	}
	return with > len(z.voters())/2
}

// knows reports whether the other one is in z's list under the address that it has for itself.
func (z *zooKeeper) knows(o *zooKeeper) bool {
	return z.members[o.id] != "" && z.members[o.id] == o.members[o.id]
}

// mode is what srvr calls the server's part; "" when it does not serve.
func (z *zooKeeper) mode() string {
	w := z.unit.host.world
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.modeOf(z, time.Now())
}

// modeOf is mode with the world locked.
func (w *World) modeOf(z *zooKeeper, now time.Time) string {
	if !slices.Contains(w.zookeeper, z) || z.broken() {
		return ""
	}
	if z.standalone() {
		return "standalone"
	}
	w.elect(now) // a fault may have changed who can lead
	leader := w.leaderOf(z)
	switch {
	case leader == nil || now.Before(leader.serves):
		return ""
	case leader == z:
		return "leader"
	case z.observers[z.id]:
		return "observer"
	default:
		return "follower"
	}
}

// zooKeeperServes reports whether a client on host h with this list of servers
// (host:port,…) gets a session. The world is locked.
func (w *World) zooKeeperServes(h *Host, servers string, now time.Time) bool {
	for server := range strings.SplitSeq(servers, ",") {
		name, port, _ := strings.Cut(server, ":")
		for _, z := range w.zookeeper {
			if (port == "" || port == z.get("clientPort")) && z.isAt(h, name) && w.modeOf(z, now) != "" {
				return true
			}
		}
	}
	return false
}

// isAt reports whether the server is the one that name means on host h.
func (z *zooKeeper) isAt(h *Host, name string) bool {
	if name == "" {
		return false
	}
	if name == "localhost" || strings.HasPrefix(name, "127.") {
		return z.unit.host == h
	}
	own, _, _ := strings.Cut(z.members[z.id], ":")
	if z.standalone() { // which asks for no id: its address is that of the only line, if there is one
		for _, line := range z.members {
			own, _, _ = strings.Cut(line, ":")
		}
	}
	return name == own || name == z.unit.host.name || name == z.unit.host.address
}
