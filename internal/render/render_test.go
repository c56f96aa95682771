package render

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"meshsync.dev/meshsync/internal/apply"
	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/secret"
)

func text(s string) *string { return &s }

// change is an update of a file on a host.
func change(host, name, before, after string) diff.Change {
	attrs := func(s string) mesh.Tree {
		return mesh.MustTree(map[string]any{"content": mesh.DigestBytes([]byte(s)), "mode": "0644", "owner": "root", "group": "root"})
	}
	a, b := attrs(before), attrs(after)
	return diff.Change{
		Addr: mesh.Address{Target: mesh.Host(host), Kind: mesh.File, Name: name}, Action: diff.Update, Class: diff.Pending,
		Before: a, After: b, BeforeText: text(before), AfterText: text(after), Fields: diff.Fields(a, b),
	}
}

// onHosts is a plan with the same change on n hosts.
func onHosts(n int) plan.Plan {
	p := plan.Plan{Schema: plan.Schema, Mesh: "prod", Complete: true, Applicable: true}
	s := plan.Stage{N: 1, Title: "agents", Why: "5 at a time"}
	for i := range n {
		h := fmt.Sprintf("a%d", i+1)
		s.Batches = append(s.Batches, plan.Batch{Targets: []mesh.Target{mesh.Host(h)}, Changes: []diff.Change{change(h, "/etc/x", "one\n", "two\n")}})
		p.Effects = append(p.Effects, plan.Effect{Kind: plan.Restart, Target: mesh.Host(h), Subject: "mesos-slave", Count: 1, Because: []string{"/etc/x"}})
	}
	p.Stages = []plan.Stage{s}
	return p
}

func plain(t *testing.T, p plan.Plan, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Plan(&b, p, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEqualChangesOnManyHostsAreShownOnce(t *testing.T) {
	t.Parallel()
	out := plain(t, onHosts(200), Options{})
	if n := strings.Count(out, "\n"); n > 40 || strings.Count(out, "+two") != 1 {
		t.Errorf("%d lines:\n%s", n, out)
	}
	if !strings.Contains(out, "RESTART mesos-slave on a1, a10, a100") || !strings.Contains(out, "and 194 more") {
		t.Errorf("%s", out)
	}
}

func TestWhatHostsSayCannotMoveTheCursor(t *testing.T) {
	t.Parallel()
	evil := "\x1b[2J\rnothing to do\x07\u202e"
	p := onHosts(1)
	c := change("a1", "/etc/"+evil, evil+"\n", "x\n")
	c.Reason = evil
	p.Stages[0].Batches[0].Changes = []diff.Change{c}
	p.Unknown = []plan.Unknown{{Target: mesh.Host("a2"), Outcome: mesh.Garbled, Message: evil}}
	p.Notes, p.Source.Subject, p.Source.Commit = []string{evil}, evil, strings.Repeat("a", 40)
	p.Refusals = []plan.Refusal{{Code: "x", Message: evil, Hint: evil}}
	var md, drift bytes.Buffer
	if err := PlanMarkdown(&md, p, CommentLimit); err != nil {
		t.Fatal(err)
	}
	if err := Drift(&drift, p, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{plain(t, p, Options{}), md.String(), drift.String()} {
		if i := strings.IndexAny(out, "\x1b\r\x07\u202e"); i >= 0 {
			t.Errorf("a control character got through: %q", out[max(0, i-40):i+10])
		}
	}
}

func TestASecretIsNeverShown(t *testing.T) {
	t.Parallel()
	a := mesh.MustTree(map[string]any{"env": map[string]any{"TOKEN": secret.New("hunter2")}})
	b := mesh.MustTree(map[string]any{"env": map[string]any{}})
	c := diff.Change{Addr: mesh.Address{Target: mesh.Marathon("main"), Kind: mesh.App, Name: "/a"}, Action: diff.Update, Before: a, After: b, Fields: diff.Fields(a, b)}
	p := onHosts(1)
	p.Stages[0].Batches[0].Changes = []diff.Change{c}
	var j, m bytes.Buffer
	if err := PlanJSON(&j, p); err != nil {
		t.Fatal(err)
	}
	if err := PlanMarkdown(&m, p, CommentLimit); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{plain(t, p, Options{Full: true}), j.String(), m.String()} {
		if strings.Contains(out, "hunter2") || !strings.Contains(out, "sensitive") {
			t.Errorf("%s", out)
		}
	}
}

func TestAMarkdownPlanFitsItsComment(t *testing.T) {
	t.Parallel()
	p := onHosts(1)
	for i := range 3000 {
		p.Stages[0].Batches[0].Changes = append(p.Stages[0].Batches[0].Changes, change("a1", fmt.Sprintf("/etc/file%d", i), strings.Repeat("x\n", i%50), "y\n"))
	}
	var b bytes.Buffer
	if err := PlanMarkdown(&b, p, CommentLimit); err != nil {
		t.Fatal(err)
	}
	if b.Len() > CommentLimit || !strings.Contains(b.String(), "left out to fit") {
		t.Errorf("%d bytes", b.Len())
	}
}

func TestAPlanThatIsReadBackIsTheSame(t *testing.T) {
	t.Parallel()
	var a, b bytes.Buffer
	if err := PlanJSON(&a, onHosts(3)); err != nil {
		t.Fatal(err)
	}
	p, err := ReadPlan(bytes.NewReader(a.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := PlanJSON(&b, p); err != nil {
		t.Fatal(err)
	}
	if a.String() != b.String() {
		t.Errorf("%s\n%s", a.String(), b.String())
	}
}

// TestUnifiedDiffsApply feeds random diffs to patch(1).
func TestUnifiedDiffsApply(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("patch"); err != nil {
		t.Skip("patch is not installed")
	}
	lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "\n", "last without end"}), 0, 30)
	rapid.Check(t, func(rt *rapid.T) {
		a, b := strings.Join(lines.Draw(rt, "a"), ""), strings.Join(lines.Draw(rt, "b"), "")
		d := unified(a, b, 2)
		if a == b {
			if d != "" {
				rt.Fatal("equal texts differ")
			}
			return
		}
		dir := t.TempDir()
		file := filepath.Join(dir, "f")
		if err := os.WriteFile(file, []byte(a), 0o600); err != nil {
			rt.Fatal(err)
		}
		cmd := exec.Command("patch", "-s", "-u", file)
		cmd.Stdin = strings.NewReader("--- f\n+++ f\n" + d)
		if out, err := cmd.CombinedOutput(); err != nil {
			rt.Fatalf("%v %s\n%s", err, out, d)
		}
		got, err := os.ReadFile(file)
		if err != nil && b != "" || string(got) != b {
			rt.Fatalf("got %q, want %q by\n%s", got, b, d)
		}
	})
}

func TestNewerDocumentsAreRefused(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		`{"schema":"meshsync.snapshot/v2"}`: "written by a newer meshsync",
		`{"schema":"meshsync.plan/v1"}`:     "it is no snapshot",
		`{"schema":1}`:                      "no JSON",
		`nonsense`:                          "no JSON",
	} {
		if _, err := ReadSnapshot(strings.NewReader(doc)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

func FuzzReadSnapshot(f *testing.F) {
	f.Add(`{"schema":"meshsync.snapshot/v1","mesh":"m","observed":{"targets":[{"target":"host/a","outcome":"ok"}]}}`)
	f.Fuzz(func(_ *testing.T, s string) { _, _ = ReadSnapshot(strings.NewReader(s)) })
}

func FuzzReadPlan(f *testing.F) {
	f.Add(`{"schema":"meshsync.plan/v1","stages":[{"batches":[{"changes":[{"address":"host/a/file:/x","before":{"n":1.0}}]}]}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := ReadPlan(strings.NewReader(s)); err == nil {
			plain(t, p, Options{})
		}
	})
}

// Without the key of its host nobody can tell whether a secret moved.
func TestThatTheKeyOfAHostIsGoneIsSaid(t *testing.T) {
	t.Parallel()
	for before, says := range map[string]string{
		mesh.KeyedPrefix:        "content: nobody can tell, for the key of the host is gone",
		mesh.KeyedPrefix + "00": "content: another one (a secret, not shown)",
	} {
		p := onHosts(1)
		c := &p.Stages[0].Batches[0].Changes[0]
		c.Class, c.Secret = diff.Drift, &mesh.SecretSource{Env: "X"}
		c.Before["content"], c.After["content"] = before, c.Secret.ID()
		c.Fields = diff.Fields(c.Before, c.After)
		if got := plain(t, p, Options{}); !strings.Contains(got, says) {
			t.Errorf("no %q in\n%s", says, got)
		}
	}
}

// TestAReportFitsIntoAComment: what failed comes first, and what does not fit is said.
func TestAReportFitsIntoAComment(t *testing.T) {
	t.Parallel()
	events := []apply.Event{{Type: apply.RunStart, Run: "r", Message: "apply prod"}, {Type: apply.Failed, Subject: "first", Message: "it broke"}}
	for range 2000 {
		events = append(events, apply.Event{Type: apply.Skipped, Subject: "x", Message: "update host/m1/file:/etc/some/where: not tried"})
	}
	var b bytes.Buffer
	if err := ReportMarkdown(&b, events, CommentLimit); err != nil || b.Len() > CommentLimit {
		t.Errorf("%d bytes, %v", b.Len(), err)
	}
	text := b.String()
	if failed, skipped := strings.Index(text, "it broke"), strings.Index(text, "not tried:"); failed < 0 || failed > skipped || !strings.HasSuffix(text, "see the report's JSON.\n") {
		t.Errorf("%.300s … %.100s", text, text[len(text)-100:])
	}
	b.Reset()
	if err := ReportMarkdown(&b, nil, CommentLimit); err != nil || b.String() != "### meshsync apply: nothing to do\n" {
		t.Errorf("%q %v", b.String(), err)
	}
}
