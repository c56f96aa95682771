//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	// maxBeyond is what deciding on live apps may cost beyond fetching and decoding them, of
	// what that costs.
	maxBeyond = 1.0
	// maxAppsGrowth is what ten times as many apps may cost of the time.
	maxAppsGrowth = 12
	// appRounds is how many times more rounds they get than the rest, as planRounds.
	appRounds = 3
	fewApps   = 1000
	manyApps  = 10000
	liveMesh  = "many"
	// bulk is how many apps one request makes: all of them would be more than a node of
	// ZooKeeper takes.
	bulk = 200
)

// liveApps plans apps of real shape that are live in a Marathon of a sandbox in another
// process, and as git says.
func liveApps(ctx context.Context, s settings) []row {
	few, err := planApps(ctx, s, fewApps)
	rows := beyondRows(few, fewApps, err)
	many, manyErr := planApps(ctx, s, manyApps)
	rows = append(rows, beyondRows(many, manyApps, manyErr)...)
	growth := row{what: "the same, plan − validate / 1,000 apps, processor", limit: maxAppsGrowth, unit: "×", err: manyErr}
	if growth.err == nil {
		growth.err = err
	}
	if growth.err == nil {
		above, below := medianOf(many.plan, cpu)-medianOf(many.validate, cpu), medianOf(few.plan, cpu)-medianOf(few.validate, cpu)
		growth.value, growth.parts = above/below, milliseconds(above)+" / "+milliseconds(below)
	}
	return append(rows, growth)
}

// beyondRows are (plan − validate − floor) / floor, of the time, of the processor and of the memory.
func beyondRows(p planned, n int, err error) []row {
	var rows []row
	for _, x := range []struct {
		what string
		of   func(sample) float64
		text func(float64) string
	}{{"wall", wall, milliseconds}, {"processor", cpu, milliseconds}, {"peak memory", rss, megabytes}} {
		r := row{what: fmt.Sprintf("%d live apps, nothing to do: beyond fetching and decoding, %s", n, x.what), limit: maxBeyond, unit: "×", err: err}
		if err == nil {
			plan, validate, floor := medianOf(p.plan, x.of), medianOf(p.validate, x.of), medianOf(p.floor, x.of)
			r.value = (plan-validate)/floor - 1
			r.parts = fmt.Sprintf("(%s − %s) / %s − 1, %d rounds", x.text(plan), x.text(validate), x.text(floor), len(p.plan))
		}
		rows = append(rows, r)
	}
	return rows
}

func planApps(ctx context.Context, s settings, n int) (p planned, err error) {
	dir, err := os.MkdirTemp("", "meshsync-bench-")
	if err != nil {
		return p, err
	}
	defer func() {
		if rerr := os.RemoveAll(dir); err == nil {
			err = rerr
		}
	}()
	repo, box := filepath.Join(dir, "infra"), filepath.Join(dir, "box")
	if err := writeLiveApps(ctx, s, repo, n); err != nil {
		return p, fmt.Errorf("make a repository of %d apps: %w", n, err)
	}
	meshsync := func(args ...string) command {
		return command{dir: repo, args: append([]string{s.meshsync}, append(args, "-C", liveMesh)...)}
	}
	if _, err := measure(ctx, meshsync("sandbox", "up", "--dir", box)); err != nil {
		return p, fmt.Errorf("boot the sandbox: %w", err)
	}
	defer func() {
		if _, derr := measure(context.WithoutCancel(ctx), meshsync("sandbox", "down", "--dir", box)); err == nil {
			err = derr
		}
	}()
	connect := filepath.Join(box, "connect.json")
	url, err := marathonOf(connect)
	if err != nil {
		return p, err
	}
	if err := makeApps(ctx, url, n); err != nil {
		return p, fmt.Errorf("make %d live apps: %w", n, err)
	}
	if _, err := measure(ctx, meshsync("apply", "--connect", connect, "--yes")); err != nil {
		return p, fmt.Errorf("apply before the measurement: %w", err)
	}
	plan := meshsync("plan", "--connect", connect, "--detailed-exitcode")
	got, err := rounds(ctx, s.runs*appRounds, meshsync("validate"), plan, command{dir: dir, args: []string{s.floor, "-marathon", url}})
	if err != nil {
		return p, err
	}
	return planned{hosts: n, validate: got[0], plan: got[1], floor: got[2]}, nil
}

func marathonOf(connect string) (string, error) {
	text, err := os.ReadFile(connect)
	if err != nil {
		return "", err
	}
	var c struct {
		Marathons map[string]string `json:"marathons"`
	}
	err = json.Unmarshal(text, &c)
	return c.Marathons["main"], err
}

// writeLiveApps makes a git repository in dir with a mesh of n apps and no host.
func writeLiveApps(ctx context.Context, s settings, dir string, n int) error {
	if _, err := measure(ctx, command{dir: "", args: []string{s.meshsync, "init", dir}}); err != nil {
		return err
	}
	mesh := filepath.Join(dir, liveMesh)
	for i := 0; i < n; i += bulk {
		folder := fmt.Sprintf("team%d", i/bulk)
		if err := os.MkdirAll(filepath.Join(mesh, "apps", folder), 0o755); err != nil {
			return err
		}
		var text bytes.Buffer
		fmt.Fprintf(&text, "package %s\n\n", folder)
		for j := i; j < min(n, i+bulk); j++ {
			app, err := json.Marshal(liveApp(j))
			if err != nil {
				return err
			}
			fmt.Fprintf(&text, "apps: %q: %s\n", liveID(j), app)
		}
		if err := os.WriteFile(filepath.Join(mesh, "apps", folder, "apps.cue"), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("package %s\n\nname: %[1]q\nhosts: {}\nmarathons: main: urls: [\"http://marathon.example.com:8080\"]\n", liveMesh)
	if err := os.WriteFile(filepath.Join(mesh, "mesh.cue"), []byte(text), 0o644); err != nil {
		return err
	}
	return commit(ctx, dir)
}

func liveID(i int) string { return fmt.Sprintf("/team%d/app%d", i/bulk, i) }

// liveApp is the i-th app, in the shape of the example's template: of all kinds of members
// some, and what is left out for Marathon to fill in. It has no tasks, which the answer would
// only count.
func liveApp(i int) map[string]any {
	type m = map[string]any
	team := fmt.Sprintf("team%d", i/bulk)
	return m{
		"id": liveID(i), "instances": 0, "cpus": 0.25, "mem": 512,
		"env":      m{"TEAM": team, "LEVEL": "info", "UPSTREAM": fmt.Sprintf("http://app%d.%s.example.com/v1?x=%d", i+1, team, i)},
		"networks": []any{m{"mode": "container/bridge"}},
		"container": m{
			"type":         "DOCKER",
			"docker":       m{"image": fmt.Sprintf("registry.example.com/%s/app%d:1.%d.0", team, i, i%10)},
			"portMappings": []any{m{"containerPort": 8080, "hostPort": 0, "protocol": "tcp", "servicePort": 10000 + i}},
		},
		"healthChecks": []any{m{
			"protocol": "MESOS_HTTP", "path": "/", "portIndex": 0,
			"gracePeriodSeconds": 60, "intervalSeconds": 10, "timeoutSeconds": 5, "maxConsecutiveFailures": 3,
		}},
		"upgradeStrategy": m{"minimumHealthCapacity": 0.75, "maximumOverCapacity": 0.25},
		"constraints":     []any{[]any{"hostname", "UNIQUE"}, []any{"rack", "GROUP_BY"}},
		"labels":          m{"HAPROXY_0_VHOST": fmt.Sprintf("app%d.%s.example.com", i, team), "HAPROXY_GROUP": "external"},
	}
}

// makeApps makes the apps, many with one request.
func makeApps(ctx context.Context, url string, n int) error {
	for i := 0; i < n; i += bulk {
		var apps []any
		for j := i; j < min(n, i+bulk); j++ {
			app := liveApp(j)
			if j == 0 {
				app["mem"] = 256 // so that apply has one to change, and records all
			}
			apps = append(apps, app)
		}
		body, err := json.Marshal(apps)
		if err != nil {
			return err
		}
		if err := putApps(ctx, url, body); err != nil {
			return err
		}
	}
	return nil
}

func putApps(ctx context.Context, url string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url+"/v2/apps?partialUpdate=false", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s: %s", url, resp.Status, tail(string(text)))
	}
	return err
}
