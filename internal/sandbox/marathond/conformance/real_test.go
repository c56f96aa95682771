//go:build realmarathon

package conformance_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox/marathond/conformance"
)

// It is behind a build tag, not skipped: it needs a Marathon that somebody lends it, and
// `make test` skips nothing where it can install what it needs.
func TestARealMarathonConforms(t *testing.T) {
	t.Parallel()
	url := os.Getenv("MESHSYNC_MARATHON_URL")
	if url == "" {
		t.Fatal("MESHSYNC_MARATHON_URL names no Marathon; set it to http://HOST:PORT of one that may run test apps")
	}
	conformance.Run(t, conformance.Options{URL: strings.TrimSuffix(url, "/"), Group: fmt.Sprintf("/meshsync-conformance-%d", os.Getpid())})
}
