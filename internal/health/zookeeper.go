package health

import (
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// zooKeeper reads the answer to the four-letter word srvr, the only one that all
// releases answer by default (3.5.3 and later whitelist nothing else):
//
//	Zookeeper version: 3.8.0-5a02a05eddb59aee6ac762f7ea82e92a68eb9c0f, built on …
//	Latency min/avg/max: 0/0.0/0
//	Mode: follower
//	Node count: 5
//
// Without quorum the answer is "This ZooKeeper instance is not currently serving
// requests". ruok says imok even then, so it is no health check.
func zooKeeper(a mesh.Answer) Verdict {
	numbers := srvrNumbers(a.Body)
	for line := range strings.Lines(a.Body) {
		mode, ok := strings.CutPrefix(strings.TrimSpace(line), "Mode:")
		if !ok {
			continue
		}
		switch mode = strings.TrimSpace(mode); mode {
		case "leader", "standalone":
			return Verdict{Status: Serving, Leader: true, Numbers: numbers}
		case "follower", "observer":
			return Verdict{Status: Serving, Numbers: numbers}
		default:
			return Verdict{Status: NotServing, Reason: "mode " + mode}
		}
	}
	if strings.Contains(a.Body, "not currently serving") {
		return Verdict{Status: NotServing, Reason: "answers, but is not serving: it has no quorum"}
	}
	return Verdict{Status: Unknown, Reason: "its answer to srvr has no Mode line"}
}

// srvrNumbers are the clients that are connected, requests that wait, and nodes.
func srvrNumbers(body string) map[string]int {
	names := map[string]string{"Connections": "connections", "Outstanding": "outstanding", "Node count": "nodes"}
	out := map[string]int{}
	for line := range strings.Lines(body) {
		key, value, _ := strings.Cut(line, ":")
		if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && names[key] != "" {
			out[names[key]] = n
		}
	}
	return out
}
