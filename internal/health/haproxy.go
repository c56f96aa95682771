package health

import (
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// haproxy reads the answer to show info on the stats socket, KEY: VALUE lines. A process that a reload has
// left behind says Stopping: 1 until its last connection ends.
//
//	Name: HAProxy
//	Version: 2.6.12-1+deb12u4
//	Uptime_sec: 8
//	CurrConns: 0
//	Stopping: 0
func haproxy(a mesh.Answer) Verdict {
	said := map[string]string{}
	for line := range strings.Lines(a.Body) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		said[key] = strings.TrimSpace(value)
	}
	switch {
	case said["Name"] != "HAProxy":
		return Verdict{Status: Unknown, Reason: "its answer to show info does not name HAProxy: is that its stats socket?"}
	case said["Stopping"] != "" && said["Stopping"] != "0":
		return Verdict{Status: NotServing, Reason: "it is stopping: another one should have taken over"}
	}
	v := Verdict{Status: Serving}
	if n, err := strconv.Atoi(said["CurrConns"]); err == nil {
		v.Numbers = map[string]int{"connections": n}
	}
	return v
}
