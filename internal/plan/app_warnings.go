package plan

import (
	"fmt"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// warnOfApp tells what a change of an app costs, or may come to, that is not plain from it.
func (b *builder) warnOfApp(c diff.Change, e AppEffect) {
	if e.Restarts > 0 && e.Harmless {
		b.warn(c, "app.harmless",
			fmt.Sprintf("app %s: a change of %s alone costs %s: Marathon replaces all tasks for any field but instances, also where nothing changes of what they run",
				c.Addr.Name, strings.Join(restarting(e.Because), ", "), restarts(e.Restarts)),
			"to let it wait for a change that restarts the app anyway: --exclude '"+c.Addr.String()+"'")
	}
	for _, w := range e.Warnings {
		b.warn(c, w.Code, w.Message, w.Hint)
	}
	b.staleAfterScaling(c, e)
	b.moreThanAgents(c)
}

// staleAfterScaling warns of tasks of an older configuration that stay as they are.
func (b *builder) staleAfterScaling(c diff.Change, e AppEffect) {
	if c.App == nil || c.App.TasksOutdated == 0 || e.Restarts > 0 || c.After == nil || c.Action == diff.Finish || len(c.App.Deployments) > 0 {
		return
	}
	b.warn(c, "app.stale",
		fmt.Sprintf("app %s: %s of an older configuration than it has, which this change does not replace", c.Addr.Name, tasks(c.App.TasksOutdated)),
		"plan again once it is applied: that plan restarts them")
}

// moreThanAgents warns of an app that is to have each task on another host, and more of them
// than the mesh has agents. Agents that the mesh does not know may be there, so it is no refusal.
func (b *builder) moreThanAgents(c diff.Change) {
	agents := b.agents()
	n := instances(c.After)
	if agents == 0 || n <= agents || !onePerHost(c.After) {
		return
	}
	b.warn(c, "app.unique",
		fmt.Sprintf("app %s wants %d tasks, each on a host of its own (UNIQUE), and the mesh has %d agents: %d wait for ever, and so does the deployment", c.Addr.Name, n, agents, n-agents),
		"write fewer instances, or MAX_PER; if there are agents that the mesh does not know, this is none")
}

// onePerHost reports whether no two tasks of an app may be on one host.
func onePerHost(app mesh.Tree) bool {
	constraints, _ := app["constraints"].([]any)
	return slices.ContainsFunc(constraints, func(x any) bool {
		c, _ := x.([]any)
		return len(c) >= 2 && (c[0] == "hostname" || c[0] == "@hostname") && c[1] == "UNIQUE"
	})
}

// agents counts the hosts on which git wants a Mesos agent to run.
func (b *builder) agents() int {
	n := 0
	for _, r := range b.in.Mesh.Resources {
		if r.Addr.Kind == mesh.Service && (r.Addr.Name == "mesos-slave" || r.Addr.Name == "mesos-agent") && r.Attrs["running"] == true {
			n++
		}
	}
	return n
}

func (b *builder) warn(c diff.Change, code, message, hint string) {
	b.plan.Warnings = append(b.plan.Warnings, Warning{Code: code, Subject: c.Addr.String(), Message: message, Hint: hint})
}

func restarts(n int) string {
	if n == 1 {
		return "1 restart"
	}
	return fmt.Sprintf("%d restarts", n)
}
