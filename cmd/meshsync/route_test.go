package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/haproxy"
	"meshsync.dev/meshsync/internal/mesh"
)

// reads is a Marathon that tells what a test has it tell, one thing at each read; the last one ends the run.
type reads struct {
	each []func() ([]mesh.RunningApp, error)
	n    int
	stop func()
}

func (r *reads) Target() mesh.Target { return mesh.Marathon("main") }

func (r *reads) Running(context.Context) ([]mesh.RunningApp, error) {
	do := r.each[min(r.n, len(r.each)-1)]
	if r.n++; r.n == len(r.each) {
		r.stop()
	}
	return do()
}

func (r *reads) AwaitEvent(context.Context, time.Duration, func(string)) {}

func tells(apps ...mesh.RunningApp) func() ([]mesh.RunningApp, error) {
	return func() ([]mesh.RunningApp, error) { return apps, nil }
}

func fails(text string) func() ([]mesh.RunningApp, error) {
	return func() ([]mesh.RunningApp, error) { return nil, errors.New(text) }
}

// tasks is /www with that many tasks, of which healthy says what checks found; nil is nothing.
func tasks(n int, healthy []bool) mesh.RunningApp {
	a := mesh.RunningApp{Marathon: "main", ID: "/www", Instances: n, Checked: true, Ports: []mesh.AppPort{{Protocol: "tcp"}}}
	for i := range n {
		a.Tasks = append(a.Tasks, mesh.Task{ID: fmt.Sprintf("www.%d", i), Running: true, Host: "10.0.0.21", Ports: []int{31000 + i}, Health: healthy})
	}
	return a
}

// watched runs a router over what a Marathon tells, and returns how many servers the file had after each read but the last, and
// what was said. A second passes with each read of the clock.
func watched(t *testing.T, each ...func() ([]mesh.RunningApp, error)) (servers []int, said string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	now, out := time.Unix(0, 0), &bytes.Buffer{}
	e := &environment{stderr: out, now: func() time.Time { now = now.Add(time.Second); return now }}
	file := filepath.Join(t.TempDir(), "route.cfg")
	source := &reads{stop: cancel}
	for _, do := range append(each, tells()) {
		source.each = append(source.each, func() ([]mesh.RunningApp, error) {
			text, _ := os.ReadFile(file)
			servers = append(servers, strings.Count(string(text), " # www."))
			return do()
		})
	}
	r := &router{
		e: e, f: &routeFlags{watch: true, every: time.Hour, confirm: 3 * time.Second}, said: map[string]string{},
		marathons: []routeSource{source}, agents: newAgents(nil, e.now), installer: haproxy.New(haproxy.Options{File: file}),
	}
	if err := r.run(ctx); err != nil {
		t.Fatal(err)
	}
	return servers[1:], out.String()
}

func TestWatchingKeepsBackendsThroughAnOutage(t *testing.T) {
	t.Parallel()
	well := []bool{true}
	tests := []struct {
		name string
		each []func() ([]mesh.RunningApp, error)
		want []int
		said []string // each once
	}{
		{
			"a Marathon that is silent for some time",
			[]func() ([]mesh.RunningApp, error){tells(tasks(4, well)), fails("no connection"), fails("no connection"), tells(tasks(3, well)), fails("no connection")},
			[]int{4, 4, 4, 3, 3},
			nil,
		},
		{
			"one that has lost its store",
			[]func() ([]mesh.RunningApp, error){tells(tasks(4, well)), tells(), tells(), tells(), tells(), tells(), tells(), tells(), tells()},
			[]int{4, 4, 4, 4, 4, 4, 4, 4, 4},
			[]string{"no task would be left of 4: the backends stay as they are"},
		},
		{
			"one that has just begun to lead knows of no check",
			[]func() ([]mesh.RunningApp, error){tells(tasks(4, well)), tells(tasks(4, nil)), tells(tasks(4, well))},
			[]int{4, 4, 4},
			nil,
		},
		{
			"one that lists only some tasks at first",
			[]func() ([]mesh.RunningApp, error){tells(tasks(4, well)), tells(tasks(1, well)), tells(tasks(4, well))},
			[]int{4, 4, 4},
			[]string{"of 4 servers 1 are left"},
		},
		{
			"more than half are gone, and stay so",
			[]func() ([]mesh.RunningApp, error){tells(tasks(4, well)), tells(tasks(1, well)), tells(tasks(1, well)), tells(tasks(1, well)), tells(tasks(1, well))},
			[]int{4, 4, 4, 1, 1},
			[]string{"of 4 servers 1 are left"},
		},
		{
			"an app that is scaled to nothing",
			[]func() ([]mesh.RunningApp, error){tells(tasks(1, well)), tells(tasks(0, nil)), tells(tasks(0, nil)), tells(tasks(0, nil)), tells(tasks(0, nil)), tells(tasks(0, nil))},
			[]int{1, 1, 1, 0, 0, 0},
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, said := watched(t, tt.each...)
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("servers after each read: %v, want %v\n%s", got, tt.want, said)
			}
			for _, s := range tt.said {
				if n := strings.Count(said, s); n != 1 {
					t.Errorf("%q is said %d times:\n%s", s, n, said)
				}
			}
		})
	}
}

// TestAgentsKeepTheirLastAddress: a resolver that fails takes no agent away. Hosts of the mesh need none.
func TestAgentsKeepTheirLastAddress(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	a := newAgents([]mesh.HostSpec{{Name: "a1", Address: "10.0.0.21"}}, func() time.Time { return now })
	var mu sync.Mutex
	var asked []string
	broken := false
	a.lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
		mu.Lock()
		defer mu.Unlock()
		if asked = append(asked, host); broken {
			return nil, errors.New("no answer")
		}
		return []netip.Addr{netip.MustParseAddr("fd00::1"), netip.MustParseAddr("10.0.0.22")}, nil
	}
	apps := []mesh.RunningApp{{Tasks: []mesh.Task{{Host: "a1", Running: true}, {Host: "a2", Running: true}, {Host: "10.0.0.9", Running: true}, {Host: "a3"}}}}
	for range 3 {
		got := a.addresses(t.Context(), apps)
		if got["a1"].String() != "10.0.0.21" || got["a2"].String() != "10.0.0.22" || len(got) != 2 {
			t.Errorf("%v", got)
		}
		broken, now = true, now.Add(agentFresh)
	}
	if strings.Join(asked, " ") != "a2 a2 a2" {
		t.Errorf("asked for %v", asked)
	}
	if a.addresses(t.Context(), apps); len(asked) != 4 {
		t.Errorf("what failed is asked for again: %v", asked)
	}
}
