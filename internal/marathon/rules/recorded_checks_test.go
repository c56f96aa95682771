package rules

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/recorded"
)

// An answered definition was sent to a Marathon, which took or refused it.
type answered struct {
	name    string
	def     map[string]any
	refusal string // its text; empty when it was taken
}

func answeredDefinitions(t *testing.T) []answered {
	t.Helper()
	var out []answered
	for _, file := range []string{"normalisation.json.gz", "canonical-cases.json.gz"} {
		var cases []struct {
			Name       string
			Put        any
			Get        map[string]any
			Confidence string
			Answer     any
			Status     int
			Method     string
		}
		recorded.Read(t, "../definition/testdata/"+file, &cases)
		for _, c := range cases {
			body, ok := c.Put.(map[string]any)
			if !ok || strings.Contains(c.Method, "PATCH") || strings.Contains(c.Method, "groups") {
				continue
			}
			a := answered{name: c.Name, def: body}
			if c.Get == nil {
				text, _ := json.Marshal(c.Answer)
				a.refusal = string(text)
			}
			out = append(out, a)
		}
	}
	return append(out, answeredEdits(t)...)
}

// recordedEdits are single edits of running apps.
type recordedEdits struct {
	Bases map[string]struct{ Canonical map[string]any }
	Edits []struct {
		Base, Edit string
		Request    struct{ Method, Path string }
		After      map[string]any
		Absent     []string
		Observed   struct {
			Status int
			Answer any
		}
	}
}

// answeredEdits are the full PUTs over a running app.
func answeredEdits(t *testing.T) []answered {
	t.Helper()
	var data recordedEdits
	recorded.Read(t, "../definition/testdata/edits.json.gz", &data)
	var out []answered
	for _, e := range data.Edits {
		if e.Request.Method != "PUT" || e.After == nil {
			continue
		}
		body := maps.Clone(data.Bases[e.Base].Canonical)
		maps.Copy(body, e.After)
		for _, f := range e.Absent {
			delete(body, f)
		}
		a := answered{name: e.Base + " " + e.Edit, def: body}
		if e.Observed.Status >= 300 {
			text, _ := json.Marshal(e.Observed.Answer)
			a.refusal = string(text)
		}
		out = append(out, a)
	}
	return out
}

// checksAndVolumes are the findings of the rules for checks, volumes and residency.
func checksAndVolumes(def map[string]any) (refused, warned []Finding) {
	c := &checker{id: "/a", def: def}
	c.healthChecks()
	c.volumes()
	for _, f := range c.found {
		if f.Warning {
			warned = append(warned, f)
		} else {
			refused = append(refused, f)
		}
	}
	return refused, warned
}

// ourRefusals match what Marathon says of checks, volumes and residency.
var ourRefusals = regexp.MustCompile(`"/(healthChecks|check|readinessChecks|container/volumes|container/secretVolumes|residency|app\(0\))|` +
	`HealthCheck|[hH]ealth check|Mesos health|RAML Check|'checks'|ArgvList|CSI |of class|volume constraint|DVDI|[rR]esident|expected 0.0`)

func TestRecordedRefusalsOfChecksAndVolumes(t *testing.T) {
	t.Parallel()
	var n int
	left := refusedElsewhere()
	for _, a := range answeredDefinitions(t) {
		if !ourRefusals.MatchString(a.refusal) {
			continue
		}
		n++
		refused, warned := checksAndVolumes(a.def)
		if len(refused)+len(warned) == 0 && strings.Contains(left[a.name], "these rules warn") {
			t.Errorf("%s: nothing is said of it", a.name)
		}
		_, elsewhere := left[a.name]
		delete(left, a.name)
		switch {
		case len(refused) == 0 && !elsewhere:
			t.Errorf("%s is accepted, and Marathon said %s", a.name, a.refusal)
		case len(refused) > 0 && elsewhere:
			t.Errorf("%s is refused: take it off the list", a.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		t.Errorf("%s is not among the recorded refusals", name)
	}
	t.Logf("%d recorded refusals, %d of them not by these rules", n, len(refusedElsewhere()))
}

// refusedElsewhere are recorded refusals that these rules do not have to see, with the reason.
func refusedElsewhere() map[string]string {
	contract := "the contract's types refuse it"
	live := "it is a refusal of the change, not of the definition: see Update"
	unknown := "it depends on the Marathon: these rules warn"
	feature := "it depends on a feature of the Marathon"
	put := "refused as PUT only, and residency is never sent without a volume: these rules warn"
	return map[string]string{
		"obs-pv-size-float":           contract,
		"obs-residency-bad":           contract,
		"canon-check-empty-path":      contract,
		"canon-readiness-empty-name":  contract,
		"canon-readiness-empty-path":  contract,
		"resident cpus":               live,
		"resident mem":                live,
		"resident disk":               live,
		"resident gpus":               live,
		"resident require-ports":      live,
		"resident port-number":        live,
		"resident port-add":           live,
		"resident port-removed":       live,
		"resident to-bridge":          live,
		"resident volume-size":        live,
		"resident volume-add":         live,
		"resident volume-removed":     live,
		"resident volume-path":        live,
		"resident role-absent":        unknown,
		"obs-pv-no-role":              unknown,
		"obs-nofeature-external":      feature,
		"obs-nofeature-secret-volume": feature,
		"residency-on-stateless-put":  put,
		"obs-empty-residency-put":     put,
		"canon-residency-bare-put":    put,
		"single-instance-label":       "the label is another subject",
	}
}

func TestRecordedDefinitionsAreNotRefusedForChecksAndVolumes(t *testing.T) {
	t.Parallel()
	n := 0
	for _, a := range answeredDefinitions(t) {
		if a.refusal != "" {
			continue
		}
		n++
		refused, _ := checksAndVolumes(a.def)
		for _, f := range refused {
			if !harmful(f) {
				t.Errorf("%s: %v: %s", a.name, f.Path, f.Msg)
			}
		}
	}
	t.Logf("%d recorded definitions were taken", n)
}

// harmful reports whether Marathon accepts what is refused, to everybody's harm.
func harmful(f Finding) bool { return f.Rule == "app-health-interval" || f.Rule == "app-check-argv" }

// TestRecordedExchangesOfChecks holds the rules to definitions that Marathon took, and to what
// it then did.
func TestRecordedExchangesOfChecks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, def, rule string }{
		{"argv is stored and breaks the lists", `{"cmd": "run it", "instances": 0, "check": {"exec": {"command": {"argv": ["/bin/true", "x"]}}}}`, "app-check-argv"},
		{"no interval busies the leader", `{"cmd": "run it", "instances": 0, "healthChecks": [{"portIndex": 0, "intervalSeconds": 0}]}`, "app-health-interval"},
		{"updates hang", hanging("HTTP", "0.5", "0"), "app-update-hangs"},
		{"they do without a minimum", hanging("HTTP", "0", "0"), "app-update-hangs"},
		{"and with all as minimum", hanging("HTTP", "1", "0"), "app-update-hangs"},
		{"but not with a Mesos check", hanging("MESOS_HTTP", "0.5", "0"), ""},
		{"nor with one without a minimum", hanging("MESOS_HTTP", "0", "0"), ""},
	} {
		refused, warned := checksAndVolumes(decoded(t, []byte(tt.def)))
		found := append(refused, warned...)
		if tt.rule == "" && len(found) > 0 || tt.rule != "" && (len(found) != 1 || found[0].Rule != tt.rule) {
			t.Errorf("%s: found %v, want %q", tt.name, texts(found), tt.rule)
		}
	}
}

func hanging(protocol, least, over string) string {
	return `{"cmd": "run it", "instances": 2, "portDefinitions": [{"port": 0, "name": "http"}], "healthChecks": [{"protocol": "` + protocol +
		`", "path": "/", "portIndex": 0, "gracePeriodSeconds": 2, "intervalSeconds": 1, "timeoutSeconds": 1, "maxConsecutiveFailures": 3}], ` +
		`"upgradeStrategy": {"minimumHealthCapacity": ` + least + `, "maximumOverCapacity": ` + over + `}}`
}
