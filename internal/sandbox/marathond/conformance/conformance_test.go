package conformance_test

import (
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"meshsync.dev/meshsync/internal/sandbox/marathond"
	"meshsync.dev/meshsync/internal/sandbox/marathond/conformance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(os.Exit)) }

func TestTheSandboxConforms(t *testing.T) {
	t.Parallel()
	s := marathond.New(marathond.Options{Tick: 2 * time.Millisecond})
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Client().CloseIdleConnections()
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	conformance.Run(t, conformance.Options{URL: server.URL, Group: "/conformance"})
}
