package render

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// effectGroup is one kind of effect on one subject, on any number of hosts.
type effectGroup struct {
	kind     plan.EffectKind
	subject  string
	hosts    []string
	n        int
	causes   []string
	stays    []string // what stays up meanwhile, in words
	observed bool
	marathon string // of an app, where there are several
}

// groupEffects joins effects of the same kind on the same subject, in their order. Apps of
// the same id on two Marathons are two subjects.
func groupEffects(p plan.Plan) []effectGroup {
	at := map[string]int{}
	var out []effectGroup
	for _, e := range p.Effects {
		one := effectGroup{kind: e.Kind, subject: e.Subject}
		if e.Target.Kind == mesh.MarathonTarget && len(p.Marathons) > 1 {
			one.marathon = e.Target.Name
		}
		key := string(one.kind) + "\x00" + one.subject + "\x00" + one.marathon
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, one)
		}
		g := &out[i]
		g.hosts = append(g.hosts, e.Target.Name)
		g.n += e.Count
		g.causes = append(g.causes, e.Because...)
		if e.Capacity != nil {
			g.stays = append(g.stays, capacityText(*e.Capacity))
		}
		g.observed = g.observed || e.Observed
	}
	return out
}

func (g effectGroup) text(full bool) string {
	subject := safe(g.subject)
	hosts := names(sortedUnique(g.hosts), full)
	switch g.kind {
	case plan.Outage:
		return fmt.Sprintf("OUTAGE of %s: it does not serve while %s restarts", subject, hosts)
	case plan.TaskRestart:
		return "RESTART " + g.tasks()
	case plan.TaskStart:
		return "start " + g.tasks()
	case plan.TaskStop:
		return "stop " + g.tasks()
	default:
		verb := string(g.kind)
		if g.kind == plan.Restart || g.kind == plan.Stop {
			verb = strings.ToUpper(verb)
		}
		return fmt.Sprintf("%s %s on %s", verb, subject, hosts)
	}
}

func (g effectGroup) tasks() string {
	text := fmt.Sprintf("%s of %s", count(g.n, "task"), safe(g.subject))
	return text + ifText(g.marathon != "", " on "+g.marathon)
}

func (g effectGroup) color() string {
	switch g.kind {
	case plan.Outage:
		return red
	case plan.Restart, plan.Stop, plan.TaskRestart, plan.TaskStop:
		return yellow
	default:
		return green
	}
}

// because lists the causes once each; addresses of the services themselves say nothing new.
func (g effectGroup) because(full bool) []string {
	var paths []string
	for _, c := range sortedUnique(g.causes) {
		if !strings.Contains(c, "/service:") {
			paths = append(paths, safe(c))
		}
	}
	if len(paths) == 0 {
		return nil
	}
	verb := "changes"
	switch {
	case g.observed:
		return paths
	case g.kind == plan.Outage:
		return paths[:1]
	case len(paths) > 1:
		verb = "change"
	}
	return []string{names(paths, full) + " " + verb}
}

// capacityText says what stays up while tasks are replaced.
func capacityText(c plan.Capacity) string {
	if c.Stay == 0 {
		return fmt.Sprintf("all %d may be down meanwhile, at most %d run at once", c.Of, c.Most)
	}
	stay := "keep running"
	if c.Checked {
		stay = "stay healthy"
	}
	return fmt.Sprintf("at least %d of %d %s meanwhile, at most %d run at once", c.Stay, c.Of, stay, c.Most)
}
