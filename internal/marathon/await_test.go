package marathon

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// TestAwaitEventWakesForAnyTask: with a poll and a limit of hours only an event ends the wait.
func TestAwaitEventWakesForAnyTask(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := marathond.New(marathond.Options{Name: "main", Tick: time.Millisecond})
	t.Cleanup(func() { _ = d.Close() })
	m := serve(t, d)
	m.o.Poll = time.Hour
	said := func(text string) { t.Errorf("said %q", text) }
	m.AwaitEvent(ctx, time.Hour, said) // it is attached
	for i := range 3 {
		body := map[string]any{"id": fmt.Sprintf("/x%d", i), "cmd": "sleep 9"}
		if _, err := m.api.call(ctx, http.MethodPost, "/v2/apps", body, nil); err != nil {
			t.Fatal(err)
		}
		m.AwaitEvent(ctx, time.Hour, said)
	}
}

// TestAwaitEventPollsWithoutAStream, and says why once.
func TestAwaitEventPollsWithoutAStream(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := serve(t, &counting{Handler: server(t), stream: func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusForbidden) }})
	var said []string
	for range 4 {
		m.AwaitEvent(ctx, time.Hour, func(text string) { said = append(said, text) })
	}
	if len(said) != 1 || !strings.Contains(said[0], "the account has no right to it") {
		t.Errorf("said %q", said)
	}
}
