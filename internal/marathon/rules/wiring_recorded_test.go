package rules

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/recorded"
)

// wiringCase is a definition that was sent to a Marathon 1.11.26, or that was read in the
// source of an older one, and what it made of it.
type wiringCase struct {
	Name, Marathon, Method string
	Put                    any
	Get, Live              map[string]any
	Status                 int
	Config                 map[string]string
}

// marathon is the one that the case is about.
func (r wiringCase) marathon() Marathon {
	releases := regexp.MustCompile(`[0-9.]+`).FindAllString(r.Marathon, -1)
	m := Marathon{DefaultNetwork: r.Config["default_network_name"], Asked: true, Features: []string{"secrets"}}
	if len(releases) > 0 {
		m.Version = releases[len(releases)-1]
	}
	return m
}

// accepted: a case with an echo, or an edit that was answered so.
func (r wiringCase) accepted() bool { return r.Get != nil || r.Status != 0 && r.Status < 300 }

// wholeDefinition is the body, unless it is a partial update or none at all.
func (r wiringCase) wholeDefinition() map[string]any {
	def, _ := r.Put.(map[string]any)
	if r.Method == "PATCH" || r.Method == "PUT" || def["version"] != nil {
		return nil
	}
	return def
}

func wiringCases(t *testing.T) []wiringCase {
	t.Helper()
	var a, b []wiringCase
	recorded.Read(t, "../definition/testdata/normalisation.json.gz", &a)
	recorded.Read(t, "../definition/testdata/canonical-cases.json.gz", &b)
	return slices.Concat(a, b, wiringEdits(t))
}

// wiringEdits are the full PUTs over running apps: the body is what was live, with the edit.
func wiringEdits(t *testing.T) []wiringCase {
	t.Helper()
	var data struct {
		Bases map[string]struct{ Canonical map[string]any }
		Edits []struct {
			Base, Edit string
			After      map[string]any
			Absent     []string
			Observed   struct{ Status int }
		}
	}
	recorded.Read(t, "../definition/testdata/edits.json.gz", &data)
	var out []wiringCase
	for _, e := range data.Edits {
		if e.After == nil {
			continue
		}
		body := maps.Clone(data.Bases[e.Base].Canonical)
		maps.Copy(body, e.After)
		for _, f := range e.Absent {
			delete(body, f)
		}
		out = append(out, wiringCase{Name: e.Base + " " + e.Edit, Put: body, Status: e.Observed.Status})
	}
	return out
}

// wiringFindings are what networks, ports, containers and their deprecated forms have against
// a definition.
func wiringFindings(def map[string]any, m Marathon) []Finding {
	c := &checker{id: "/a", def: def, marathon: m, version: mesh.ParseRelease(m.Version)}
	c.networks()
	c.ports()
	c.container()
	c.deprecated()
	return c.found
}

// wiringRefusals are the rules among them that refuse it.
func wiringRefusals(def map[string]any, m Marathon) []string {
	var out []string
	for _, f := range wiringFindings(def, m) {
		if !f.Warning && f.Rule != "port-sent" { // Marathon takes what is written, and not what is sent
			out = append(out, f.Rule)
		}
	}
	return out
}

func TestRecordedDefinitionsAreRefusedForTheirWiringWhereMarathonRefusedThem(t *testing.T) {
	t.Parallel()
	want := refusedForWiring()
	accepted := 0
	for _, c := range wiringCases(t) {
		def := c.wholeDefinition()
		if def == nil {
			continue
		}
		got := wiringRefusals(def, c.marathon())
		rule, mine := want[c.Name]
		delete(want, c.Name)
		switch {
		case mine && !slices.Contains(got, rule):
			t.Errorf("%s: got %q, want %s", c.Name, got, rule)
		case !mine && len(got) > 0 && !slices.Contains(refusedByTheContract(), c.Name):
			t.Errorf("%s: got %q, want none", c.Name, got)
		case c.accepted():
			accepted++
		}
	}
	if len(want) > 0 {
		t.Errorf("no such cases: %q", slices.Sorted(maps.Keys(want)))
	}
	t.Logf("%d refused, %d accepted, none of them refused here", len(refusedForWiring()), accepted)
}

// refusedByTheContract are recorded refusals whose cause is a type of schema/mesh/app.cue.
// Check is given no such definition.
func refusedByTheContract() []string {
	return []string{
		"canon-discovery-no-name",
		"canon-mappings-dropped-still-typed",
		"canon-order-json-before-500",
		"canon-strict-ipcinfo",
		"canon-strict-linuxinfo",
		"obs-bool-string",
		"obs-bridge-hostport-out-of-range",
		"obs-docker-image-empty",
		"obs-docker-image-missing",
		"obs-docker-parameter-empty-key",
		"obs-docker-parameter-no-value",
		"obs-empty-protocol",
		"obs-host-port-negative",
		"obs-host-port-out-of-range",
		"protocol-tcp-udp-order",
	}
}

// refusedForWiring are the recorded refusals with the rule that refuses them.
func refusedForWiring() map[string]string {
	return map[string]string{
		"docker-bridge container-type":           "container-parameters",
		"docker-bridge pull-config":              "container-pull",
		"container-without-docker":               "container-image",
		"legacy-docker-user-without-name":        "network-name",
		"legacy-docker-none":                     "network-modes",
		"mix-docker-network-and-networks":        "deprecated-mixed",
		"mix-both-portmappings":                  "deprecated-mixed",
		"network-unnamed-rejected":               "network-name",
		"ports-duplicate":                        "port-twice",
		"ports-and-portdefinitions-differ":       "deprecated-mixed",
		"uris-and-fetch":                         "deprecated-mixed",
		"v0.6-body-to-modern":                    "container-image",
		"obs-empty-container":                    "container-image",
		"obs-empty-ipaddress":                    "network-name",
		"obs-empty-seccomp":                      "container-seccomp",
		"obs-empty-portname":                     "port-name",
		"obs-host-port-duplicate":                "port-twice",
		"obs-host-port-duplicate-other-protocol": "port-twice",
		"obs-host-port-duplicate-name":           "port-name",
		"obs-host-port-bad-name":                 "port-name",
		"obs-host-network-name":                  "network-name",
		"obs-host-network-labels":                "network-labels",
		"obs-host-two-networks":                  "network-modes",
		"obs-bridge-duplicate-name":              "port-name",
		"obs-bridge-network-name":                "network-name",
		"obs-bridge-networknames":                "port-network",
		"obs-cnet-docker-two":                    "network-count",
		"obs-cnet-duplicate-name":                "network-twice",
		"obs-cnet-unknown-networkname":           "port-network",
		"obs-cnet-hostport-without-networkname":  "port-network",
		"obs-cnet-bad-name":                      "network-name",
		"obs-docker-pullconfig":                  "container-pull",
		"obs-mesos-parameters":                   "container-parameters",
		"obs-mesos-pullconfig-missing-secret":    "container-pull",
		"obs-mesos-credential":                   "container-credential",
		"obs-ip-and-networks":                    "deprecated-mixed",
		"obs-ip-and-ports":                       "deprecated-mixed",
		"obs-legacy-user-ip-discovery":           "deprecated-mixed",
		"canon-lenient-network":                  "network-name",
		"canon-lenient-seccomp":                  "container-seccomp",
		"canon-case-container-type-mesos":        "container-parameters",
		"canon-ports-negative-host":              "port-range",
		"canon-mesos-docker-network-host":        "deprecated-mixed",
		"canon-mesos-docker-network-none":        "deprecated-mixed",
		"canon-mesos-docker-network-bridge":      "deprecated-mixed",
		"canon-mesos-docker-portmappings-empty":  "deprecated-mixed",
		"canon-docker-discovery-empty":           "deprecated-mixed",
		"canon-mesos-discovery-and-mappings":     "deprecated-mixed",
		"canon-ipaddress-name":                   "network-name",
		"canon-order-500-before-422":             "network-modes",
	}
}

// What Marathon shows of an app that it runs is a definition without anything to say against
// it, even if what was sent was not.
func TestThereIsNothingToSayOfTheWiringThatMarathonShows(t *testing.T) {
	t.Parallel()
	spoken := map[string]string{
		"canon-ports-above-range":          "port-range",
		"obs-bridge-duplicate-serviceport": "duplicate-port",
	}
	for _, c := range wiringCases(t) {
		if c.Get == nil || c.wholeDefinition() == nil || mesh.ParseRelease(c.marathon().Version).Before(1, 5) || spoken[c.Name] != "" {
			continue
		}
		if got := wiringFindings(c.Get, c.marathon()); len(got) > 0 {
			t.Errorf("%s: %+v", c.Name, got)
		}
	}
}
