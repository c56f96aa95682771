package plan

import (
	"fmt"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// newAgents is n hosts of a role without an ensemble, as newCluster makes them.
func newAgents(n, maxUnavailable int) *cluster {
	c := newCluster(n)
	c.mesh.Roles[0].Ensemble = nil
	c.mesh.Roles[0].Rollout = mesh.Rollout{Layer: 10, MaxUnavailable: maxUnavailable}
	for i, r := range c.mesh.Resources {
		if r.Service != nil {
			spec := *r.Service
			spec.Ensemble, spec.Check = "", nil
			c.mesh.Resources[i].Service = &spec
		}
	}
	return c
}

// Where more than one host may be unavailable, one alone shows first what a change does.
func TestOneHostGoesFirst(t *testing.T) {
	t.Parallel()
	off, on := false, true
	for _, tt := range []struct {
		name     string
		max      int
		noCanary bool
		policy   *bool
		want     string
	}{
		{"one at a time", 1, false, nil, "m1 m2 m3 m4 m5"},
		{"two at a time", 2, false, nil, "m1 m2+m3 m4+m5"},
		{"all at once", 9, false, nil, "m1 m2+m3+m4+m5"},
		{"where the role wants none", 2, true, nil, "m1+m2 m3+m4 m5"},
		{"where the policy wants none", 2, false, &off, "m1+m2 m3+m4 m5"},
		{"where the policy wants one all the same", 2, true, &on, "m1 m2+m3 m4+m5"},
	} {
		c := newAgents(5, tt.max)
		c.mesh.Roles[0].Rollout.NoCanary = tt.noCanary
		c.policy.Rollout = map[string]mesh.RolloutOverride{"zookeeper": {Canary: tt.policy}}
		c.want("new")
		p := c.plan()
		if got := order(p); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if alone := strings.HasPrefix(p.Stages[0].Why, "m1 alone first, then "); alone != (strings.HasPrefix(tt.want, "m1 ") && tt.max > 1) {
			t.Errorf("%s: %s", tt.name, p.Stages[0].Why)
		}
	}
}

// What stops nothing has nothing to show: services that are started for the first time come up together.
func TestOneHostGoesFirstOnlyWhereSomethingStops(t *testing.T) {
	t.Parallel()
	c := newAgents(5, 5)
	for i := range 5 {
		c.mode(fmt.Sprintf("m%d", i+1), "")
	}
	if got := order(c.plan()); got != "m1+m2+m3+m4+m5" {
		t.Error(got)
	}
}
