package marathond

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// recordedSize is a large app without instances, and what became of it and of the leader.
type recordedSize struct {
	Kind     string
	KB       int `json:"kB"`
	Labels   int
	Verb     string
	Status   int
	Error    string
	Get      int
	Complete bool
	Delete   int
	Next     int `json:"next_write"`
	After    int `json:"after_restart_exists"`
}

// retype reads a decoded value as another type.
func retype(t *testing.T, from, to any) {
	t.Helper()
	text, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatal(err)
	}
}

// heavyLabels has labels of so many kilobytes altogether.
func (r recordedSize) heavyLabels() object {
	out := object{}
	for n := range max(r.Labels, 1) {
		size := r.KB * 1000 / max(r.Labels, 1)
		text := strings.Repeat("z", size)
		if r.Kind == "random" {
			var b strings.Builder
			for i := uint32(n + 1); b.Len() < size; i = i*1664525 + 1013904223 {
				fmt.Fprintf(&b, "%08x", i)
			}
			text = b.String()[:size]
		}
		out[fmt.Sprintf("d%d", n)] = text
	}
	return out
}

func (r recordedSize) differ(t *testing.T, w *world) string {
	t.Helper()
	labels := r.heavyLabels()
	body := object{"id": "/rec/big", "cmd": "run it", "cpus": 0.1, "mem": 32, "instances": 0, "labels": labels}
	var made reply
	broken := aborted(func() { made = w.call(t, "POST", "/v2/apps", body) })
	if broken != (r.Error != "") || made.status != r.Status {
		return fmt.Sprintf("%d, broken %v; there %d, %q", made.status, broken, r.Status, r.Error)
	}
	got := w.call(t, "GET", "/v2/apps/rec/big", nil)
	if broken {
		if r.After != 0 && got.status != r.After {
			return fmt.Sprintf("it is there afterwards: %d", got.status)
		}
		return ""
	}
	if complete := appdef.Equal(appdef.Map(got.object()["app"])["labels"], labels); complete != r.Complete {
		return fmt.Sprintf("read back whole: %v", complete)
	}
	if d := w.call(t, "DELETE", "/v2/apps/rec/big", nil); r.Delete != 0 && d.status != r.Delete {
		return fmt.Sprintf("deleted: %d", d.status)
	}
	if n := w.call(t, "POST", "/v2/apps", []byte(plainApp("/rec/next", 0, ""))); n.status != r.Next {
		return fmt.Sprintf("the next write: %d", n.status)
	}
	return ""
}

// Apps without instances are records: what size they may have, their versions and events.
func TestRecordedRecordsAreKept(t *testing.T) {
	t.Parallel()
	var recorded struct {
		Sizes    []recordedSize
		Earlier  []recordedSize         `json:"sizes_earlier_run"`
		Several  []struct{ Status int } `json:"several_300kB_records"`
		Versions struct{ Edits, Listed int }
		Edits    map[string]int `json:"back_to_back_edits"`
		Events   []object       `json:"edit_events"`
	}
	load(t, "records.json.gz", &recorded)
	for _, r := range append(recorded.Sizes, recorded.Earlier...) {
		if diff := r.differ(t, newWorld(t, Options{})); diff != "" {
			t.Errorf("%d kB of %s text in %d labels: %s", r.KB, r.Kind, r.Labels, diff)
		}
	}
	w := newWorld(t, Options{})
	for n, r := range recorded.Several {
		body := object{"id": fmt.Sprintf("/rec/s%d", n), "cmd": "run it", "instances": 0, "labels": recordedSize{KB: 300}.heavyLabels()}
		if got := w.call(t, "POST", "/v2/apps", body); got.status != r.Status {
			t.Errorf("record %d of 300 kB: %d", n, got.status)
		}
	}
	recordVersions(t, w, recorded.Versions.Edits, recorded.Versions.Listed)
	edited := map[string]int{}
	for n := range 100 {
		edited[fmt.Sprint(labelRecord(t, w, fmt.Sprintf("fast %d", n)).status)]++
	}
	if fmt.Sprint(edited) != fmt.Sprint(recorded.Edits) {
		t.Errorf("edits back to back: %v, there %v", edited, recorded.Edits)
	}
	w.settle()
	heard := w.listen()
	labelRecord(t, w, "steps")
	w.settle()
	m := &matcher{names: map[string]string{}, used: map[string]string{}, loose: true}
	if m.matchEvents(recorded.Events[1:], heard()); len(m.diffs) > 0 { // the first is of the stream itself
		t.Errorf("an edit's events:\n    %s", strings.Join(m.diffs, "\n    "))
	}
}

func labelRecord(t *testing.T, w *world, n string) reply {
	t.Helper()
	return w.call(t, "PUT", "/v2/apps/rec/v?partialUpdate=false", []byte(plainApp("/rec/v", 0, `, "labels": {"n": "`+n+`"}`)))
}

// recordVersions edits a record until there are so many versions: more are listed than --zk_max_versions
// says, and the oldest can be read.
func recordVersions(t *testing.T, w *world, edits, listed int) {
	t.Helper()
	w.call(t, "POST", "/v2/apps", []byte(plainApp("/rec/v", 0, "")))
	first := w.get(t, "/rec/v")["version"]
	for n := range edits - 1 {
		labelRecord(t, w, fmt.Sprint(n))
	}
	list := appdef.List(w.call(t, "GET", "/v2/apps/rec/v/versions", nil).object()["versions"])
	if len(list) != listed {
		t.Errorf("%d versions after %d writes, there %d", len(list), edits, listed)
	}
	oldest := w.call(t, "GET", "/v2/apps/rec/v/versions/"+appdef.Text(first), nil)
	if oldest.status != 200 || appdef.Map(oldest.object()["labels"])["n"] != nil {
		t.Errorf("the oldest: %d %s", oldest.status, oldest.raw)
	}
}
