package status

import (
	"fmt"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/health"
)

// ensembleFindings tells what is wrong with an ensemble. A member of which nobody knows may
// serve, so that a quorum counts as lost only where it is without all of those, too.
func (b *builder) ensembleFindings(g Group) {
	down, unknown := g.with(health.NotServing), g.with(health.Unknown)
	if g.Serving+g.Unknown < g.Quorum {
		b.wrong(QuorumLost, g.Name, fmt.Sprintf("it has no quorum: %s; not serving: %s", g.count(), list(down)), g.look())
	} else if len(down) > 0 {
		b.wrong(MembersDown, g.Name, fmt.Sprintf("%s: %s; not serving: %s", g.count(), g.spare(), list(down)), g.look())
	}
	switch {
	case len(g.Leaders) > 1:
		b.wrong(LeadersSeveral, g.Name, fmt.Sprintf("%d members say that they lead: %s", len(g.Leaders), list(g.Leaders)),
			"restart nothing: one of them does not know the others; meshsync plan shows whose files are not as git says")
	case len(g.Leaders) == 0 && g.Unknown == 0 && g.Serving >= g.Quorum && health.TellsLeader(g.Check):
		b.wrong(LeaderNone, g.Name, g.count()+", and none of them leads", "an election takes seconds: look again, then at the logs of all members")
	}
	if apart := g.apart(); len(apart) > 0 {
		b.wrong(MembersApart, g.Name, "all serve, and not each one sees all others: "+list(apart),
			"a member that has just started takes seconds to see the others: look again; then compare their files with git by meshsync plan")
	}
	if len(unknown) > 0 {
		b.unseen(Unknown, g.Name, fmt.Sprintf("%s, and of %d nobody knows: %s", g.count(), g.Unknown, list(unknown)), "")
	}
}

// apart are the members that see another number of replicas than there are, where all of them serve: a
// master is well by itself in a cluster of its own, too.
func (g Group) apart() []string {
	var out []string
	for _, m := range g.Members {
		if n, says := m.Numbers[health.Replicas]; says && n != g.Of && g.Serving == g.Of {
			out = append(out, fmt.Sprintf("%s (sees %d of %d)", m.Host, n, g.Of))
		}
	}
	return out
}

func (b *builder) serviceFindings(g Group) {
	if down := g.with(health.NotServing); len(down) > 0 {
		b.wrong(ServiceDown, g.Name, fmt.Sprintf("%s; not serving: %s", g.count(), list(down)), g.look())
	}
	// A host that could not be observed was told already.
	g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(m Member) bool { return b.notSeen(m.Host) != "" })
	if unknown := g.with(health.Unknown); len(unknown) > 0 {
		b.unseen(Unknown, g.Name, fmt.Sprintf("%s, and of %d nobody knows: %s", g.count(), len(unknown), list(unknown)), "")
	}
}

// agents compares how many agents say that they are registered with how many the leading master has.
// It may have more: those that git does not name.
func (b *builder) agents() {
	said, of := 0, 0
	var has *int
	for _, g := range b.status.Groups {
		switch g.Check {
		case "mesos.agent":
			said, of = said+g.Serving, of+g.Of
		case "mesos.masters":
			has = g.agents()
		}
	}
	if has != nil && *has < said {
		b.wrong(AgentsLost, "mesos-master", fmt.Sprintf("the leading master has %d of %d agents, and %d say that they are registered", *has, of, said),
			"an agent takes seconds to register with a new leader: look again")
	}
}

// agents is how many the only leader of the group has; nil where it does not say.
func (g Group) agents() *int {
	for _, m := range g.Members {
		if n, says := m.Numbers[health.AgentsActive]; says && m.Leader && len(g.Leaders) == 1 {
			return &n
		}
	}
	return nil
}

// count is "2 of 3 serve", of an ensemble with how many must.
func (g Group) count() string {
	text := fmt.Sprintf("%d of %d serve", g.Serving, g.Of)
	if g.Quorum > 0 {
		text += fmt.Sprintf(", and %d must", g.Quorum)
	}
	return text
}

// spare is how many more members may stop.
func (g Group) spare() string {
	switch n := g.Serving - g.Quorum; {
	case n <= 0:
		return "no other may stop"
	case n == 1:
		return "one more may stop"
	default:
		return fmt.Sprintf("%d more may stop", n)
	}
}

// look is where to look for why it does not serve.
func (g Group) look() string {
	return fmt.Sprintf("journalctl -u %s on %s; meshsync plan shows what apply would start", g.Unit, list(g.hosts(health.NotServing)))
}

// list joins names; beyond a handful only their number is told.
func list(names []string) string {
	const shown = 8
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown-2], ", "), len(names)-(shown-2))
}
