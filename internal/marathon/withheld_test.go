package marathon

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/secret"
)

// What Mesos says of a task that did not start is in a progress line, cut to its length. Docker's words have
// the command, and with it the variables.
func TestWhatATaskDiedOfTellsNoSecret(t *testing.T) {
	t.Parallel()
	const password, whole = "canary 7f3a", "postgres://u:canary 7f3a@db"
	want := mesh.MustTree(map[string]any{"instances": 1, "env": map[string]any{"DB_PASSWORD": secret.New(password), "URL": secret.New(whole), "PIN": secret.New("1")}})
	for _, before := range []int{0, 130, 140, 145, 150} { // where it is cut amid the secret
		message := "Failed to run 'docker " + strings.Repeat("x", before) + " run -e DB_PASSWORD=" + password + " -e URL=" + whole + "': exited with status 125"
		live := map[string]any{"lastTaskFailure": map[string]any{"host": "a1", "message": message}}
		text := queued{Count: 1}.text(want, mesh.Tree{"instances": int64(1)}, live) // a task of the version before
		if strings.Contains(text, "canar") || !strings.Contains(text, "docker") {
			t.Errorf("%s", text)
		}
	}
	if got := withheld("status 1 of "+password, want); got != "status 1 of "+secret.Mask {
		t.Error(got)
	}
}
