package plan

import (
	"cmp"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// AppEffect says what Marathon does with a change of an app.
type AppEffect struct {
	Restarts int       // tasks that are replaced
	Starts   int       // tasks that are added
	Stops    int       // tasks that are removed
	Because  []string  // fields
	Capacity *Capacity // while tasks are replaced
	Observed bool      // the cause is a sentence of what was seen
	Harmless bool      // the fields change nothing of what a task runs
	Warnings []Warning // what may keep its deployment from an end
	Refusals []Refusal // what Marathon refuses of the change; plan says of which app
}

// Capacity is what stays up while the tasks of an app are replaced.
type Capacity struct {
	Stay int `json:"stay"` // tasks that are up at each moment
	Of   int `json:"of"`   // tasks that run now
	Most int `json:"most"` // tasks that run at once
	// Checked is true when Marathon counts healthy tasks, false when it counts running ones.
	Checked bool `json:"checked"`
}

// appEffects tells of each change of an app what Marathon does with it, and lists what that
// does to tasks.
func (b *builder) appEffects() {
	for _, c := range b.changes {
		if c.Addr.Kind != mesh.App || c.Action == diff.Release {
			continue
		}
		var e AppEffect
		if c.Action != diff.Finish {
			e = b.in.AppEffect(c)
		}
		for _, r := range e.Refusals {
			r.Subject, r.Source = c.Addr.String(), cmp.Or(c.Origin.String(), "built in")
			b.plan.Refusals = append(b.plan.Refusals, r)
		}
		b.taskEffects(c, e)
		b.warnOfApp(c, e)
		b.plan.Apps = append(b.plan.Apps, b.verdict(c, e))
	}
}

func (b *builder) taskEffects(c diff.Change, e AppEffect) {
	for _, x := range []struct {
		kind EffectKind
		n    int
	}{{TaskRestart, e.Restarts}, {TaskStart, e.Starts}, {TaskStop, e.Stops}} {
		if x.n == 0 {
			continue
		}
		effect := Effect{Kind: x.kind, Target: c.Addr.Target, Subject: c.Addr.Name, Count: x.n, Because: append([]string{}, e.Because...), Observed: e.Observed}
		if x.kind == TaskRestart {
			effect.Capacity = e.Capacity
		}
		b.plan.Effects = append(b.plan.Effects, effect)
	}
}
