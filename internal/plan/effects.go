package plan

import (
	"cmp"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// effects lists what happens beyond the changes themselves. Outages were added
// while the ensembles were ordered.
func (b *builder) effects() {
	for _, s := range b.steps {
		kind, ok := map[Op]EffectKind{OpRestart: Restart, OpReload: Reload, OpStart: Start, OpStop: Stop}[s.Op]
		if !ok {
			continue
		}
		b.plan.Effects = append(b.plan.Effects, Effect{
			Kind: kind, Target: s.Target, Subject: s.Unit, Count: 1, Because: append([]string{}, s.because...), Observed: s.observed,
		})
	}
	if b.in.AppEffect != nil {
		b.appEffects()
	}
	slices.SortStableFunc(b.plan.Effects, func(x, y Effect) int {
		return cmp.Or(cmp.Compare(effectRank(x.Kind), effectRank(y.Kind)), cmp.Compare(x.Subject, y.Subject), x.Target.Compare(y.Target))
	})
}

func effectRank(k EffectKind) int {
	return slices.Index([]EffectKind{Outage, Restart, Reload, Stop, Start, TaskRestart, TaskStop, TaskStart}, k)
}

func (b *builder) appEffects() {
	for _, c := range b.changes {
		if c.Addr.Kind != mesh.App || c.Action == diff.Release || c.Action == diff.Finish {
			continue
		}
		e := b.in.AppEffect(c)
		for _, x := range []struct {
			kind EffectKind
			n    int
		}{{TaskRestart, e.Restarts}, {TaskStart, e.Starts}, {TaskStop, e.Stops}} {
			if x.n > 0 {
				b.plan.Effects = append(b.plan.Effects, Effect{
					Kind: x.kind, Target: c.Addr.Target, Subject: c.Addr.Name, Count: x.n, Because: append([]string{}, e.Because...),
				})
			}
		}
	}
}
