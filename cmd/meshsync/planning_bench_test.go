package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon"
	"meshsync.dev/meshsync/internal/mesh"
)

// BenchmarkApps compares, in one process, what a Marathon's apps cost to fetch and decode
// with what it costs to fetch them and to find that git says the same of each.
func BenchmarkApps(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		specs, url := manyApps(b, n)
		b.Run(fmt.Sprintf("floor/%d", n), func(b *testing.B) {
			withProcessor(b, func() { fetchAndDecode(b, url, n) })
		})
		b.Run(fmt.Sprintf("decide/%d", n), func(b *testing.B) {
			withProcessor(b, func() { decide(b, url, specs) })
		})
	}
}

// withProcessor reports the processor's time, which a busy machine does not lengthen.
func withProcessor(b *testing.B, f func()) {
	b.Helper()
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64((processorTime(b)-before).Milliseconds())/float64(b.N), "cpu-ms/op")
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func fetchAndDecode(b *testing.B, url string, n int) {
	b.Helper()
	resp, err := http.Get(url + "/v2/apps")
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct {
		Apps []map[string]any `json:"apps"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil || len(list.Apps) != n {
		b.Fatal(err, len(list.Apps))
	}
}

func decide(b *testing.B, url string, specs []mesh.AppSpec) {
	b.Helper()
	m := marathon.New(marathon.Options{
		Spec: mesh.MarathonSpec{Name: "main", URLs: []string{url}}, Mesh: "prod", HTTP: http.DefaultClient, Now: time.Now,
		SecretNames: mesh.DefaultSecretNames(),
	})
	seen := mesh.Observed{Targets: []mesh.TargetState{m.Observe(context.Background())}}
	desired, _, err := desiredApps(&mesh.Mesh{Apps: specs}, seen)
	if err != nil {
		b.Fatal(err)
	}
	if d := diff.Diff(desired, seen); len(d.Equal) != len(specs) || len(d.Changes) != 0 {
		b.Fatalf("%d equal, %d changes: %s", len(d.Equal), len(d.Changes), seen.Targets[0].Message)
	}
}

// manyApps serves n apps of recorded shapes, and returns the same as git would say it.
func manyApps(b *testing.B, n int) (specs []mesh.AppSpec, url string) {
	b.Helper()
	f, err := os.Open("../../internal/marathon/definition/testdata/edits.json.gz")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	var data struct {
		Bases map[string]struct{ Canonical map[string]any }
	}
	if err := json.NewDecoder(z).Decode(&data); err != nil {
		b.Fatal(err)
	}
	var echoes []map[string]any
	for i := range n {
		shape := []string{"host-cmd", "docker-bridge", "health", "mesos-container"}[i%4]
		def := maps.Clone(data.Bases[shape].Canonical)
		id := fmt.Sprintf("/team%d/svc%d", i%50, i)
		def["id"] = id
		specs = append(specs, mesh.AppSpec{Marathon: "main", ID: id, Definition: def})
		echo := maps.Clone(def)
		echo["version"] = "2026-01-01T00:00:00.000Z"
		echo["versionInfo"] = map[string]any{"lastScalingAt": "2026-01-01T00:00:00.000Z", "lastConfigChangeAt": "2026-01-01T00:00:00.000Z"}
		echo["tasksRunning"], echo["tasksStaged"], echo["tasksHealthy"], echo["tasksUnhealthy"], echo["deployments"] = 2, 0, 2, 0, []any{}
		echoes = append(echoes, echo)
	}
	body, err := json.Marshal(map[string]any{"apps": echoes})
	if err != nil {
		b.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v2/info":
			_, _ = io.WriteString(w, `{"version": "1.11.26", "marathon_config": {"mesos_role": "*", "local_port_min": 10000, "local_port_max": 20000}}`)
		case "/v2/apps":
			_, _ = w.Write(body)
		default:
			_, _ = io.WriteString(w, "[]")
		}
	}))
	b.Cleanup(s.Close)
	return specs, s.URL
}
