package health

import (
	"encoding/json"
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// consul reads the answer to GET /v1/status/leader: the address of the leader of the servers as the agent knows it, a JSON
// text such as "10.0.0.11:8300", which is empty without one. It does not tell whether that is the agent itself.
func consul(a mesh.Answer) Verdict {
	if a.Status != 200 {
		return Verdict{Status: NotServing, Reason: strings.TrimSpace(fmt.Sprintf("/v1/status/leader answered %d %s", a.Status, firstLine(a.Body)))}
	}
	var leader string
	if err := json.Unmarshal([]byte(a.Body), &leader); err != nil {
		return Verdict{Status: Unknown, Reason: "its answer to /v1/status/leader is no JSON text"}
	}
	if leader == "" {
		return Verdict{Status: NotServing, Reason: "the servers have no leader"}
	}
	return Verdict{Status: Serving}
}

// firstLine is the beginning of an error page.
func firstLine(body string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(body), "\n")
	if len(line) > 100 {
		line = strings.ToValidUTF8(line[:100], "") + "…"
	}
	return strings.TrimSpace(line)
}
