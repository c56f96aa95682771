package health

import (
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// unitKind is the kind of a question about a service without a check: what systemd says of it. It is
// none of the named checks.
const unitKind = "systemd.unit"

// OfUnit asks systemd whether a unit, by its full name, is up.
func OfUnit(file string) mesh.Check { return mesh.Check{Kind: unitKind, Path: file} }

// IsOfUnit reports whether a check asks systemd.
func IsOfUnit(c mesh.Check) bool { return c.Kind == unitKind }

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
