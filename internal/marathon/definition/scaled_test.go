package definition

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// asked is an answer of a Marathon, nil where it refuses.
func asked(t *testing.T, s *marathond.Server, method, path string, body any) map[string]any {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		return nil // 1e400
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code >= http.StatusMultipleChoices {
		return nil
	}
	return parsed(t, w.Body.String())
}

func echoOf(t *testing.T, s *marathond.Server, id string) map[string]any {
	t.Helper()
	app, _ := asked(t, s, http.MethodGet, "/v2/apps"+id, nil)["app"].(map[string]any)
	return app
}

// Apps as others wrote them, in all spellings, are scaled: nothing else of them changes, but
// where it was said that Marathon rewrites them.
func TestScalingAGeneratedAppChangesNothingElse(t *testing.T) {
	t.Parallel()
	s := marathond.New(marathond.Options{Name: "main", DefaultNetwork: "dcos", Features: []string{"secrets", "vips", "external_volumes", "gpu_resources"}})
	t.Cleanup(func() { _ = s.Close() })
	info := submitted{}.info()
	info.DefaultNetworkName = "dcos"
	g := newGenerator(t, 2)
	scaled, rewrites := 0, 0
	for i := 0; scaled < 1500; i++ {
		def := g.definition(i)
		def["instances"] = 0
		id, _ := def["id"].(string)
		if asked(t, s, http.MethodPost, "/v2/apps", def) == nil {
			continue
		}
		echo := echoOf(t, s, id)
		if echo == nil {
			t.Fatalf("%s cannot be read", id)
		}
		live, err := LiveResource("main", echo, info, Masker{})
		if err != nil {
			t.Fatal(err)
		}
		form, _, err := Canonical(echo, info)
		if err != nil {
			t.Fatal(err)
		}
		form["instances"] = int64(1)
		body, err := Body(form, echo, info)
		if err != nil {
			t.Fatal(err)
		}
		if asked(t, s, http.MethodPut, "/v2/apps"+id+"?partialUpdate=false", body) != nil {
			scaled++
			after := echoOf(t, s, id)
			if told := len(live.App.Rewritten) > 0; configChanged(echo, after) != told {
				t.Errorf("the app changes: %v, that it does was told: %v\n%v\n%v", !told, told, echo, body)
			} else if told {
				rewrites++
			}
			if now, _, err := Canonical(after, info); err != nil || !mesh.EqualValues(now, form) {
				t.Errorf("%v: %v\nis not %v", err, now, form)
			}
		}
		asked(t, s, http.MethodDelete, "/v2/apps"+id+"?force=true", nil)
	}
	t.Logf("%d apps were scaled, %d of them rewritten", scaled, rewrites)
	if rewrites == 0 {
		t.Error("none was rewritten: the test shows too little")
	}
}

// configChanged tells whether Marathon made another configuration.
func configChanged(before, after map[string]any) bool {
	was, _ := before["versionInfo"].(map[string]any)
	is, _ := after["versionInfo"].(map[string]any)
	return was["lastConfigChangeAt"] != is["lastConfigChangeAt"]
}
