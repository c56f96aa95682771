package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// constraint is one of an app: what of an agent it is about, the operator, and its value.
type constraint struct{ field, operator, value string }

func (c constraint) String() string {
	return strings.TrimSpace(c.field + " " + c.operator + " " + c.value)
}

// hostConstraints are those of an app that are about the host of a task.
func hostConstraints(app mesh.Tree) []constraint {
	var out []constraint
	list, _ := app["constraints"].([]any)
	for _, x := range list {
		parts, _ := x.([]any)
		var text [3]string
		for i := range min(len(parts), len(text)) {
			text[i], _ = parts[i].(string)
		}
		if text[0] == "hostname" || text[0] == "@hostname" {
			out = append(out, constraint{text[0], text[1], text[2]})
		}
	}
	return out
}

// unmeetable warns of an app that is to have more tasks than its constraints allow on the agents that
// the mesh has. Agents that the mesh does not know may be there, so it is no refusal.
func (b *builder) unmeetable(c diff.Change) {
	constraints := hostConstraints(c.After)
	if len(constraints) == 0 {
		return
	}
	agents, n := b.agents(), instances(c.After)
	for _, x := range constraints {
		switch per := x.perHost(); {
		case len(agents) == 0: // the mesh knows nothing of them
		case per > 0 && n > per*len(agents):
			code, where := "app.max_per", fmt.Sprintf("at most %d on one host (%s)", per, x)
			if x.operator == "UNIQUE" {
				code, where = "app.unique", "each on a host of its own (UNIQUE)"
			}
			b.warn(c, code,
				fmt.Sprintf("app %s wants %s, %s, and the mesh has %s: %d wait for ever, and so does the deployment", c.Addr.Name, tasks(n), where, agentsText(len(agents)), n-per*len(agents)),
				"write fewer instances, or more tasks per host (MAX_PER); if there are agents that the mesh does not know, this is none")
		case n > 0 && x.names() && !slices.ContainsFunc(agents, func(h mesh.HostSpec) bool { return x.meant(h) }):
			b.warn(c, "app.nowhere",
				fmt.Sprintf("app %s wants its tasks on the host %s (%s), and no agent of the mesh is called so: all wait for ever, and so does the deployment", c.Addr.Name, x.value, x),
				"write the name that the agent tells Mesos (--hostname); if there is an agent that the mesh does not know, this is none")
		}
	}
}

func agentsText(n int) string {
	if n == 1 {
		return "1 agent"
	}
	return fmt.Sprintf("%d agents", n)
}

// perHost is how many tasks may be on one host; 0 where that is not what it limits.
func (c constraint) perHost() int {
	switch c.operator {
	case "UNIQUE":
		return 1
	case "MAX_PER":
		n, _ := strconv.Atoi(c.value)
		return n
	default:
		return 0
	}
}

// names reports whether it names one host.
func (c constraint) names() bool {
	return c.value != "" && (c.operator == "CLUSTER" || c.operator == "IS")
}

// meant reports whether a host may call itself so to Mesos: by the name or address that the mesh has for it, or one of them in
// a domain.
func (c constraint) meant(h mesh.HostSpec) bool {
	return c.value == h.Name || c.value == h.Address || strings.HasPrefix(c.value, h.Name+".") || strings.HasPrefix(h.Address, c.value+".")
}

// agents lists the hosts on which git wants a Mesos agent to run.
func (b *builder) agents() []mesh.HostSpec {
	var out []mesh.HostSpec
	for _, r := range b.in.Mesh.Resources {
		if r.Addr.Kind != mesh.Service || r.Addr.Name != "mesos-slave" && r.Addr.Name != "mesos-agent" || r.Attrs["running"] != true {
			continue
		}
		h := mesh.HostSpec{Name: r.Addr.Target.Name}
		if i := slices.IndexFunc(b.in.Mesh.Hosts, func(x mesh.HostSpec) bool { return x.Name == h.Name }); i >= 0 {
			h = b.in.Mesh.Hosts[i]
		}
		out = append(out, h)
	}
	return out
}
