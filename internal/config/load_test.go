package config

import (
	"io/fs"
	"strings"
	"testing"

	meshsync "meshsync.dev/meshsync"
)

// example reads the example repository as Load takes it.
func example(t testing.TB) map[string][]byte {
	t.Helper()
	root, err := fs.Sub(meshsync.ExampleRepo, "example-repo")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".cue") {
			return err
		}
		out[name], err = fs.ReadFile(root, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLoadReadsTheExample(t *testing.T) {
	t.Parallel()
	m, err := Load(example(t), "prod")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range m.Hosts {
		t.Logf("%+v", h)
	}
	for _, r := range m.Roles {
		t.Logf("%+v %+v", r, r.Ensemble)
	}
	for _, r := range m.Resources {
		t.Logf("%s %v %s %v", r.Addr, r.Attrs, r.Origin, r.Service)
	}
	for _, a := range m.Apps {
		t.Logf("%s %s %v %v", a.ID, a.Origin, a.Definition, a.Fields)
	}
	t.Logf("%+v", m.Policy)
}
