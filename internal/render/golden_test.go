package render

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/apply"
	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/secret"
)

// created and deleted are the two other actions on a file.
func created(host, name, content string) diff.Change {
	c := change(host, name, "", content)
	c.Action, c.Before, c.BeforeText, c.Fields = diff.Create, nil, nil, nil
	return c
}

func deleted(host, name, content string) diff.Change {
	c := change(host, name, content, "")
	c.Action, c.After, c.AfterText, c.Fields = diff.Delete, nil, nil, nil
	return c
}

// flag is a change of a file in a directory that git purges.
func flag(c diff.Change) diff.Change {
	c.Purged = true
	return c
}

// stray is a file that git does not name: of its content the digest is known.
func stray(host, name string) diff.Change {
	c := deleted(host, name, "who knows\n")
	c.BeforeText, c.Class = nil, diff.Drift
	c.Reason = "in purged directory " + filepath.Dir(name) + ", not in git"
	return flag(c)
}

func private(c diff.Change) diff.Change {
	for _, t := range []mesh.Tree{c.Before, c.After} {
		if t != nil {
			t["mode"] = "0600"
		}
	}
	c.BeforeText = nil // it is not read
	return c
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+"\n", i)
	}
	return b.String()
}

// allKinds is a plan with a change of each kind that is shown in its own way.
func allKinds() plan.Plan {
	long := strings.Repeat("zk1.example.com:2181,", 30)
	zoo := "# made by meshsync\ntickTime=2000\ninitLimit=10\nmaxClientCnxns=100\n"
	app := mesh.MustTree(map[string]any{"env": map[string]any{"TOKEN": secret.New("hunter2"), "OLD": secret.New("x")}, "instances": 2, "cmd": "run --zk=" + long + " --port=1 " + long})
	app2 := mesh.MustTree(map[string]any{"env": map[string]any{"TOKEN": secret.New("hunter3")}, "instances": 3, "cmd": "run --zk=" + long + " --port=2 " + long})
	changes := []diff.Change{
		change("a1", "/etc/zookeeper/conf/zoo.cfg", zoo, "# made by meshsync\nsyncLimit=5\ntickTime=3000\nmaxClientCnxns=\n"),
		change("a1", "/etc/order/zoo.cfg", zoo, "# made by meshsync\ninitLimit=10\ntickTime=3000\nmaxClientCnxns=100\n"),
		change("a1", "/etc/default/mesos-slave", "MASTER=`cat /etc/mesos/zk`\nULIMIT=\"-n 1024\"\n", "MASTER=`cat /etc/mesos/zk2`\nULIMIT=\"-n 65536\"\n"),
		change("a1", "/etc/docker/daemon.json", "{\n  \"debug\": false,\n  \"log-opts\": {\n    \"max-size\": \"10m\"\n  }\n}\n", "{\n  \"debug\": true,\n  \"log-opts\": {\n    \"max-size\": \"20m\",\n    \"a.b\": [\n      1\n    ]\n  }\n}\n"),
		change("a1", "/etc/docker/order.json", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "{\n  \"b\": 2,\n  \"a\": 1\n}\n"),
		change("a1", "/etc/many.properties", numbered("key%02d=old", 40), numbered("key%02d=new", 40)),
		change("a1", "/etc/motd", "Welcome to the old cluster.\nAsk ops.\n", "Welcome to the new cluster.\nAsk ops.\n"),
		change("a1", "/etc/long", "quorum="+long+"a,"+long+"\n", "quorum="+long+"bcd,"+long+"\n"),
		change("a1", "/etc/crlf", "one\r\ntwo\r\nthree\r\n", "one\ntwo\nthree\n"),
		change("a1", "/etc/dos", "one\r\ntwo\r\n", "one\r\n2\r\n"),
		change("a1", "/etc/no-newline", "one\ntwo\n", "one\ntwo"),
		change("a1", "/etc/blanks", "\tone\ntwo\nthree\n", "    one\ntwo  \nthree\n"),
		change("a1", "/etc/escape", "a\\x1b[2J\n", "a\x1b[2J\n"),
		change("a1", "/etc/latin1", "caf\xe9\n", "caf\xe8\n"),
		change("a1", "/usr/lib/x.so", "\x7fELF\x00old", "\x7fELF\x00newer"),
		change("a1", "/etc/lines", numbered("old %d", 20), numbered("new %d", 20)),
		private(change("a1", "/etc/private", "a\n", "b\n")),
		private(created("a1", "/etc/private-new", "b\n")),
		created("a1", "/etc/fences", "````\n<b>@everyone</b>\n```\nend\n5\n6\n7\n8\n"),
		created("a1", "/usr/lib/new.so", "\x00\x01"),
		deleted("a1", "/etc/gone", numbered("line %d", 9)),
		flag(created("a1", "/etc/mesos-slave/attributes/rack", "r1\n")),
		flag(created("a1", "/etc/mesos-slave/?no-hostname_lookup", "")),
		flag(change("a1", "/etc/mesos-slave/ip", "10.0.0.1\n", "10.0.0.2\n")),
		flag(change("a2", "/etc/mesos-slave/ip", "10.0.0.3\n", "10.0.0.4\n")),
		flag(change("a1", "/etc/mesos-slave/port", "5051\n", "5052\n")),
		flag(deleted("a1", "/etc/mesos-slave/cluster", "prod\n")),
		stray("a1", "/etc/mesos-slave/quiet"),
		flag(private(change("a1", "/etc/mesos-slave/credential", "a\n", "b\n"))),
		flag(change("a1", "/etc/mesos-slave/two-lines", "a\n", "b\nc\n")),
		flag(change("a1", "/etc/mesos-slave/unended", "a\n", "b")),
		{
			Addr: mesh.Address{Target: mesh.Marathon("main"), Kind: mesh.App, Name: "/shop"}, Action: diff.Update, Class: diff.Pending,
			Before: app, After: app2, Fields: diff.Fields(app, app2),
		},
	}
	for i := range changes {
		if changes[i].Reason == "" {
			changes[i].Origin = mesh.Pos{File: "prod/mesh.cue", Line: 15, Col: 2}
		}
	}
	diff.Sort(changes)
	shop := mesh.Address{Target: mesh.Marathon("main"), Kind: mesh.App, Name: "/shop"}
	return plan.Plan{
		Effects: []plan.Effect{
			{Kind: plan.TaskRestart, Target: shop.Target, Subject: shop.Name, Count: 2, Because: []string{"cmd", "env"}, Capacity: &plan.Capacity{Stay: 2, Of: 2, Most: 3, Checked: true}},
			{Kind: plan.TaskStart, Target: shop.Target, Subject: shop.Name, Count: 1, Because: []string{"cmd", "env"}},
		},
		Apps:   []plan.AppVerdict{{Addr: shop, Verdict: plan.VerdictRestarts, From: 2, To: 3, Tasks: 2, Text: "restarts 2 tasks because of cmd, env, and scales from 2 to 3"}},
		Schema: plan.Schema, Mesh: "prod", Complete: true, Applicable: true,
		Stages: []plan.Stage{{N: 1, Title: "agents", Why: "5 at a time", Batches: []plan.Batch{{Targets: []mesh.Target{mesh.Host("a1"), mesh.Host("a2")}, Changes: changes}}}},
	}
}

// TestGolden holds each form of one plan, and of a report, to a file; UPDATE=1 rewrites them.
func TestGolden(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 23, 59, 58, 0, time.FixedZone("CET", 3600))
	var events []apply.Event
	for i, e := range []apply.Event{
		{Type: apply.RunStart, Message: "apply prod at 4f2c9e1a7b03"},
		{Type: apply.Starting, Target: "host/m1", Subject: "host/m1/file:/x", Action: "update", Message: "update host/m1/file:/x"},
		{Type: apply.Done, Target: "host/m1", Subject: "host/m1/file:/x", Action: "update", Message: "update host/m1/file:/x"},
		{Type: apply.Starting, Target: "host/m1", Subject: "host/m1/package:app", Action: "update", Message: "update host/m1/package:app"},
		{Type: apply.Done, Target: "host/m1", Subject: "host/m1/package:app", Action: "update", Code: apply.CodeDue, Message: "update host/m1/package:app: another version of lib came along, which a service reads: plan again"},
		{Type: apply.Done, Target: "marathon/main", Subject: "marathon/main/app:/www", Action: "update", Message: "update marathon/main/app:/www", Restarts: &plan.Restarts{Predicted: 12, Observed: 12}},
		{Type: apply.Done, Target: "marathon/main", Subject: "marathon/main/app:/db", Action: "update", Message: "update marathon/main/app:/db", Restarts: &plan.Restarts{Observed: 1}},
		{Type: apply.RunEnd, Code: apply.CodeDone, Message: "all is done"},
	} {
		e.Run, e.Time = "20261127t225958-3f9c2a", at.Add(time.Duration(i)*1500*time.Millisecond)
		events = append(events, e)
	}
	p := allKinds()
	for name, write := range map[string]func(*bytes.Buffer) error{
		"plan.txt":        func(b *bytes.Buffer) error { return Plan(b, p, Options{}) },
		"plan_full.txt":   func(b *bytes.Buffer) error { return Plan(b, p, Options{Full: true}) },
		"plan_brief.txt":  func(b *bytes.Buffer) error { return Plan(b, p, Options{Brief: true, Apply: true}) },
		"plan_color.txt":  func(b *bytes.Buffer) error { return Plan(b, p, Options{Color: true}) },
		"drift.txt":       func(b *bytes.Buffer) error { return Drift(b, p, Options{}) },
		"plan.md":         func(b *bytes.Buffer) error { return PlanMarkdown(b, p, CommentLimit) },
		"plan_short.md":   func(b *bytes.Buffer) error { return PlanMarkdown(b, p, 5000) },
		"plan.json":       func(b *bytes.Buffer) error { return PlanJSON(b, p) },
		"report.txt":      func(b *bytes.Buffer) error { return Report(b, events, Options{}) },
		"report_full.txt": func(b *bytes.Buffer) error { return Report(b, events, Options{Full: true}) },
		"report_days.txt": func(b *bytes.Buffer) error {
			days := append(events[:0:0], events...)
			days[len(days)-1].Time = at.Add(2 * time.Hour)
			return Report(b, days, Options{Full: true})
		},
		"report.md":         func(b *bytes.Buffer) error { return ReportMarkdown(b, events, CommentLimit) },
		"report_killed.txt": func(b *bytes.Buffer) error { return Report(b, events[:2], Options{}) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "hunter") {
			t.Errorf("%s shows a secret", name)
		}
		golden(t, name, b.Bytes())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if os.Getenv("UPDATE") == "1" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is another one (%v); UPDATE=1 rewrites it:\n%s", file, err, cmp.Diff(string(want), string(got)))
	}
}
