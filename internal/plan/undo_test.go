package plan

import (
	"reflect"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// fileChange is an update of a file whose both contents are known.
func fileChange(kind mesh.Kind, name string) diff.Change {
	before, after := "old\n", "new\n"
	tree := func(text string) mesh.Tree {
		return mesh.MustTree(map[string]any{"content": mesh.DigestBytes([]byte(text)), "mode": "0644", "owner": "root", "group": "root"})
	}
	c := diff.Change{
		Addr: mesh.Address{Target: mesh.Host("a1"), Kind: kind, Name: name}, Action: diff.Update, Class: diff.Pending,
		Before: tree(before), After: tree(after), BeforeText: &before, AfterText: &after,
	}
	c.Fields = diff.Fields(c.Before, c.After)
	return c
}

func TestWhatABatchDoesForGood(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, why string // why: the end of the reason, "" for what can be taken back
		change    func(*diff.Change)
		op        Op
	}{
		{"an update", "", func(*diff.Change) {}, OpRestart},
		{"a reload", "", func(*diff.Change) {}, OpReload},
		{"a new file", "", func(c *diff.Change) { c.Action, c.Before, c.BeforeText = diff.Create, nil, nil }, OpRestart},
		{"a deleted file", "", func(c *diff.Change) { c.Action, c.After, c.AfterText = diff.Delete, nil, nil }, OpRestart},
		{"another mode of a file that nobody read", "", func(c *diff.Change) { c.Before = c.After; c.BeforeText = nil }, OpRestart},
		{"what only the record forgets", "", func(c *diff.Change) { c.Action, c.After = diff.Release, nil; c.Addr.Kind = "package" }, OpRestart},
		{"content that nobody read", "may not be read", func(c *diff.Change) { c.BeforeText = nil }, OpRestart},
		{"a deleted file that nobody read", "may not be read", func(c *diff.Change) { c.Action, c.After, c.BeforeText = diff.Delete, nil, nil }, OpRestart},
		{"a secret", "a secret", func(c *diff.Change) { c.Secret = &mesh.SecretSource{Env: "X"} }, OpRestart},
		{"what was a secret", "a secret", func(c *diff.Change) { c.Before = mesh.Tree{"content": mesh.KeyedPrefix + "1"} }, OpRestart},
		{"a package", "not known well enough", func(c *diff.Change) { c.Addr = mesh.Address{Target: c.Addr.Target, Kind: mesh.Package, Name: "x"} }, OpRestart},
		{"a file for a directory", "not known well enough", func(c *diff.Change) { c.Action, c.Replaces = diff.Replace, mesh.Directory }, OpRestart},
		{"a first start", "a1: to start s is not taken back", func(*diff.Change) {}, OpStart},
	} {
		c := fileChange(mesh.File, "/etc/x")
		x.change(&c)
		b := Batch{Targets: []mesh.Target{c.Addr.Target}, Changes: []diff.Change{c}, Service: []ServiceStep{{Target: c.Addr.Target, Unit: "s", Op: x.op}}}
		if why := b.lasting(); why == "" != (x.why == "") || !strings.HasSuffix(why, x.why) {
			t.Errorf("%s: %q, want %q", x.name, why, x.why)
		}
	}
	if why := (Batch{}).lasting(); why == "" {
		t.Error("a restart alone can be taken back")
	}
}

// What takes back what takes back is what was planned.
func TestTakenBackTwiceIsAsPlanned(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*diff.Change){
		"update": func(*diff.Change) {},
		"create": func(c *diff.Change) { c.Action, c.Before, c.BeforeText, c.Fields = diff.Create, nil, nil, nil },
		"delete": func(c *diff.Change) { c.Action, c.After, c.AfterText, c.Fields = diff.Delete, nil, nil, nil },
	} {
		c := fileChange(mesh.File, "/etc/x")
		change(&c)
		if twice := reverse(reverse(c)); !reflect.DeepEqual(twice, c) {
			t.Errorf("%s: %+v, want %+v", name, twice, c)
		}
	}
}

// Only what was done is taken back, where it was done, and no service restarts for nothing.
func TestOnlyWhatWasDoneIsTakenBack(t *testing.T) {
	t.Parallel()
	one, two, other := fileChange(mesh.File, "/etc/x"), fileChange(mesh.File, "/etc/y"), fileChange(mesh.File, "/etc/x")
	other.Addr.Target = mesh.Host("a2")
	b := Batch{Targets: []mesh.Target{mesh.Host("a1"), mesh.Host("a2")}, Changes: []diff.Change{one, two, other}}
	for _, host := range b.Targets {
		b.Service = append(b.Service, ServiceStep{Target: host, Unit: "s", Op: OpRestart})
	}
	undo := b.Undo(map[string]bool{one.Addr.String(): true, "host/a2/service:s": true})
	if len(undo.Changes) != 1 || undo.Changes[0].Addr != one.Addr || len(undo.Targets) != 1 || len(undo.Service) != 0 {
		t.Errorf("%+v", undo)
	}
	undo = b.Undo(map[string]bool{two.Addr.String(): true, "host/a1/service:s": true})
	if len(undo.Changes) != 1 || len(undo.Service) != 1 || undo.Service[0].Target.Name != "a1" {
		t.Errorf("%+v", undo)
	}
}

func TestThePlanSaysWhatIsTakenBack(t *testing.T) {
	t.Parallel()
	c := newAgents(3, 1)
	c.want("new")
	if b := c.plan().Stages[0].Batches[0]; b.RollBack || b.NotRolledBack != "" {
		t.Errorf("by default: %+v", b)
	}
	old := "old"
	for _, s := range c.states {
		s.Resources[0].Text = nil
	}
	c.mesh.Roles[0].Rollout.OnFailure = OnFailureRollBack
	if b := c.plan().Stages[0].Batches[0]; b.RollBack || !strings.HasSuffix(b.NotRolledBack, "may not be read") {
		t.Errorf("of a content that is not known: %+v", b)
	}
	for _, s := range c.states {
		s.Resources[0].Text = &old
	}
	if b := c.plan().Stages[0].Batches[0]; !b.RollBack {
		t.Errorf("with a known content: %+v", b)
	}
	stop := OnFailureStop
	c.policy.Rollout = map[string]mesh.RolloutOverride{"zookeeper": {OnFailure: &stop}}
	if b := c.plan().Stages[0].Batches[0]; b.RollBack {
		t.Errorf("against the policy: %+v", b)
	}
}
