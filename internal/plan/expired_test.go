package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestARuleThatExpiresIsAWarningAndThenAnError(t *testing.T) {
	t.Parallel()
	rule := mesh.Owned{
		Marathon: "main", App: "/www", Field: "env.A", Origin: mesh.Pos{File: "a.cue", Line: 3, Col: 1},
		Ignored: &mesh.Ignored{Reason: "tests", Owner: "team web", Expires: "2027-01-31"},
	}
	m := &mesh.Mesh{Name: "prod", Owned: []mesh.Owned{{App: "/www", Field: "instances"}, rule}}
	for date, want := range map[string]string{
		"":           "",
		"2026-11-29": "",
		"2027-01-16": "",
		"2027-01-17": "ignore.expires: the rule that ignores env.A of app /www expires on 2027-01-31 (tests); from 2027-02-15 on that is an error: ask team web",
		"2027-01-31": "ignore.expires: the rule that ignores env.A of app /www expires on 2027-01-31",
		"2027-02-01": "ignore.expired: the rule that ignores env.A of app /www expired on 2027-01-31 (tests); after 2027-02-14 that is an error: ask team web",
		"2027-02-14": "after 2027-02-14 that is an error",
		"2027-02-15": "refused",
		"2030-01-01": "refused",
	} {
		p := Build(Input{Mesh: m, Date: date})
		warned := ""
		for _, w := range p.Warnings {
			warned += w.Code + ": " + w.Message + ": " + w.Hint
		}
		switch {
		case want == "refused":
			if codes(p) != "ignore.expired" || p.Applicable || warned != "" || p.Refusals[0].Source != "a.cue:3:1" || len(p.StandingRefusals()) != 1 {
				t.Errorf("%s: %+v %s", date, p.Refusals, warned)
			}
		case len(p.Refusals) > 0 || len(p.Warnings) > 1 || !strings.Contains(warned, want) || want == "" && warned != "" || len(p.StandingWarnings()) != len(p.Warnings):
			t.Errorf("%s: %s, want %q; %+v", date, warned, want, p.Refusals)
		}
	}
	if p := Build(Input{Mesh: m, Date: "2030-01-01", Filter: &Filter{Only: []string{"host/*"}}}); len(p.Refusals) > 0 {
		t.Errorf("a plan without the app is refused: %v", p.Refusals)
	}
}
