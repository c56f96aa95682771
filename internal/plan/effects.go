package plan

import (
	"cmp"
	"slices"
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
