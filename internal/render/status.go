package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/status"
)

// Status writes how a cluster is, for who has to mend it: what is wrong comes first, then what nobody
// knows, then all the rest in a line each.
func Status(w io.Writer, d StatusDocument, o Options) error {
	t := &printer{w: w, o: o}
	if d.Sandbox {
		t.line("%s", t.paint(bold, "SANDBOX: no real cluster is involved"))
	}
	t.line("%s", t.paint(bold, "status of "+safe(d.Mesh)+" at "+safe(d.At)))
	t.health(d.Status)
	t.findings("WRONG", red, d.Wrong)
	t.findings("NOT KNOWN", yellow, d.Unseen)
	t.line("")
	t.groups(d.Groups)
	for _, m := range d.Marathons {
		t.marathon(m)
	}
	t.leases(d.Leases)
	t.processes("stale: "+count(len(d.Stale), "process")+" with old input, healthy all the same", d.Stale)
	t.processes("unsure: "+count(len(d.Unsure), "process")+" that may have old input", d.Unsure)
	if !d.Healthy {
		t.line("next: meshsync plan%s says what apply would start, and what differs from git", t.o.Flags)
	}
	return t.err
}

// health is the answer in one line.
func (t *printer) health(s status.Status) {
	unknown := ""
	if !s.Complete {
		unknown = fmt.Sprintf("; %s not known", isAre(len(s.Unseen), "thing"))
	}
	switch {
	case !s.Healthy:
		t.line("%s.", t.paint(red, fmt.Sprintf("NOT HEALTHY: %s wrong%s", isAre(len(s.Wrong), "thing"), unknown)))
	case !s.Complete:
		t.line("%s.", t.paint(yellow, "INCOMPLETE: nothing that was seen is wrong"+unknown))
	default:
		t.line("%s.", t.paint(green, "Healthy"))
	}
}

// isAre is "1 thing is", "2 things are".
func isAre(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return count(n, noun) + " are"
}

func (t *printer) findings(title, color string, list []status.Finding) {
	if len(list) == 0 {
		return
	}
	t.line("")
	t.line("%s", t.paint(color, title))
	for _, f := range list {
		t.line("  %s: %s", safe(f.Subject), safe(f.Message))
		if f.Do != "" {
			t.line("      to do: %s", safe(f.Do))
		}
	}
}

// groups has one line for a service, and its members where not all of them serve.
func (t *printer) groups(list []status.Group) {
	width := 0
	for _, g := range list {
		width = max(width, len(g.Name))
	}
	for _, g := range list {
		t.line("%s%s  %s", g.Name, strings.Repeat(" ", width-len(g.Name)), groupText(g))
		if g.Serving == g.Of && len(g.Leaders) < 2 && !t.o.Full {
			continue
		}
		for _, m := range g.Members {
			t.line("    %s: %s", m.Host, t.memberText(m))
		}
	}
}

// groupText is "3 of 3 serve, 2 must; leader m2 with 2 agents".
func groupText(g status.Group) string {
	text := fmt.Sprintf("%d of %d serve", g.Serving, g.Of)
	if g.Quorum > 0 {
		text += fmt.Sprintf(", %d must", g.Quorum)
	}
	switch {
	case len(g.Leaders) == 1:
		text += "; leader " + g.Leaders[0]
	case len(g.Leaders) > 1:
		text += "; leaders " + strings.Join(g.Leaders, ", ")
	case health.TellsLeader(g.Check):
		text += "; no leader"
	}
	for _, m := range g.Members {
		if n, ok := m.Numbers[health.AgentsActive]; ok {
			text += " with " + count(n, "agent")
		}
		if n := m.Numbers[health.AgentsUnreachable]; n > 0 {
			text += fmt.Sprintf(" and %d unreachable", n)
		}
	}
	return text
}

func (t *printer) memberText(m status.Member) string {
	words := map[health.Status]string{
		health.Serving: "serves", health.NotServing: t.paint(red, "does not serve"), health.Unknown: t.paint(yellow, "is not known"),
	}
	text := words[m.Status] + ifText(m.Leader, ", leads")
	return text + ifText(m.Reason != "", ": "+safe(m.Reason))
}

// marathon has a line for the Marathon, one for each app that is not as it should be or that a deployment
// changes, and one for each deployment.
func (t *printer) marathon(m status.Marathon) {
	if m.Outcome != mesh.OK {
		t.line("marathon/%s  %s: %s", m.Name, m.Outcome, safe(m.Message))
		return
	}
	healthy, managed, running, wanted := 0, 0, 0, 0
	for _, a := range m.Apps {
		if !a.Managed {
			continue
		}
		managed++
		running, wanted = running+a.Running, wanted+a.Wanted
		if a.OK {
			healthy++
		}
	}
	t.line("marathon/%s  %s%s: %d of %s healthy, %d of %s run%s", m.Name, safe(m.Version), ifText(m.Leader != "", ", leader "+safe(m.Leader)),
		healthy, count(managed, "app"), running, count(wanted, "task"), ifText(len(m.Apps) > managed, fmt.Sprintf("; %s not in git", count(len(m.Apps)-managed, "other app"))))
	for _, a := range m.Apps {
		if !a.OK || a.Deploying || a.Outdated > 0 || t.o.Full {
			t.line("    %s: %s%s", safe(a.ID), appText(a), ifText(!a.Managed, " (not in git)"))
		}
	}
	for _, d := range m.Deployments {
		t.line("    deployment %s", safe(status.DeploymentText(d)))
	}
}

func appText(a status.App) string {
	if !a.There {
		return "is not there"
	}
	return a.Text()
}

// leases tells who is at work, a line for each run.
func (t *printer) leases(list []status.Lease) {
	if len(list) == 0 {
		t.line("leases: none is held")
		return
	}
	on := map[string][]string{}
	for _, l := range list {
		on[l.Run] = append(on[l.Run], l.Target.String())
	}
	for _, l := range list {
		if targets := on[l.Run]; targets != nil {
			t.line("leases: %s by the run %s of %s%s, which %s", names(targets, t.o.Full), safe(l.Run), safe(l.Who), ifText(l.Job != "", " ("+safe(l.Job)+")"), leaseEnd(l))
			delete(on, l.Run)
		}
	}
}

// leaseEnd says of a run whether it is at work, as far as can be told, and when its lease ends.
func leaseEnd(l status.Lease) string {
	switch {
	case l.Ended:
		return "was killed here: the next apply from this machine takes the lease at once"
	case l.Seconds == 0:
		return "is at work or was killed; when the lease ends is not known"
	default:
		return "is at work or was killed; unless it renews the lease, that ends in " + (time.Duration(l.Seconds) * time.Second).String()
	}
}

// processes lists those that run with old input, or may; where there are none there is nothing to say.
func (t *printer) processes(title string, list []plan.Evidence) {
	if len(list) == 0 {
		return
	}
	t.line("%s", title)
	for _, e := range list {
		t.line("    %s of %s: %s", safe(e.Unit), e.Target.Name, safe(e.Message))
	}
}
