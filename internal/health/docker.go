package health

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// docker reads the answer to GET /_ping on the daemon's socket: OK, or why it is not.
func docker(a mesh.Answer) Verdict {
	switch {
	case a.Status != 200:
		return Verdict{Status: NotServing, Reason: strings.TrimSpace(fmt.Sprintf("/_ping answered %d %s", a.Status, firstLine(a.Body)))}
	case strings.TrimSpace(a.Body) != "OK":
		return Verdict{Status: Unknown, Reason: "its answer to /_ping is not OK: is that Docker's socket?"}
	default:
		return Verdict{Status: Serving}
	}
}
