package marathon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
)

// fragile texts are those where a reader by hand goes wrong.
func fragile() []string {
	return []string{
		`{}`, `{"a":[]}`, ` { "a" : [ 1 , {"b":null} ] , "c":true,"d":false } `, `{"a":1,"a":2}`,
		`{"a":"\u00e9\ud83d\ude00\"\\\/\n"}`, "{\"é\":\"ü\"}", "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, "{\"a\":\"\x01\"}",
		`{"a":[0,-0,1.0,1e2,1E-4,2.50,123456789012345678,12345678901234567890,9007199254740993.0,-1]}`,
		`{"a":01}`, `{"a":1.}`, `{"a":+1}`, `{"a":-}`, `{"a":1e400}`, `{"a":--1}`, `{"a":.5}`, `{"a":1ee2}`,
		`{"a":tru}`, `{"a":nul`, `{"a"}`, `{"a":1,}`, `{"a":[1,]}`, `{"a":[1 2]}`, `{a:1}`, `[1]`, `"x"`, ``, `{`, `{"a`, `{"a":"x\`, `{"a":[[[[`,
	}
}

// large ones do not fit into what is read at once.
func large() []string {
	return []string{
		`{"a":"` + strings.Repeat("x", 200<<10) + `","b":1}`, `{"` + strings.Repeat("n", 70<<10) + `":{"x":"yyyyyyyyyyyyyyyyyyyyyyyy"}}`,
	}
}

// agrees reads a text by the reader and by encoding/json, which have to come to the same.
func agrees(t *testing.T, text []byte, from io.Reader) {
	t.Helper()
	r := newJSONReader(from)
	got, err := r.object("")
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var decoded any
	wantErr := d.Decode(&decoded)
	want, isObject := decoded.(map[string]any)
	if (err == nil) != (wantErr == nil && isObject) {
		t.Fatalf("%.80q: %v, and encoding/json says %v", text, err, wantErr)
	}
	if err != nil {
		return
	}
	tree, treeErr := mesh.NewTree(want)
	if r.outOfRange != (treeErr != nil) {
		t.Fatalf("%.80q: out of range: %v, %v", text, r.outOfRange, treeErr)
	}
	if treeErr == nil && !mesh.EqualValues(got, map[string]any(tree)) {
		t.Fatalf("%.80q:\ngot  %.300v\nwant %.300v", text, got, tree)
	}
}

// What an app list leaves out of the statistics of an app has no effect on what is read.
func TestStatisticsAreReadForOldTasksOnly(t *testing.T) {
	t.Parallel()
	stats := func(n int) string {
		return fmt.Sprintf(`{"stats":{"counts":{"staged":1,"running":%d,"healthy":0,"unhealthy":0},"lifeTime":{"averageSeconds":0.5,"medianSeconds":1e3}}}`, n)
	}
	for text, want := range map[string]int{
		`"tasksStats":{"totalSummary":` + stats(5) + `,"withOutdatedConfig":` + stats(2) + `}`:    3,
		`"taskStats":{"withOutdatedConfig":` + stats(1) + `,"withLatestConfig":` + stats(2) + `}`: 2,
		`"tasksStats":{"withLatestConfig":` + stats(2) + `}`:                                      0,
		`"tasksStats":{}`: 0, `"tasksStats":null`: 0, `"tasksStats":[1,{"a":"b\n"}]`: 0, `"tasksStats":{"withOutdatedConfig":7,"x":[[],{"y":null}]}`: 0,
	} {
		l := &appList{target: mesh.Marathon("main"), mesh: "prod", forms: definition.NewForms(mesh.MarathonInfo{Version: "1.11.26"}, definition.Masker{})}
		if err := l.decode(strings.NewReader(`{"apps":[{"id":"/a","cmd":"x",` + text + `,"tasksRunning":2}]}`)); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if a := l.resources[0].App; a.TasksOutdated != want || a.TasksRunning != 2 || len(a.Foreign) > 0 {
			t.Errorf("%s: %+v, want %d", text, a, want)
		}
	}
	for _, text := range []string{`{"tasksStats":{"x":`, `{"tasksStats":{"x":{"y":tru}}}`, `{"tasksStats":{"x":1,}}`} {
		l := &appList{forms: definition.NewForms(mesh.MarathonInfo{}, definition.Masker{})}
		if err := l.decode(strings.NewReader(`{"apps":[` + text + `]}`)); err == nil {
			t.Errorf("%s is no JSON", text)
		}
	}
}

func TestJSONIsReadAsEncodingJSONDoes(t *testing.T) {
	t.Parallel()
	for _, text := range append(fragile(), large()...) {
		agrees(t, []byte(text), strings.NewReader(text))
		agrees(t, []byte(text), iotest.OneByteReader(strings.NewReader(text)))
		agrees(t, []byte(text), iotest.DataErrReader(strings.NewReader(text)))
	}
}

func FuzzJSONIsReadAsEncodingJSONDoes(f *testing.F) {
	for _, text := range fragile() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > maxDepth {
			t.Skip("deeper than any app")
		}
		agrees(t, text, bytes.NewReader(text))
		agrees(t, text, iotest.HalfReader(bytes.NewReader(text)))
	})
}

func newList() *appList {
	return &appList{target: mesh.Marathon("main"), mesh: "prod", forms: definition.NewForms(mesh.MarathonInfo{}, definition.NewMasker(nil))}
}

func TestAnAnswerThatBreaksOffIsNotTakenForShorter(t *testing.T) {
	t.Parallel()
	text := `{"apps":[{"id":"/a","cmd":"x"},{"id":"/b","cmd":"é\n","cpus":0.1}],"z":[1,{"a":null}]}`
	for n := range len(text) {
		if err := newList().decode(strings.NewReader(text[:n])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("after %q: %v", text[:n], err)
		}
	}
	broken := errors.New("the line is dead")
	err := newList().decode(io.MultiReader(strings.NewReader(text[:40]), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Error(err)
	}
	deep := `{"apps":[{"id":` + strings.Repeat("[", 1<<20)
	if err := newList().decode(strings.NewReader(deep)); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a megabyte of brackets: %v", err)
	}
}
