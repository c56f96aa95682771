package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// stream encodes events as go test -json writes them.
func stream(t *testing.T, events ...event) string {
	t.Helper()
	var b strings.Builder
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String()
}

const pkg = "meshsync.dev/meshsync/internal/host"

func skipped(test, reason string) []event {
	return []event{
		{Action: "run", Package: pkg, Test: test},
		{Action: "output", Package: pkg, Test: test, Output: "    host_test.go:7: " + reason + "\n"},
		{Action: "output", Package: pkg, Test: test, Output: "--- SKIP: " + test + " (0.00s)\n"},
		{Action: "skip", Package: pkg, Test: test},
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	passes := []event{
		{Action: "run", Package: pkg, Test: "TestA"},
		{Action: "output", Package: pkg, Test: "TestA", Output: "noise of a test that passes\n"},
		{Action: "run", Package: pkg, Test: "TestA/one"},
		{Action: "pass", Package: pkg, Test: "TestA/one"},
		{Action: "pass", Package: pkg, Test: "TestA"},
	}
	ok := []event{
		{Action: "output", Package: pkg, Output: "PASS\n"},
		{Action: "output", Package: pkg, Output: "ok  \t" + pkg + "\t1.2s\n"},
		{Action: "pass", Package: pkg},
	}
	fails := []event{
		{Action: "run", Package: pkg, Test: "TestB"},
		{Action: "output", Package: pkg, Test: "TestB", Output: "    host_test.go:9: got 1, want 2\n"},
		{Action: "fail", Package: pkg, Test: "TestB"},
		{Action: "output", Package: pkg, Output: "FAIL\t" + pkg + "\t1.2s\n"},
		{Action: "fail", Package: pkg},
	}
	tests := []struct {
		name   string
		args   []string
		events [][]event
		code   int
		want   []string
		not    []string
	}{
		{
			name: "a package that passes is one line", events: [][]event{passes, ok}, code: 0,
			want: []string{"ok  \t" + pkg + "\t1.2s\n", "skips by reason: none", "tests: 1 passed, 0 failed, 0 skipped"},
			not:  []string{"PASS", "noise"},
		},
		{
			name: "a failure is printed and ends with 1", events: [][]event{passes, fails}, code: 1,
			want: []string{"got 1, want 2", "FAIL\t" + pkg, "tests: 1 passed, 1 failed, 0 skipped"}, not: []string{"noise"},
		},
		{
			name: "a skip is counted under its reason", events: [][]event{skipped("TestC", "needs root"), skipped("TestD", "needs root"), ok},
			code: 0, want: []string{"    2  needs root\n", "0 passed, 0 failed, 2 skipped"},
		},
		{
			name: "strict refuses a skip", args: []string{"-strict"}, events: [][]event{skipped("TestC", "needs root"), ok},
			code: 1, want: []string{"not allowed to be skipped here: internal/host.TestC: needs root"},
		},
		{
			name: "a panic prints what no test ended", code: 1,
			events: [][]event{{
				{Action: "run", Package: pkg, Test: "TestP"},
				{Action: "output", Package: pkg, Test: "TestP", Output: "panic: boom\n"},
				{Action: "fail", Package: pkg},
			}},
			want: []string{"panic: boom", "1 packages did not build", "0 passed, 1 failed"},
		},
		{
			name: "a build error is printed", code: 1,
			events: [][]event{{
				{Action: "build-output", ImportPath: pkg, Output: "x.go:1:1: syntax error\n"},
				{Action: "build-fail", ImportPath: pkg},
				{Action: "output", Package: pkg, Output: "FAIL\t" + pkg + " [build failed]\n"},
				{Action: "fail", Package: pkg},
			}},
			want: []string{"x.go:1:1: syntax error", "[build failed]", "0 passed, 1 failed"},
		},
		{
			name: "a package without tests is no skip", args: []string{"-strict"}, code: 0,
			events: [][]event{{
				{Action: "output", Package: pkg, Output: "?   \t" + pkg + "\t[no test files]\n"},
				{Action: "skip", Package: pkg},
			}},
			want: []string{"[no test files]", "0 skipped"},
		},
		{name: "no events at all is an error", code: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var in strings.Builder
			for _, events := range tt.events {
				in.WriteString(stream(t, events...))
			}
			var out, errOut strings.Builder
			if code := run(tt.args, strings.NewReader(in.String()), &out, &errOut); code != tt.code {
				t.Errorf("exit code %d, want %d\n%s%s", code, tt.code, &out, &errOut)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("output lacks %q:\n%s", want, &out)
				}
			}
			for _, not := range tt.not {
				if strings.Contains(out.String(), not) {
					t.Errorf("output has %q:\n%s", not, &out)
				}
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	all, err := parseAllowed(strings.NewReader("# why\n\ninternal/host.TestC  no such thing here\n"), "list")
	if err != nil || len(all) != 1 || all[0].reason != "no such thing here" {
		t.Fatalf("parseAllowed = %v, %v", all, err)
	}
	for name, want := range map[string]bool{
		"internal/host.TestC": true, "internal/host.TestC/sub": true, "internal/host.TestCat": false, "host.TestC": false,
	} {
		if got := all[0].covers(name); got != want {
			t.Errorf("covers(%s) = %v, want %v", name, got, want)
		}
	}
	if _, err := parseAllowed(strings.NewReader("internal/host.TestC\n"), "list"); err == nil {
		t.Error("a line without a reason was accepted")
	}
}

func TestSkipReason(t *testing.T) {
	t.Parallel()
	got := skipReason([]string{"=== RUN   TestX\n", "    a_test.go:1: a log\n", "    b.go:22: needs strace\n", "--- SKIP: TestX (0.00s)\n"})
	if got != "needs strace" {
		t.Errorf("reason %q", got)
	}
	if got := skipReason(nil); got != "no reason given" {
		t.Errorf("reason %q", got)
	}
}
