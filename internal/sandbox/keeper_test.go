package sandbox_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

// appsOf asks a Marathon of the sandbox, or tells it, and returns the answer.
func appsOf(t *testing.T, c *sandbox.Cluster, method, path, body string) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, c.MarathonURL("main")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Close = true
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAppsAreThereAgainAfterDownAndUp(t *testing.T) {
	t.Parallel()
	o := sandbox.Options{Dir: t.TempDir(), Marathons: []string{"main", "a/b"}}
	c := box(t, o)
	appsOf(t, c, "POST", "/v2/apps", `{"id":"/www","cmd":"sleep 1","instances":2}`)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	again := box(t, o)
	eventually(t, "the tasks run again", func() bool {
		text := appsOf(t, again, "GET", "/v2/apps//www", "")
		return strings.Contains(text, `"cmd":"sleep 1"`) && strings.Contains(text, `"tasksRunning":2`)
	})
	file := filepath.Join(o.Dir, "marathons", "main.json")
	appsOf(t, again, "DELETE", "/v2/apps//www?force=true", "")
	eventually(t, "a change is written without an end", func() bool {
		text, err := os.ReadFile(file)
		return err == nil && !strings.Contains(string(text), "sleep 1")
	})
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "main.json, which can be removed") {
		t.Errorf("with a broken file: %v", err)
	}
	if text, err := os.ReadFile(file); string(text) != "{" {
		t.Errorf("the broken file: %q, %v", text, err)
	}
}
