package config

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"github.com/google/go-cmp/cmp"
)

// TestADefinitionOfMarathonsIsReadAsMarathonReadsIt: what stands in JSON that was posted, or
// answered to a GET, is understood as it stands.
func TestADefinitionOfMarathonsIsReadAsMarathonReadsIt(t *testing.T) {
	t.Parallel()
	m := loaded(t, "prod", map[string]string{"prod/apps/pasted/a.cue": `package pasted

apps: "/pasted/../pasted//a/": {
	"id": "/pasted/a", "cmd": "sleep 9", "args": null, "instances": 2.0, "user": null, "killSelection": "oldest_first",
	"container": {"type": "docker", "docker": {"image": "x", "pullConfig": {secret: "s"} | *null}, "portMappings": [{"containerPort": 8e1, "protocol": "TCP", "name": null}]},
	"networks": [{"mode": "Container/Bridge"}], "unreachableStrategy": "DISABLED",
	"version": "2020-01-01T00:00:00.000Z", "tasksRunning": 2, "deployments": [], "tasks": null
}
`})
	want := map[string]any{
		"id": "/pasted/a", "cmd": "sleep 9", "instances": json.Number("2"), "killSelection": "OLDEST_FIRST",
		"container": map[string]any{
			"type": "DOCKER", "docker": map[string]any{"image": "x"},
			"portMappings": []any{map[string]any{"containerPort": json.Number("80"), "protocol": "tcp"}},
		},
		"networks": []any{map[string]any{"mode": "container/bridge"}}, "unreachableStrategy": "disabled",
		"version": "2020-01-01T00:00:00.000Z", "tasksRunning": json.Number("2"), "deployments": []any{},
	}
	for _, a := range m.Apps {
		if a.ID != "/pasted/a" {
			continue
		}
		if d := cmp.Diff(want, a.Definition); d != "" {
			t.Error(d)
		}
		want = nil
	}
	if want != nil {
		t.Error("the app has another id")
	}
	var texts []string
	for _, w := range m.Warnings {
		texts = append(texts, w.String())
	}
	if text := strings.Join(texts, "\n"); !strings.Contains(text, "a.cue:7:60: app /pasted/a has deployments, tasksRunning and version, which are what Marathon answers") || len(texts) != 1 {
		t.Errorf("%s", text)
	}
}

// TestWhatIsReadLenientlyIsOfTheContract: it is understood, and so is something that the contract has.
func TestWhatIsReadLenientlyIsOfTheContract(t *testing.T) {
	t.Parallel()
	ctx := cuecontext.New()
	con := newContract(ctx)
	app, err := structOf(con.def("#App"))
	if err != nil {
		t.Fatal(err)
	}
	strict := newShapeReader(ctx)
	lenient, seen, more := strict.leniently(), map[string]bool{}, 0
	for _, body := range bodies(t) {
		for _, changed := range spoilt("", body, seen) {
			v := ctx.CompileBytes([]byte(jsonText(t, changed.(map[string]any))))
			got, ok := app.read(lenient, v)
			if _, usual := app.read(strict, v); usual && !ok {
				t.Errorf("refused: %v", v)
			} else if usual || !ok {
				continue
			}
			more++
			u := con.def("#App").Unify(ctx.CompileBytes([]byte(jsonText(t, got.(map[string]any)))))
			if err := u.Validate(cue.Concrete(true), cue.Final()); err != nil {
				t.Errorf("%v is read as %v: %v", v, got, err)
			}
		}
	}
	if more < 50 {
		t.Errorf("%d are read leniently: too few to say anything", more)
	}
}

// TestOnlyWhatMarathonTakesIsUnderstood: beside what is understood, what is not is told alone.
func TestOnlyWhatMarathonTakesIsUnderstood(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ field, want string }{
		{`instances: 2.5`, `instances of app /x is 2.5, and must be a whole number`},
		{`instances: 1e400`, `instances of app /x is 1E+400, and must be a whole number`},
		{`env: A: null`, `env.A of app /x`},
		{`healthChecks: [null]`, `healthChecks[0] of app /x`},
		{`container: docker: image: null`, `container.docker.image of app /x`},
		{`resourceLimits: cpus: "UNLIMITED"`, `resourceLimits.cpus of app /x is "UNLIMITED"`},
		{`killSelection: "older"`, `killSelection of app /x is "older"`},
	} {
		files := example(t)
		files["prod/apps/web/x.cue"] = []byte("package web\n\napps: \"/x\": {cmd: \"sleep 9\", args: null, check: http: scheme: \"http\", " + x.field + "}\n")
		_, err := Load(files, "prod")
		if err == nil || !strings.Contains(err.Error(), x.want) || slices.ContainsFunc([]string{"args", "scheme"}, func(s string) bool { return strings.Contains(err.Error(), s) }) {
			t.Errorf("%s: %v", x.field, err)
		}
	}
}
