package health

import (
	"encoding/json"
	"fmt"

	"meshsync.dev/meshsync/internal/mesh"
)

// mesosMaster reads /metrics/snapshot of one master. registrar/log/recovered is 1
// when its replica of the registry caught up (/health answers 200 without saying
// so); master/elected is 1 on the leader:
//
//	{"master\/elected":1.0,"registrar\/log\/recovered":1.0,"registrar\/log\/ensemble_size":3.0}
func mesosMaster(a mesh.Answer) Verdict {
	m, v := metrics(a)
	if m == nil {
		return v
	}
	recovered, ok := m["registrar/log/recovered"]
	switch {
	case !ok:
		return Verdict{Status: Unknown, Reason: "its metrics lack registrar/log/recovered"}
	case recovered != 1:
		return Verdict{Status: NotServing, Reason: "its replicated log has not recovered"}
	default:
		return Verdict{Status: Serving, Leader: m["master/elected"] == 1, Numbers: masterNumbers(m)}
	}
}

// The numbers of a master: how many replicas of the registry it sees, itself among them, which a release before 1.5
// may not tell; and of one that leads, the agents that it hears of, and those that it lost sight of, which stay in its
// registry until they come back or an operator removes them.
const (
	Replicas          = "replicas"
	AgentsActive      = "agents_active"
	AgentsUnreachable = "agents_unreachable"
)

func masterNumbers(m map[string]float64) map[string]int {
	wanted := map[string]string{Replicas: "registrar/log/ensemble_size"}
	if m["master/elected"] == 1 { // any other one knows of no agent
		wanted[AgentsActive], wanted[AgentsUnreachable] = "master/slaves_active", "master/slaves_unreachable"
	}
	out := map[string]int{}
	for name, metric := range wanted {
		if n, ok := m[metric]; ok {
			out[name] = int(n)
		}
	}
	return out
}

// mesosAgent reads /metrics/snapshot of one agent: slave/registered is 1 once a master took it in.
func mesosAgent(a mesh.Answer) Verdict {
	m, v := metrics(a)
	if m == nil {
		return v
	}
	registered, ok := m["slave/registered"]
	switch {
	case !ok:
		return Verdict{Status: Unknown, Reason: "its metrics lack slave/registered"}
	case registered != 1:
		return Verdict{Status: NotServing, Reason: "it is not registered with a master"}
	default:
		return Verdict{Status: Serving}
	}
}

func metrics(a mesh.Answer) (map[string]float64, Verdict) {
	if a.Status != 200 {
		return nil, Verdict{Status: NotServing, Reason: fmt.Sprintf("/metrics/snapshot answered %d", a.Status)}
	}
	var m map[string]float64
	if err := json.Unmarshal([]byte(a.Body), &m); err != nil || m == nil {
		return nil, Verdict{Status: Unknown, Reason: "/metrics/snapshot is no JSON object of numbers"}
	}
	return m, Verdict{}
}
