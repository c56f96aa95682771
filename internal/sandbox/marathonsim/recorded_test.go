package marathonsim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// call makes one request and decodes the answer.
func call(t *testing.T, h http.Handler, method, path string, body any) (int, map[string]any) {
	t.Helper()
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, bytes.NewReader(data)))
	var out map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &out) // lists and empty bodies are no objects
	return w.Code, out
}

// settle lets all deployments end, without a clock.
func settle(s *Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < 200 && (len(s.deployments) > 0 || s.unsettled()); i++ {
		s.step()
	}
}

// slow is a Marathon whose own clock does not get to tick: tests step it.
func slow(t *testing.T) *Server {
	t.Helper()
	s := New(Options{Name: "main", Tick: time.Hour})
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// recordedEdit is what one edit of a running app did to a Marathon 1.11.26.
type recordedEdit struct {
	Base    string                        `json:"base"`
	Edit    string                        `json:"edit"`
	Request struct{ Method, Path string } `json:"request"`
	After   map[string]any                `json:"after"`
	Absent  []string                      `json:"absent"`
	Seen    struct {
		Status  int    `json:"status"`
		Effect  string `json:"effect"`
		Changed struct {
			Version bool `json:"version"`
			Config  bool `json:"lastConfigChangeAt"`
			Scaling bool `json:"lastScalingAt"`
		} `json:"changed"`
	} `json:"observed"`
}

func TestRecordedEditsDoHereWhatTheyDidThere(t *testing.T) {
	t.Parallel()
	var data struct {
		Bases map[string]struct{ Submitted, Canonical map[string]any }
		Edits []recordedEdit
	}
	f, err := os.Open(filepath.Join("testdata", "edits.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(z)
	d.UseNumber()
	if err := d.Decode(&data); err != nil {
		t.Fatal(err)
	}
	agree, refused, total := 0, 0, 0
	for _, e := range data.Edits {
		if e.Request.Method != "PUT" || !strings.Contains(e.Request.Path, "partialUpdate=false") {
			continue
		}
		total++
		switch got := replayEdit(t, data.Bases[e.Base].Submitted, data.Bases[e.Base].Canonical, e); {
		case got == "":
			agree++
		case strings.HasPrefix(got, "not simulated"):
			refused++
		default:
			if _, known := disagreements()[e.Base+" "+e.Edit]; !known {
				t.Errorf("%s %s: %s", e.Base, e.Edit, got)
			}
		}
	}
	t.Logf("%d of %d recorded edits agree, %d are refused as not simulated", agree, total, refused)
}

// disagreements are recorded edits that end otherwise here, with the reason. The list only shrinks.
func disagreements() map[string]string { return map[string]string{} }

func replayEdit(t *testing.T, submitted, canonical map[string]any, e recordedEdit) string {
	t.Helper()
	s := slow(t)
	id, _ := submitted["id"].(string)
	if code, body := call(t, s, http.MethodPost, "/v2/apps", submitted); code != http.StatusCreated {
		return "not simulated: " + text(body)
	}
	settle(s)
	_, got := call(t, s, http.MethodGet, "/v2/apps"+id, nil)
	before, _ := got["app"].(map[string]any)
	body := maps.Clone(canonical)
	maps.Copy(body, e.After)
	for _, f := range e.Absent {
		delete(body, f)
	}
	code, answer := call(t, s, http.MethodPut, "/v2/apps"+id+"?partialUpdate=false", body)
	if strings.Contains(text(answer), "does not simulate") || strings.Contains(text(answer), "the sandbox simulates") {
		return "not simulated: " + text(answer)
	}
	if code != e.Seen.Status {
		return "status " + http.StatusText(code) + ", there it was " + http.StatusText(e.Seen.Status) + ": " + text(answer)
	}
	_, got = call(t, s, http.MethodGet, "/v2/apps"+id, nil)
	after, _ := got["app"].(map[string]any)
	moved := func(f string) bool {
		b, _ := before["versionInfo"].(map[string]any)
		a, _ := after["versionInfo"].(map[string]any)
		return a[f] != b[f]
	}
	c := e.Seen.Changed
	switch {
	case code < 300 && (before["version"] != after["version"]) != c.Version:
		return "the version moves only in one of the two"
	case code < 300 && moved("lastConfigChangeAt") != c.Config:
		return "lastConfigChangeAt moves only in one of the two"
	case code < 300 && moved("lastScalingAt") != c.Scaling:
		return "lastScalingAt moves only in one of the two"
	}
	return ""
}
