package plan

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// TestSecretsOfWhichNobodyKnowsTheValue holds what a plan says of a file to its source: is
// it compared, is it written, does its reader restart.
func TestSecretsOfWhichNobodyKnowsTheValue(t *testing.T) {
	t.Parallel()
	const keyed = mesh.KeyedPrefix + "00"
	sealed, variable := mesh.SecretSource{Age: "ciphertext"}, mesh.SecretSource{Env: "PASSWORD"}
	for name, x := range map[string]struct {
		source           mesh.SecretSource
		recorded         string // source
		live             string
		mode             string // live
		refresh          bool
		class            diff.Class // "" for no change
		restart, compare bool
		intends          bool // the record says so, and that 00 11 was there before
	}{
		"ciphertext as it was":           {sealed, sealed.ID(), keyed, "0600", false, "", false, true, false},
		"ciphertext, refreshed":          {sealed, sealed.ID(), keyed, "0600", true, "", false, true, false},
		"ciphertext, chmod":              {sealed, sealed.ID(), keyed, "0640", false, diff.Drift, false, true, false},
		"ciphertext, edited":             {sealed, sealed.ID(), keyed + "11", "0600", false, diff.Drift, false, true, false},
		"another ciphertext":             {sealed, "source:other", keyed, "0600", false, diff.Pending, true, true, false},
		"variable as it was":             {variable, variable.ID(), keyed, "0600", false, "", false, false, false},
		"variable, refreshed":            {variable, variable.ID(), keyed, "0600", true, diff.Pending, true, true, false},
		"variable, chmod":                {variable, variable.ID(), keyed, "0640", false, diff.Drift, true, true, false},
		"another variable":               {variable, "source:other", keyed, "0600", false, diff.Pending, true, true, false},
		"a run ended before its write":   {sealed, sealed.ID(), keyed + "11", "0600", false, diff.Pending, false, true, true},
		"a run ended after its write":    {sealed, sealed.ID(), keyed, "0600", false, "", false, true, true},
		"ciphertext in a variable's way": {sealed, variable.ID(), keyed, "0600", false, diff.Pending, true, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := mesh.Host("h")
			attrs := func(content, mode string) mesh.Tree {
				return mesh.MustTree(map[string]any{"content": content, "mode": mode, "owner": "root", "group": "root"})
			}
			file := mesh.Address{Target: target, Kind: mesh.File, Name: "/d/s"}
			unit := mesh.Address{Target: target, Kind: mesh.Service, Name: "app"}
			runs := mesh.MustTree(map[string]any{"enabled": true, "running": true})
			m := &mesh.Mesh{
				Name: "prod", Hosts: []mesh.HostSpec{{Name: "h"}}, Roles: []mesh.RoleSpec{{Name: "r", Hosts: []string{"h"}}},
				Resources: []mesh.Resource{
					{Addr: file, Attrs: attrs(x.source.ID(), "0600"), Secret: &x.source, Role: "r"},
					{Addr: unit, Attrs: runs, Role: "r", Service: &mesh.ServiceSpec{Reads: []string{"/d/s"}, On: mesh.OnRestart}},
				},
			}
			read := keyed // the process runs with what was applied
			entry := mesh.RecordEntry{Digest: mesh.Digest(attrs(keyed, "0600")), State: mesh.Holds, Source: x.recorded, Keyed: keyed}
			if x.intends {
				entry.State, entry.Was = mesh.Intends, mesh.Digest(attrs(keyed+"11", "0600"))
			}
			seen := mesh.TargetState{
				Target: target, Outcome: mesh.OK, RecordState: mesh.RecordOK,
				Resources: []mesh.Resource{{Addr: file, Attrs: attrs(x.live, x.mode)}, {Addr: unit, Attrs: runs}},
				Record: mesh.Record{
					Entries: map[string]mesh.RecordEntry{
						file.String(): entry,
						unit.String(): {Digest: mesh.Digest(runs), State: mesh.Holds},
					},
					Services: map[string]mesh.ServiceRecord{"app": {BootID: "b", ProcessID: mesh.ProcessID{PID: 1, StartTicks: 1}, Reads: map[string]string{"/d/s": read}}},
				},
				Host: &mesh.HostFacts{
					BootID: "b", Processes: map[string]mesh.Process{"app": {ProcessID: mesh.ProcessID{PID: 1, StartTicks: 1}}}, Reads: map[string]mesh.Read{"/d/s": {Digest: x.live}},
				},
			}
			p := Build(Input{Mesh: m, Policy: m.Policy, Seen: mesh.Observed{Targets: []mesh.TargetState{seen}}, RefreshSecrets: x.refresh})
			var class diff.Class
			for _, c := range p.changes(func(diff.Class) bool { return true }) {
				class = c.Class
				if c.Secret == nil || c.AfterText != nil {
					t.Errorf("%+v", c)
				}
			}
			restart := len(p.Effects) > 0 && p.Effects[0].Kind == Restart
			if class != x.class || restart != x.restart || !p.Complete {
				t.Errorf("class %q, restart %v, complete %v: %+v %+v", class, restart, p.Complete, p.Stages, p.Refusals)
			}
			if said := len(p.NotCompared) == 1 && strings.Contains(p.NotCompared[0].Reason, "PASSWORD"); said == x.compare {
				t.Errorf("not compared: %+v", p.NotCompared)
			}
		})
	}
}
