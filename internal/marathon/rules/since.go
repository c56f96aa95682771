package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// A tenure is from which release on Marathon has a field, or a value of one, and before which.
// Outside of it Marathon ignores a field without a word, and refuses a value.
type tenure struct {
	path   string       // dots between names; * is each element or name
	values []string     // the values that are meant, in capitals; nil is all
	since  mesh.Release // zero: from the beginning
	gone   mesh.Release // zero: not yet
	older  string       // what to write for an older release
	known  bool         // what is written for an older release is made of it
	newer  string       // what to write for a newer one
}

// tenures are of all that not each release has; the contract's comments say the same.
func tenures() []tenure {
	at := func(minor int) mesh.Release { return mesh.Release{Major: 1, Minor: minor} }
	old := func(minor int) mesh.Release { return mesh.Release{Minor: minor} }
	return []tenure{
		{path: "args", since: old(7)},
		{path: "requirePorts", since: old(7)},
		{path: "dependencies", since: old(7)},
		{path: "upgradeStrategy", since: old(7)},
		{path: "labels", since: old(8)},
		{path: "maxLaunchDelaySeconds", since: old(8)},
		{path: "acceptedResourceRoles", since: old(9)},
		{path: "fetch", since: old(15), known: true},
		{path: "portDefinitions", since: at(0), known: true},
		{path: "residency", since: at(0)},
		{path: "readinessChecks", since: at(1)},
		{path: "secrets", since: at(3)},
		{path: "env.*.secret", since: at(3)},
		{path: "gpus", since: at(3)},
		{path: "taskKillGracePeriodSeconds", since: at(3)},
		{path: "constraints.*.1", values: []string{"MAX_PER"}, since: at(3), older: "GROUP_BY or UNIQUE"},
		{path: "unreachableStrategy", since: at(4)},
		{path: "killSelection", since: at(4)},
		{path: "healthChecks.*.protocol", values: []string{"MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP"}, since: at(4), older: "HTTP, HTTPS or TCP"},
		{path: "networks", since: at(5), known: true},
		{path: "container.portMappings", since: at(5), known: true},
		{path: "container.volumes.*.secret", since: at(5)},
		{path: "tty", since: at(5)},
		{path: "executorResources", since: at(6)},
		{path: "healthChecks.*.ipProtocol", since: at(6)},
		{path: "constraints.*.1", values: []string{"IS"}, since: at(6), older: "LIKE"},
		{path: "check", since: at(8), older: "healthChecks"},
		{path: "container.linuxInfo", since: at(8)},
		{path: "role", since: at(9)},
		{path: "container.volumes.*.external.shared", since: at(9)},
		{path: "resourceLimits", since: at(10)},
		{path: "container.volumes.*.external.provider", values: []string{"CSI"}, since: at(11)},
		{path: "taskRateLimit", gone: old(7), newer: "backoffSeconds and backoffFactor"},
		{path: "storeUrls", gone: at(5), newer: "fetch"},
	}
}

// tenured refuses what the declared Marathon does not have yet, and warns of what it has no more:
// that was written for it once and does no harm.
func (c *checker) tenured() {
	for _, t := range tenures() {
		early, late := c.version.Before(t.since.Major, t.since.Minor) && !t.known, t.over(c.version)
		if !early && !late {
			continue
		}
		for _, at := range places(c.def, strings.Split(t.path, "."), nil) {
			switch what := t.named(at.value); {
			case what == "":
			case early:
				c.refuse(t.tooNew(at.path, what, c.marathon.Version))
			default:
				c.answer([][]string{at.path}, "has "+what+", which Marathon reads no more since "+shortRelease(t.gone), nil, t.newer)
			}
		}
	}
}

// over reports whether a release has the field no more; one that is not known is the newest.
func (t tenure) over(r mesh.Release) bool {
	return t.gone != mesh.Release{} && !r.Before(t.gone.Major, t.gone.Minor)
}

// named is what is written, in words; "" when it is a value that is not meant.
func (t tenure) named(v any) string {
	field := strings.ReplaceAll(strings.ReplaceAll(t.path, ".*", ""), ".1", "")
	if t.values == nil {
		return field
	}
	s, _ := v.(string)
	if !slices.Contains(t.values, strings.ToUpper(s)) {
		return ""
	}
	return s + " in " + field
}

func (t tenure) tooNew(path []string, what, version string) Finding {
	f := Finding{
		Path: path, Rule: "app-release",
		Msg:  fmt.Sprintf("has %s, which Marathon has since %s, and the mesh's is %s", what, shortRelease(t.since), version),
		Hint: "leave it out",
	}
	if t.values == nil {
		f.Msg += ": that would ignore it without a word"
	}
	if t.older != "" {
		f.Hint = "write " + t.older
	}
	f.Hint += ", or say by marathons: NAME: version that it is a newer one"
	return f
}

func shortRelease(r mesh.Release) string { return fmt.Sprintf("%d.%d", r.Major, r.Minor) }

// A place is a value in a definition, and where it stands.
type place struct {
	path  []string
	value any
}

// places finds what is written at a path with stars, in order; null is nothing.
func places(v any, path, at []string) []place {
	if v == nil {
		return nil
	}
	if len(path) == 0 {
		return []place{{at, v}}
	}
	var out []place
	switch v := v.(type) {
	case map[string]any:
		names := []string{path[0]}
		if path[0] == "*" {
			names = slices.Sorted(maps.Keys(v))
		}
		for _, name := range names {
			out = append(out, places(v[name], path[1:], below(at, name))...)
		}
	case []any:
		for i, e := range v {
			if path[0] == "*" || path[0] == strconv.Itoa(i) {
				out = append(out, places(e, path[1:], below(at, i))...)
			}
		}
	}
	return out
}
