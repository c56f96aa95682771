package health

import (
	"fmt"

	"meshsync.dev/meshsync/internal/mesh"
)

// httpStatus holds when the path answers with a status of 200 to 399.
func httpStatus(a mesh.Answer) Verdict {
	if a.Status >= 200 && a.Status < 400 {
		return Verdict{Status: Serving}
	}
	return Verdict{Status: NotServing, Reason: fmt.Sprintf("%s answered %d", a.Check.Path, a.Status)}
}

// tcpAccepts holds when the port accepts a connection; an answer without Err says so.
func tcpAccepts(mesh.Answer) Verdict { return Verdict{Status: Serving} }
