package config

import (
	"slices"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
)

// What packages builds must be what cue/load builds of the same files; where it cannot
// tell, it must say so.
func TestPlainPackagesAreThoseOfTheLoader(t *testing.T) {
	t.Parallel()
	const folder = "prod/apps/web"
	app := func(more string) string { return more + "package web\n\napps: \"/two\": cmd: \"x 1\"\n" }
	for _, tt := range []struct {
		name  string
		files map[string]string
		plain bool
	}{
		{"as it is", nil, true},
		{"two files", map[string]string{folder + "/two.cue": app("")}, true},
		{"the standard library", map[string]string{folder + "/two.cue": "package web\n\nimport \"strings\"\n\napps: \"/two\": cmd: strings.ToUpper(\"x\")\n"}, true},
		{"a test file", map[string]string{folder + "/two_test.cue": app("")}, false},
		{"a tool file", map[string]string{folder + "/two_tool.cue": app("")}, false},
		{"a file that is off", map[string]string{folder + "/two.cue": app("@if(no)\n\n")}, false},
		{"a hidden file", map[string]string{folder + "/.two.cue": app("")}, false},
		{"a file of the folder above", map[string]string{"prod/apps/two.cue": app("")}, false},
		{"another package in it", map[string]string{folder + "/two.cue": "package other\n"}, false},
		{"an import with a qualifier", map[string]string{folder + "/two.cue": "package web\n\nimport f \"example.com/infra/facts:facts\"\n\napps: \"/two\": cmd: f.domain\n"}, false},
		{"a package that is not there", map[string]string{folder + "/two.cue": "package web\n\nimport \"example.com/infra/nothing\"\n\napps: \"/two\": cmd: nothing.x\n"}, false},
		{"an import that nothing uses", map[string]string{folder + "/two.cue": "package web\n\nimport \"example.com/infra/facts\"\n"}, false},
		{"a cycle", map[string]string{"templates/again.cue": "package templates\n\nimport \"example.com/infra/templates\"\n\n#Again: templates.#Web\n"}, false},
		{"a package laid over another", map[string]string{"cue.mod/gen/meshsync.dev/mesh/more.cue": "package mesh\n"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := example(t)
			for name, text := range tt.files {
				files[name] = []byte(text)
			}
			l := &loader{dir: "prod", errs: &collector{}}
			l.mod = parse(files, l.errs)
			inst, plain := newPackages(l.mod).instance(folder)
			if plain != tt.plain {
				t.Fatalf("plain: %v", plain)
			}
			if !plain {
				return
			}
			want := load.Instances([]string{"./" + folder}, l.config("."))[0]
			if !slices.Equal(inst.ImportPaths, want.ImportPaths) {
				t.Errorf("imports %q, the loader's %q", inst.ImportPaths, want.ImportPaths)
			}
			value := func(v cue.Value) string {
				b, err := v.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
			if got, want := value(cuecontext.New().BuildInstance(inst)), value(cuecontext.New().BuildInstance(want)); got != want {
				t.Errorf("%s\nthe loader's: %s", got, want)
			}
		})
	}
}
