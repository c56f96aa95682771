package status

import (
	"fmt"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// Marathon is how one Marathon is, with its apps.
type Marathon struct {
	Name    string       `json:"name"`
	Outcome mesh.Outcome `json:"outcome"` // all below is empty where it is not ok
	Message string       `json:"message,omitempty"`
	URL     string       `json:"url,omitempty"` // that answered
	Version string       `json:"version,omitempty"`
	Leader  string       `json:"leader,omitempty"` // as it calls itself

	Apps        []App             `json:"apps"`        // those of git, and all others that it has; sorted by id
	Deployments []mesh.Deployment `json:"deployments"` // that are under way
}

// App is how one app is.
type App struct {
	ID      string `json:"id"`
	Managed bool   `json:"managed"` // git names it; others never make a cluster unhealthy
	There   bool   `json:"there"`   // the Marathon has it
	OK      bool   `json:"ok"`

	Wanted    int  `json:"wanted"` // tasks: as the Marathon wants them now
	Running   int  `json:"running"`
	Staged    int  `json:"staged"`
	Checked   bool `json:"checked"` // it has health checks; without any, no task counts as healthy
	Healthy   int  `json:"healthy"`
	Unhealthy int  `json:"unhealthy"`
	Outdated  int  `json:"outdated"` // run with an older configuration than the app has
	Deploying bool `json:"deploying"`
}

func (b *builder) marathons() {
	for _, spec := range b.mesh.Marathons {
		s, asked := b.states[mesh.Marathon(spec.Name)]
		if !asked {
			continue
		}
		m := Marathon{Name: spec.Name, Outcome: s.Outcome, Message: s.Message, Apps: []App{}, Deployments: []mesh.Deployment{}}
		if s.Marathon != nil {
			m.URL, m.Version, m.Leader = s.Marathon.URL, s.Marathon.Version, s.Marathon.Leader
			m.Deployments = append(m.Deployments, s.Marathon.Deployments...)
			m.Apps = append(m.Apps, b.apps(s)...)
			b.appFindings(s.Target, m)
		} else if s.Outcome == mesh.BadStatus {
			b.wrong(MarathonDown, s.Target.String(), s.Message, "one of its nodes must lead: look at their logs, and whether ZooKeeper serves")
		}
		b.status.Marathons = append(b.status.Marathons, m)
	}
}

// apps are those that the Marathon has, and those that git names and it has not.
func (b *builder) apps(s mesh.TargetState) []App {
	var out []App
	managed := map[string]bool{}
	for _, a := range b.mesh.Apps {
		if a.Address().Target == s.Target {
			managed[a.ID] = true
		}
	}
	for _, r := range s.Resources {
		if r.Addr.Kind == mesh.App && r.App != nil {
			out = append(out, appOf(r, managed[r.Addr.Name]))
			delete(managed, r.Addr.Name)
		}
	}
	for _, u := range s.Unknown {
		b.unseen(Unknown, u.Addr.String(), u.Reason, "")
		delete(managed, u.Addr.Name)
	}
	for id := range managed {
		out = append(out, App{ID: id, Managed: true})
	}
	slices.SortFunc(out, func(x, y App) int { return strings.Compare(x.ID, y.ID) })
	return out
}

func appOf(r mesh.Resource, managed bool) App {
	checks, _ := r.Attrs["healthChecks"].([]any)
	a := App{
		ID: r.Addr.Name, Managed: managed, There: true, Wanted: whole(r.Attrs["instances"]),
		Running: r.App.TasksRunning, Staged: r.App.TasksStaged, Checked: len(checks) > 0,
		Healthy: r.App.TasksHealthy, Unhealthy: r.App.TasksUnhealthy, Outdated: r.App.TasksOutdated,
		Deploying: len(r.App.Deployments) > 0,
	}
	a.OK = a.Running >= a.Wanted && a.Unhealthy == 0 && (!a.Checked || a.Healthy >= a.Wanted)
	return a
}

func whole(v any) int {
	n, _ := v.(int64) // what else a tree holds is no number of tasks
	return int(n)
}

// appFindings tells of the apps of git that do not serve as they should.
func (b *builder) appFindings(t mesh.Target, m Marathon) {
	for _, a := range m.Apps {
		address := mesh.Address{Target: t, Kind: mesh.App, Name: a.ID}.String()
		switch {
		case !a.Managed || a.OK:
		case !a.There:
			b.wrong(AppMissing, address, "git has it, and the Marathon has not", "meshsync plan shows what apply would create")
		default:
			b.wrong(AppDown, address, a.Text(), m.why(a))
		}
	}
}

// Text is "2 of 4 tasks run, 1 healthy", with what else there is to say.
func (a App) Text() string {
	text := fmt.Sprintf("%d of %d tasks run", a.Running, a.Wanted)
	if a.Checked {
		text += fmt.Sprintf(", %d healthy", a.Healthy)
	}
	for _, x := range []struct {
		n    int
		what string
	}{{a.Unhealthy, "unhealthy"}, {a.Staged, "staged"}, {a.Outdated, "with an older configuration"}} {
		if x.n > 0 {
			text += fmt.Sprintf(", %d %s", x.n, x.what)
		}
	}
	return text
}

// why is where to look for why an app does not have its tasks.
func (m Marathon) why(a App) string {
	for _, d := range m.Deployments {
		if slices.Contains(d.AffectedApps, a.ID) {
			return "a deployment is under way: " + DeploymentText(d)
		}
	}
	return "see the app's lastTaskFailure, and GET /v2/queue for offers that do not fit"
}

// DeploymentText tells what a deployment does now.
func DeploymentText(d mesh.Deployment) string {
	text := fmt.Sprintf("%s, step %d of %d", d.ID, d.CurrentStep, d.TotalSteps)
	if d.Action != "" {
		text += ": " + d.Action
	}
	return text
}
