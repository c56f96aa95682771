package plan

import (
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// unreadable makes the file of a member one that the account may not read, or that cannot
// be read for another reason.
func (c *cluster) unreadable(name string, denied bool) {
	s := c.states[name]
	a := mesh.Address{Target: mesh.Host(name), Kind: mesh.File, Name: cfg}
	s.Resources = slices.DeleteFunc(slices.Clone(s.Resources), func(r mesh.Resource) bool { return r.Addr == a })
	s.Unknown = append(s.Unknown, mesh.UnknownResource{Addr: a, Reason: "it cannot be read", Denied: denied})
}

func TestABlindSpotIsListedAndDoesNotMakeAPlanIncomplete(t *testing.T) {
	t.Parallel()
	for what, x := range map[string]struct {
		blind            []string
		denied           bool
		complete         bool
		listed, notes    int
		alsoDown, moreIn string
	}{
		"none declared":           {denied: true},
		"declared":                {blind: []string{"host/*/file:/etc/*"}, denied: true, complete: true, listed: 1},
		"the whole host":          {blind: []string{"host/m2"}, denied: true, complete: true, listed: 1},
		"not for want of a right": {blind: []string{"host/*/file:/etc/*"}},
		"another one":             {blind: []string{"host/m1/file:/etc/*"}, denied: true},
		"matches nothing":         {blind: []string{"host/m2/*", "host/*/file:/nowhere"}, denied: true, complete: true, listed: 1, notes: 1},
		"a host that is down":     {blind: []string{"*"}, denied: true, listed: 1, alsoDown: "m3"},
	} {
		c := newCluster(3)
		c.unreadable("m2", x.denied)
		if x.alsoDown != "" {
			*c.states[x.alsoDown] = mesh.TargetState{Target: mesh.Host(x.alsoDown), Outcome: mesh.Timeout, Message: "no answer"}
		}
		c.policy.Blind = x.blind
		p := c.plan()
		if p.Complete != x.complete || len(p.NotCompared) != x.listed || len(p.Notes) != x.notes || !p.Empty {
			t.Errorf("%s: complete %t, not compared %+v, notes %q, empty %t", what, p.Complete, p.NotCompared, p.Notes, p.Empty)
		}
		if x.listed == 1 && !strings.HasPrefix(p.NotCompared[0].Reason, "blind spot by policy (policy.blind): ") {
			t.Errorf("%s: %q", what, p.NotCompared[0].Reason)
		}
	}
}

func TestABlindSpotThatCanBeReadIsCompared(t *testing.T) {
	t.Parallel()
	c := newCluster(1)
	c.policy.Blind = []string{"host/*"}
	c.mesh.Resources[0] = zooFile("m1", "new")
	if p := c.plan(); p.Summary.Updates != 1 || len(p.NotCompared) > 0 || len(p.Notes) > 0 {
		t.Errorf("%+v %+v %q", p.Summary, p.NotCompared, p.Notes)
	}
}
