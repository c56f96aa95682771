package marathon

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// Running reads all apps with their tasks: all, or an error.
func (m *Marathon) Running(ctx context.Context) ([]mesh.RunningApp, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var apps liveApps
	if _, err := m.api.call(ctx, http.MethodGet, "/v2/apps?embed=apps.tasks", nil, &apps); err != nil {
		return nil, noAPI(err)
	}
	if slices.ContainsFunc(apps.list, func(a liveApp) bool { return a.Tasks == nil }) {
		if err := m.joinTasks(ctx, apps.list); err != nil {
			return nil, err
		}
	}
	out := make([]mesh.RunningApp, 0, len(apps.list))
	for _, a := range apps.list {
		out = append(out, a.running(m.o.Spec.Name))
	}
	return out, nil
}

// joinTasks reads the tasks where the list of apps has none, as that of old releases.
func (m *Marathon) joinTasks(ctx context.Context, apps []liveApp) error {
	var all liveTasks
	if _, err := m.api.call(ctx, http.MethodGet, "/v2/tasks", nil, &all); err != nil {
		return err
	}
	of := map[string][]liveTask{}
	for _, t := range all.list {
		of[t.App] = append(of[t.App], t)
	}
	for i := range apps {
		tasks := of[apps[i].ID]
		apps[i].Tasks = &tasks
	}
	return nil
}

// liveApps is the answer to GET /v2/apps. An answer without the list is no list without apps.
type liveApps struct{ list []liveApp }

func (l *liveApps) decode(from io.Reader) error {
	var answer struct {
		Apps *[]liveApp `json:"apps"`
	}
	err := json.NewDecoder(from).Decode(&answer)
	switch {
	case err != nil:
		return err
	case answer.Apps == nil:
		return errors.New("it has no list of apps")
	}
	l.list = *answer.Apps
	return nil
}

// liveTasks is the answer to GET /v2/tasks.
type liveTasks struct{ list []liveTask }

func (l *liveTasks) decode(from io.Reader) error {
	var answer struct {
		Tasks *[]liveTask `json:"tasks"`
	}
	err := json.NewDecoder(from).Decode(&answer)
	switch {
	case err != nil:
		return err
	case answer.Tasks == nil:
		return errors.New("it has no list of tasks")
	}
	l.list = *answer.Tasks
	return nil
}

// liveApp is what is read of an app.
type liveApp struct {
	ID           string            `json:"id"`
	Labels       map[string]string `json:"labels"`
	Instances    int               `json:"instances"`
	HealthChecks []struct{}        `json:"healthChecks"`
	Networks     []struct {
		Mode string `json:"mode"`
	} `json:"networks"`
	IPAddress *struct { // before 1.5: an address for each task
		Discovery struct {
			Ports []livePort `json:"ports"`
		} `json:"discovery"`
	} `json:"ipAddress"`
	Container struct {
		PortMappings []livePort `json:"portMappings"`
		Docker       struct {
			Network      string     `json:"network"`
			PortMappings []livePort `json:"portMappings"`
		} `json:"docker"`
	} `json:"container"`
	PortDefinitions []livePort  `json:"portDefinitions"`
	Ports           []int       `json:"ports"`
	Tasks           *[]liveTask `json:"tasks"`
}

// livePort is one of the forms of a port.
type livePort struct {
	Number        int    `json:"number"` // of ipAddress.discovery
	ContainerPort int    `json:"containerPort"`
	HostPort      *int   `json:"hostPort"`
	Protocol      string `json:"protocol"`
}

// liveTask is what is read of a task.
type liveTask struct {
	ID        string `json:"id"`
	App       string `json:"appId"`
	State     string `json:"state"`
	StartedAt string `json:"startedAt"`
	Host      string `json:"host"`
	Ports     []int  `json:"ports"`
	Addresses []struct {
		IP string `json:"ipAddress"`
	} `json:"ipAddresses"`
	Health []*struct {
		Alive bool `json:"alive"`
	} `json:"healthCheckResults"`
}

func (a liveApp) running(marathon string) mesh.RunningApp {
	out := mesh.RunningApp{
		Marathon: marathon, ID: a.ID, Labels: a.Labels, Instances: a.Instances, Ports: a.ports(), Checked: len(a.HealthChecks) > 0,
	}
	for _, t := range *a.Tasks {
		out.Tasks = append(out.Tasks, t.task())
	}
	return out
}

// ports are those of the first form that the app has.
func (a liveApp) ports() []mesh.AppPort {
	mappings := a.Container.PortMappings
	if len(mappings) == 0 {
		mappings = a.Container.Docker.PortMappings
	}
	switch {
	case len(mappings) > 0:
		return a.mapped(mappings)
	case a.IPAddress != nil:
		return discovered(a.IPAddress.Discovery.Ports)
	case len(a.PortDefinitions) > 0:
		return onAgent(len(a.PortDefinitions), a.PortDefinitions)
	default:
		return onAgent(len(a.Ports), nil)
	}
}

// mapped are ports of a container: in bridge mode each has one of the agent, in a network of its own only those
// that ask for it, and a task lists only those.
func (a liveApp) mapped(mappings []livePort) []mesh.AppPort {
	own := a.IPAddress != nil || a.Container.Docker.Network == "USER"
	for _, n := range a.Networks {
		own = own || n.Mode == "container" || n.Mode == "" // which is the default
	}
	var out []mesh.AppPort
	hosts := 0
	for _, m := range mappings {
		p := mesh.AppPort{Protocol: m.Protocol, Host: -1}
		if own {
			p.Container = m.ContainerPort
		}
		if !own || m.HostPort != nil {
			p.Host = hosts
			hosts++
		}
		out = append(out, p)
	}
	return out
}

// discovered are ports of an app of old whose tasks have an address each.
func discovered(ports []livePort) []mesh.AppPort {
	var out []mesh.AppPort
	for _, d := range ports {
		out = append(out, mesh.AppPort{Protocol: d.Protocol, Container: d.Number, Host: -1})
	}
	return out
}

// onAgent are n ports of the agent.
func onAgent(n int, forms []livePort) []mesh.AppPort {
	var out []mesh.AppPort
	for i := range n {
		p := mesh.AppPort{Host: i}
		if i < len(forms) {
			p.Protocol = forms[i].Protocol
		}
		out = append(out, p)
	}
	return out
}

func (t liveTask) task() mesh.Task {
	out := mesh.Task{ID: t.ID, Host: t.Host, Ports: t.Ports, Running: t.State == "TASK_RUNNING" || t.State == "" && t.StartedAt != ""}
	for _, a := range t.Addresses {
		out.Addresses = append(out.Addresses, a.IP)
	}
	for _, h := range t.Health {
		if h != nil {
			out.Health = append(out.Health, h.Alive)
		}
	}
	return out
}
