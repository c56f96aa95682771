package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The part of the README that is generated stands between these lines.
const (
	transcriptBegin = "<!-- transcript: UPDATE=1 go test ./cmd/meshsync -run Readme -->\n```\n"
	transcriptEnd   = "```\n<!-- end of transcript -->\n"
)

// TestReadmeShowsWhatTheDemoPrints runs the demo and holds the README to it.
func TestReadmeShowsWhatTheDemoPrints(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	e := &environment{
		stdin: strings.NewReader(""), stdout: &out, stderr: &out, now: time.Now, wd: t.TempDir(), width: 100,
		getenv: func(name string) string { return map[string]string{"LANG": "C.UTF-8", "HOME": t.TempDir()}[name] },
		stop:   make(chan struct{}),
	}
	if code := run(context.Background(), e, []string{"demo"}); code != exitOK {
		t.Fatalf("demo ended with %d:\n%s", code, out.String())
	}
	want := transcript(t, out.String())
	file := filepath.Join("..", "..", "README.md")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(data), transcriptBegin)
	got, after, ok2 := strings.Cut(rest, transcriptEnd)
	if !ok1 || !ok2 {
		t.Fatal("README.md has no lines around the transcript")
	}
	if got == want {
		return
	}
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(file, []byte(before+transcriptBegin+want+transcriptEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("README.md does not show what the demo prints; UPDATE=1 rewrites it:\n%s", cmp.Diff(got, want))
}

// transcript is the part of the demo from the drift on, up to where lines come as
// things happen, without what differs from run to run.
func transcript(t *testing.T, out string) string {
	t.Helper()
	begin := strings.Index(out, "# 8. ")
	if begin < 0 {
		t.Fatal("the demo has no step 8")
	}
	text := out[begin:]
	end := strings.Index(text, "journal: ")
	if end < 0 {
		t.Fatal("the demo's last apply says nothing of its journal")
	}
	text = regexp.MustCompile(`@ [0-9a-f]{12}`).ReplaceAllString(text[:end], "@ 4f2c9e1a7b03")
	text = regexp.MustCompile(`\d{4}-\d\d-\d\d\)`).ReplaceAllString(text, "2026-11-27)")
	return leaderIsM3(text)
}

// leaderIsM3 renames the masters in the lines about their batches: which of them leads
// differs from run to run, that the leader goes last does not.
func leaderIsM3(text string) string {
	names := map[string]string{}
	for i, m := range regexp.MustCompile(`batch \d: (m\d): restart`).FindAllStringSubmatch(text, -1) {
		names[m[1]] = []string{"m1", "m2", "m3"}[i]
	}
	host := regexp.MustCompile(`m\d`)
	return regexp.MustCompile(`batch \d: m\d: restart|without m\d`).ReplaceAllStringFunc(text, func(line string) string {
		return host.ReplaceAllStringFunc(line, func(m string) string { return names[m] })
	})
}
