package rules

import "testing"

func TestFeatures(t *testing.T) {
	t.Parallel()
	none := Marathon{Asked: true, Features: []string{"vips"}}
	all := Marathon{Asked: true, Features: []string{"secrets", "gpu_resources", "external_volumes"}}
	const def = `{"gpus": 1, "secrets": {"k": {"source": "s"}}, "env": {"A": {"secret": "k"}},
		"container": {"volumes": [{"persistent": {}, "external": {}}, {"external": {}}, {"secret": "k"}]}}`
	holdWiring(t, (*checker).features, []wiringRow{
		{name: "without", def: def, marathon: none, want: []string{
			"refuse container.volumes.1.external app-feature: has container.volumes.external, and this Marathon runs without the feature external_volumes " +
				"(start it with --enable_features vips,external_volumes, or leave that out)",
			"refuse gpus app-feature: has gpus, and this Marathon runs without the feature gpu_resources " +
				"(start it with --enable_features vips,gpu_resources, or leave that out)",
			"refuse secrets app-feature: has secrets, and this Marathon runs without the feature secrets " +
				"(start it with --enable_features vips,secrets, or leave that out)",
		}},
		{name: "with", def: def, marathon: all},
		{name: "nobody was asked", def: def},
		{name: "nothing of it", def: `{"gpus": 0, "secrets": {}, "env": {"A": "b"}, "container": {"volumes": [{"persistent": {}, "secret": "k"}]}}`, marathon: none},
	})
}

// TestTheRoleThatAnAppIsGiven: when it is known, it counts as if it were written.
func TestTheRoleThatAnAppIsGiven(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ def, role, want string }{
		{`{"acceptedResourceRoles": ["db"]}`, "db", ""},
		{`{"acceptedResourceRoles": ["db"]}`, "*", `refuse accepts resources of the role "db", and its own role is "*": it can have those of its own role and of * only`},
		{`{"acceptedResourceRoles": ["db"]}`, "", `warn accepts resources of the role "db" and names no role: Marathon refuses that unless it gives the app that role`},
	} {
		c := &checker{id: "/a", def: parsed(t, x.def), marathon: Marathon{Role: x.role}}
		c.acceptedRoles()
		got := ""
		for _, f := range c.found {
			got += map[bool]string{true: "warn ", false: "refuse "}[f.Warning] + f.Msg
		}
		if got != x.want {
			t.Errorf("%s with %q: %q, want %q", x.def, x.role, got, x.want)
		}
	}
}
