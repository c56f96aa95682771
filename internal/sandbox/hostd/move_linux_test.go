package hostd

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// TestAReplacementEndsFromWhereverItStopped lays the folders as an end of the process at each
// step would leave them.
func TestAReplacementEndsFromWhereverItStopped(t *testing.T) {
	t.Parallel()
	const old, fresh = "old", "new"
	for name, x := range map[string]struct {
		files map[string]string // below the folder in which root is
		want  string
	}{
		"before it began":            {map[string]string{"root/a": old, "root/b/c": old}, old},
		"while it was copied":        {map[string]string{"root/a": old, "root/b/c": old, "root.copy/a": fresh}, old},
		"when the copy was whole":    {map[string]string{"root/a": old, "root/b/c": old, "root/gone/x": old, "root.back/a": fresh, "root.back/b/c": fresh}, fresh},
		"when some was removed":      {map[string]string{"root/b/c": old, "root.back/a": fresh, "root.back/b/c": fresh}, fresh},
		"when some was replaced":     {map[string]string{"root/a": fresh, "root/b/c": old, "root/b/" + linkName: fresh, "root.back/a": fresh, "root.back/b/c": fresh}, fresh},
		"where a folder was a file":  {map[string]string{"root/a/x": old, "root/b": old, "root.back/a": fresh, "root.back/b/c": fresh}, fresh},
		"while the copy was removed": {map[string]string{"root/a": fresh, "root/b/c": fresh, "root.ready/b/c": fresh}, fresh},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for f, text := range x.files {
				write(t, filepath.Join(dir, f), text)
			}
			for range 2 { // the second time there is nothing to do
				if err := settle(filepath.Join(dir, "root")); err != nil {
					t.Fatal(err)
				}
				if got, want := filesOf(t, dir), map[string]string{"root/a": x.want, "root/b/c": x.want}; !maps.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
			}
			if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
				t.Errorf("left beside the root: %v, %v", list, err)
			}
		})
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// filesOf is the text of each file below a folder.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		out[rel] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
