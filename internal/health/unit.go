package health

import (
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// unitUp reads what systemctl show says of ActiveState and Result.
func unitUp(a mesh.Answer) Verdict {
	said := map[string]string{}
	for line := range strings.Lines(a.Body) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		said[key] = value
	}
	switch said["ActiveState"] {
	case "active", "reloading", "refreshing":
		return Verdict{Status: Serving}
	case "":
		return Verdict{Status: Unknown, Reason: "systemctl does not describe it"}
	default:
		return Verdict{Status: NotServing, Reason: "systemd says that it is " + said["ActiveState"] + " (" + said["Result"] + "): see journalctl -u " + a.Check.Path}
	}
}
