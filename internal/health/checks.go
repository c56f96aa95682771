package health

import (
	"cmp"
	"maps"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// checks is the closed set of named checks. How each is asked is listed in
// package host, under the same names.
func checks() map[string]func(mesh.Answer) Verdict {
	return map[string]func(mesh.Answer) Verdict{
		"zookeeper.ensemble": zooKeeper,
		"mesos.masters":      mesosMaster,
		"mesos.agent":        mesosAgent,
		"marathon":           marathon,
		"consul":             consul,
		"haproxy":            haproxy,
		"docker":             docker,
		"http":               httpStatus,
		"tcp":                tcpAccepts,
	}
}

// TellsLeader reports whether the answers to a check say which member leads.
func TellsLeader(kind string) bool { return kind == "zookeeper.ensemble" || kind == "mesos.masters" }

// Kinds returns the names of the checks, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(checks())) }

// Judge returns the verdict on one answer. An unknown check kind or an answer that
// could not be had is Unknown, but a refused connection is NotServing: nothing listens.
func Judge(a mesh.Answer) Verdict {
	judge, ok := checks()[a.Check.Kind]
	if a.Check.OfUnit() {
		judge, ok = unitUp, true
	}
	switch {
	case !ok:
		return Verdict{Status: Unknown, Reason: "no check is called " + a.Check.Kind}
	case a.Err == "refused":
		return Verdict{Status: NotServing, Reason: nobodyListens(a.Check)}
	case a.Err == "no_client" && a.Check.OfSocket():
		return Verdict{Status: Unknown, Reason: "the host has no perl to ask a socket with"}
	case a.Err != "":
		return Verdict{Status: Unknown, Reason: cmp.Or(words()[a.Err], a.Err)}
	default:
		return judge(a)
	}
}

func nobodyListens(c mesh.Check) string {
	if c.OfSocket() {
		return "nothing listens on the socket " + c.Path
	}
	return "nothing listens on the port"
}

func words() map[string]string {
	return map[string]string{
		"denied":    "the account may not ask it",
		"timeout":   "no answer in time",
		"no_client": "the host has neither curl nor perl nor bash to ask with",
	}
}

func (v View) with(keep func(Verdict) bool) []string {
	var out []string
	for _, m := range slices.Sorted(maps.Keys(v.Members)) {
		if keep(v.Members[m]) {
			out = append(out, m)
		}
	}
	return out
}
