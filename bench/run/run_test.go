//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 100}, 3}} {
		if got := medianFloat(tt.values); got != tt.want {
			t.Errorf("median of %v = %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestMeasureTellsWhyACommandFailed(t *testing.T) {
	t.Parallel()
	_, err := measure(t.Context(), command{dir: t.TempDir(), args: []string{"/bin/sh", "-c", "echo this is why >&2; exit 3"}})
	if err == nil || !strings.Contains(err.Error(), "this is why") {
		t.Errorf("got %v", err)
	}
	s, err := measure(t.Context(), command{dir: "", args: []string{"/bin/sh", "-c", ":"}})
	if err != nil || s.wall <= 0 || s.rss <= 0 {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestRoundsRunInTurn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	say := func(word string) command {
		return command{dir: dir, args: []string{"/bin/sh", "-c", "printf " + word + " >>log"}}
	}
	got, err := rounds(t.Context(), 2, say("a"), say("b"))
	if err != nil || len(got) != 2 || len(got[0]) != 2 || len(got[1]) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	if log, err := os.ReadFile(filepath.Join(dir, "log")); err != nil || string(log) != "ababab" {
		t.Errorf("the order was %q (%v)", log, err)
	}
}

func samples(walls ...time.Duration) []sample {
	var out []sample
	for _, w := range walls {
		out = append(out, sample{wall: w * time.Millisecond, cpu: w * time.Millisecond, rss: 1e6})
	}
	return out
}

func TestPlanAndSlope(t *testing.T) {
	t.Parallel()
	small := planned{hosts: 20, validate: samples(50, 50), plan: samples(80, 80), floor: samples(20, 20)}
	large := planned{hosts: 200, validate: samples(60, 60), plan: samples(360, 360), floor: samples(200, 200)}
	if r := planRow(20, small, nil); r.value != 1.5 || r.missed() {
		t.Errorf("%+v", r)
	}
	// A further host costs (300 − 30) / 180 ms more in the plan, (200 − 20) / 180 in the floor.
	if r := slopeRow(settings{}, []planned{small, large}); r.value < 1.49 || r.value > 1.51 {
		t.Errorf("%+v", r)
	}
	if r := slopeRow(settings{hosts: []int{20, 200}}, []planned{small}); r.err == nil || !r.missed() {
		t.Errorf("a slope through one point was given: %+v", r)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bench.md")
	ok := row{what: "a", value: 1.1, limit: 1.2, unit: "×", parts: "x | y"}
	over := row{what: "b", value: 31, limit: 30, unit: "MB"}
	unknown := row{what: "c", limit: 1, err: errors.New("no such thing")}
	for _, tt := range []struct {
		name  string
		rows  []row
		whole bool
		code  int
		wrote bool
		want  string
	}{
		{"kept", []row{ok}, true, 0, true, `| a | 1.10 × | ≤ 1.20 × | x \| y |`},
		{"over a limit is written and fails", []row{ok, over}, true, 1, true, "| b | 31.0 MB **over** | ≤ 30.0 MB |"},
		{"unknown is not written and fails", []row{ok, unknown}, true, 1, false, "| c | not measured | | no such thing |"},
		{"some parts only is not written", []row{ok}, false, 0, false, "| a |"},
	} {
		_ = os.Remove(file)
		var out strings.Builder
		if code := report(tt.rows, 5, file, tt.whole, &out, io.Discard); code != tt.code {
			t.Errorf("%s: exit code %d, want %d", tt.name, code, tt.code)
		}
		if _, err := os.Stat(file); (err == nil) != tt.wrote {
			t.Errorf("%s: written: %v, want %v", tt.name, err == nil, tt.wrote)
		}
		if !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s: the table lacks %q:\n%s", tt.name, tt.want, &out)
		}
	}
}

func TestRunNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-meshsync", "/nonexistent/meshsync"}, {"-nonsense"}} {
		var errOut strings.Builder
		if code := run(context.Background(), args, io.Discard, &errOut); code != 2 || errOut.Len() == 0 {
			t.Errorf("%v: exit code %d, %q", args, code, &errOut)
		}
	}
}
