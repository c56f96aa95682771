package render

import (
	"bytes"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// onTwo is a plan that scales the app /www on two Marathons.
func onTwo(marathons ...string) plan.Plan {
	p := plan.Plan{Schema: plan.Schema, Mesh: "prod", Complete: true, Applicable: true, Marathons: marathons}
	s := plan.Stage{N: 1, Title: "apps"}
	for i, name := range []string{"batch", "main"} {
		after, t := mesh.MustTree(map[string]any{"instances": 3 + i}), mesh.Marathon(name)
		c := diff.Change{
			Addr: mesh.Address{Target: t, Kind: mesh.App, Name: "/www"}, Action: diff.Update, Class: diff.Pending,
			Before: mesh.MustTree(map[string]any{"instances": 2}), After: after,
			Fields: []diff.Field{{Path: "instances", Before: 2, After: 3 + i}},
		}
		s.Batches = append(s.Batches, plan.Batch{Targets: []mesh.Target{t}, Changes: []diff.Change{c}})
		p.Effects = append(p.Effects, plan.Effect{Kind: plan.TaskStart, Target: t, Subject: "/www", Count: 1 + i, Because: []string{"instances"}})
	}
	p.Stages = []plan.Stage{s}
	return p
}

func TestAppsOfOneIDOnTwoMarathonsAreToldApart(t *testing.T) {
	t.Parallel()
	p := onTwo("batch", "main")
	var text, markdown, drift, document bytes.Buffer
	for _, err := range []error{Plan(&text, p, Options{}), PlanMarkdown(&markdown, p, CommentLimit), Drift(&drift, p, Options{}), DriftJSON(&document, p)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	again, err := ReadDrift(&document)
	if err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	if err := Drift(&shown, again, Options{}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		got  string
		want []string
	}{
		"plan":            {text.String(), []string{"start 1 task of /www on batch\n", "start 2 tasks of /www on main\n", "update app /www  on batch  (pending)", "update app /www  on main  (pending)"}},
		"markdown":        {markdown.String(), []string{"start 1 task of /www on batch", "start 2 tasks of /www on main", "on batch (pending)", "on main (pending)"}},
		"drift":           {drift.String(), []string{"update app /www  on batch  (pending)", "update app /www  on main  (pending)"}},
		"drift from JSON": {shown.String(), []string{"update app /www  on batch  (pending)"}},
	} {
		for _, want := range tt.want {
			if !strings.Contains(tt.got, want) {
				t.Errorf("%s: no %q in:\n%s", name, want, tt.got)
			}
		}
	}
}

func TestAMeshWithOneMarathonNamesItNowhere(t *testing.T) {
	t.Parallel()
	p := onTwo()
	p.Effects, p.Stages[0].Batches = p.Effects[:1], p.Stages[0].Batches[:1]
	var text bytes.Buffer
	if err := Plan(&text, p, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"start 1 task of /www\n", "update app /www  (pending)"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in:\n%s", want, &text)
		}
	}
}
