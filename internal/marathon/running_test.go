package marathon

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
)

// TestRunningReadsAppsWithTheirTasks: of the sandbox's Marathon, as tasks become healthy.
func TestRunningReadsAppsWithTheirTasks(t *testing.T) {
	t.Parallel()
	d := server(t)
	m := serve(t, d)
	reach(t, m, map[string]map[string]any{
		"/www": {
			"cmd": "sleep 1", "instances": 2, "labels": map[string]any{"HAPROXY_0_VHOST": "www.example.com"},
			"healthChecks": []any{map[string]any{"protocol": "HTTP", "path": "/", "portIndex": 0}},
		},
		"/batch": {"cmd": "sleep 1", "portDefinitions": []any{}},
	})
	apps, err := m.Running(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	apps = slices.DeleteFunc(apps, func(a mesh.RunningApp) bool { return strings.HasPrefix(a.ID, "/meshsync/") })
	slices.SortFunc(apps, func(a, b mesh.RunningApp) int { return strings.Compare(a.ID, b.ID) })
	if len(apps) != 2 || len(apps[0].Ports) != 0 || len(apps[1].Tasks) != 2 {
		t.Fatalf("%+v", apps)
	}
	www := apps[1]
	if www.Marathon != "main" || !www.Checked || www.Labels["HAPROXY_0_VHOST"] != "www.example.com" || cmp.Diff([]mesh.AppPort{{Protocol: "tcp"}}, www.Ports) != "" {
		t.Errorf("%+v", www)
	}
	for _, x := range www.Tasks {
		if !x.Running || len(x.Ports) != 1 || !slices.Equal(x.Health, []bool{true}) || !strings.HasPrefix(x.Host, "a") || len(x.Addresses) != 1 {
			t.Errorf("%+v", x)
		}
	}
}

// TestRunningIsAllOrAnError: what is not the whole list is none.
func TestRunningIsAllOrAnError(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"half-body", "html", "error500", "no-leader", "standby", "redirect-loop"} {
		d := server(t)
		m := serve(t, d)
		reach(t, m, map[string]map[string]any{"/www": {"cmd": "sleep 1"}})
		if err := d.Fault(fault, ""); err != nil {
			t.Fatal(err)
		}
		if apps, err := m.Running(context.Background()); err == nil {
			t.Errorf("%s: %d apps", fault, len(apps))
		}
	}
	for _, body := range []string{`{}`, `[]`, `null`, `{"apps":null}`, `{"apps":{}}`, `{"apps":[{"id":7}]}`, `{"apps":[{"id":"/a"}]}`, ``} {
		m := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		if apps, err := m.Running(context.Background()); err == nil {
			t.Errorf("%s: %v", body, apps)
		}
	}
}

// TestRunningJoinsTasksWhereTheListHasNone: as that of old releases, which have no state of a task, either.
func TestRunningJoinsTasksWhereTheListHasNone(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"/v2/apps": `{"apps":[{"id":"/www","ports":[10001],"instances":2,"healthChecks":[]},{"id":"/x","ports":[]}]}`,
		"/v2/tasks": `{"tasks":[{"appId":"/www","id":"www.1","host":"s1","ports":[31000],"startedAt":"2014-09-01T10:00:00.000Z","healthCheckResults":[null]},
			{"appId":"/www","id":"www.2","host":"s2","ports":[31001],"startedAt":null}]}`,
	}
	m := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, answers[r.URL.Path]) }))
	apps, err := m.Running(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []mesh.RunningApp{{Marathon: "main", ID: "/www", Instances: 2, Ports: []mesh.AppPort{{}}, Tasks: []mesh.Task{
		{ID: "www.1", Running: true, Host: "s1", Ports: []int{31000}}, {ID: "www.2", Host: "s2", Ports: []int{31001}},
	}}, {Marathon: "main", ID: "/x"}}
	if d := cmp.Diff(want, apps); d != "" {
		t.Error(d)
	}
}

// TestPortsOfEachNetwork has the forms of ports that releases have had.
func TestPortsOfEachNetwork(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, app string
		want      []mesh.AppPort
	}{
		{
			"host", `{"networks":[{"mode":"host"}],"portDefinitions":[{"port":10000,"protocol":"tcp"},{"port":10001,"protocol":"udp"}]}`,
			[]mesh.AppPort{{Protocol: "tcp"}, {Protocol: "udp", Host: 1}},
		},
		{
			"bridge", `{"networks":[{"mode":"container/bridge"}],"container":{"portMappings":[{"containerPort":80,"hostPort":0,"protocol":"tcp"},{"containerPort":81}]}}`,
			[]mesh.AppPort{{Protocol: "tcp"}, {Host: 1}},
		},
		{
			"container", `{"networks":[{"mode":"container","name":"dcos"}],"container":{"portMappings":[{"containerPort":80},{"containerPort":81,"hostPort":0},{"containerPort":0,"hostPort":0}]}}`,
			[]mesh.AppPort{{Container: 80, Host: -1}, {Container: 81}, {Host: 1}},
		},
		{
			"bridge of old", `{"container":{"docker":{"network":"BRIDGE","portMappings":[{"containerPort":80,"hostPort":0,"protocol":"tcp"}]}},"ports":[10000]}`,
			[]mesh.AppPort{{Protocol: "tcp"}},
		},
		{
			"user network of old", `{"container":{"docker":{"network":"USER","portMappings":[{"containerPort":80}]}},"ipAddress":{"networkName":"n"}}`,
			[]mesh.AppPort{{Container: 80, Host: -1}},
		},
		{"an address for each task of old", `{"ipAddress":{"discovery":{"ports":[{"number":80,"protocol":"tcp"}]}}}`, []mesh.AppPort{{Protocol: "tcp", Container: 80, Host: -1}}},
		{"ports of old", `{"ports":[10000,10001],"container":null,"ipAddress":null}`, []mesh.AppPort{{}, {Host: 1}}},
		{"none", `{"portDefinitions":[]}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var a liveApp
			if err := json.Unmarshal([]byte(tt.app), &a); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, a.ports()); d != "" {
				t.Error(d)
			}
		})
	}
}
