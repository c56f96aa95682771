package marathond

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// Each file of testdata is loaded by a test: what was recorded and is in no replay holds nobody to it.
//
// MESHSYNC_MARATHON_RECORDINGS names a folder of recordings. Then each file there must be one
// of testdata, with the same content.
func TestEveryRecordingIsReplayed(t *testing.T) {
	t.Parallel()
	code := testCode(t)
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := f.Name(); !strings.Contains(code, `(t, "`+name+`"`) && !strings.Contains(code, `: "`+name+`"`) {
			t.Errorf("no test replays %s", name)
		}
	}
	if dir := os.Getenv("MESHSYNC_MARATHON_RECORDINGS"); dir != "" {
		compareRecordings(t, dir)
	}
}

// testCode is the text of the package's tests but this one.
func testCode(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if f != "recordings_test.go" {
			code.Write(data)
		}
	}
	return code.String()
}

// compareRecordings holds the copies to the originals.
func compareRecordings(t *testing.T, dir string) {
	t.Helper()
	var topics map[string]any
	load(t, "exchanges.json.gz", &topics)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "README.md" {
			return err
		}
		original, err := os.ReadFile(path) //nolint:gosec // the folder that the caller names
		if err != nil {
			return err
		}
		name := d.Name()
		switch topic := strings.TrimSuffix(name, ".json"); {
		case name == "canonical-cases.json":
			compareCases(t, original)
		case filepath.Base(filepath.Dir(path)) == "exchanges":
			sameRecording(t, path, decode(original), topics[topic])
		case strings.HasSuffix(name, ".json"):
			var copied any
			load(t, name+".gz", &copied)
			sameRecording(t, path, decode(original), copied)
		default:
			sameRecording(t, path, string(original), loadText(t, name+".gz"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func sameRecording(t *testing.T, path string, original, copied any) {
	t.Helper()
	if !appdef.Equal(original, copied) {
		t.Errorf("%s is not what testdata has of it", path)
	}
}

// compareCases: the submissions of two files are in one, told apart by their set.
func compareCases(t *testing.T, original []byte) {
	t.Helper()
	var want []submission
	if err := json.Unmarshal(original, &want); err != nil {
		t.Fatal(err)
	}
	var cases []submission
	load(t, "cases.json.gz", &cases)
	known := map[string]bool{}
	for _, c := range cases {
		known[c.Name] = true
	}
	for _, c := range want {
		if !known[c.Name] {
			t.Errorf("the case %s is not replayed", c.Name)
		}
	}
}
