package config

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestBadRepositories holds the errors of bad repositories to their golden texts. An
// archive's files replace or add to the example's; UPDATE=1 rewrites what is wanted.
func TestBadRepositories(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join("testdata", "bad", "*.txtar"))
	if err != nil || len(names) < 40 {
		t.Fatalf("%d archives, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			badRepository(t, name)
		})
	}
}

func badRepository(t *testing.T, name string) {
	t.Helper()
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files, want, dir := maps.Clone(example(t)), "", "prod"
	for line := range strings.Lines(string(a.Comment)) {
		if m, ok := strings.CutPrefix(line, "mesh: "); ok {
			dir = strings.TrimSpace(m)
		}
	}
	kept := []txtar.File{}
	for _, f := range a.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		kept = append(kept, f)
		files[f.Name] = f.Data
		if string(f.Data) == "DELETE\n" {
			delete(files, f.Name)
		}
	}
	_, err = Load(files, dir)
	var invalid *Errors
	if !errors.As(err, &invalid) {
		t.Fatalf("no error, or another one: %v", err)
	}
	got := err.Error() + "\n"
	if strings.Contains(got, "hunter") {
		t.Error("a secret is in the text")
	}
	if os.Getenv("UPDATE") == "1" {
		a.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(name, txtar.Format(a), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("another text than before; UPDATE=1 rewrites it:\n%s", cmp.Diff(want, got))
	}
}
