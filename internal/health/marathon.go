package health

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// marathon reads the answer to GET /ping of one node: pong, in quotes where JSON was asked for. A standby passes
// it on to the leader, so that it tells of both. Which of them leads it does not tell.
func marathon(a mesh.Answer) Verdict {
	switch {
	case a.Status != 200:
		return Verdict{Status: NotServing, Reason: fmt.Sprintf("/ping answered %d: it does not run, or reaches no leader", a.Status)}
	case strings.Trim(strings.TrimSpace(a.Body), `"`) != "pong":
		return Verdict{Status: Unknown, Reason: "its answer to /ping is no pong: is that a Marathon?"}
	default:
		return Verdict{Status: Serving}
	}
}
