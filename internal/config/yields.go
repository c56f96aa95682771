package config

import (
	"cmp"
	"encoding/json"
	"slices"

	"cuelang.org/go/cue"
)

// yield is what a role yields on a host, apart from the evaluator, so that its memory of
// the host can go.
type yield struct {
	host, role string
	resources  json.RawMessage
}

// takeYields keeps what the roles yield, by host, if all is right.
func (l *loader) takeYields() {
	if l.errs.any() {
		return
	}
	l.eachYield(func(host, role string, v cue.Value) {
		b, err := v.MarshalJSON()
		if err != nil {
			l.errs.add(internalError("decode "+v.Path().String(), err))
		}
		l.yields = append(l.yields, yield{host, role, b})
	})
	slices.SortStableFunc(l.yields, func(a, b yield) int { return cmp.Compare(a.host, b.host) })
}

// eachYield calls f for what each role yields on each host.
func (l *loader) eachYield(f func(host, role string, yield cue.Value)) {
	hosts, err := l.value.LookupPath(cue.ParsePath("out")).Fields()
	if err != nil {
		return
	}
	for hosts.Next() {
		roles, err := hosts.Value().Fields()
		if err != nil {
			continue
		}
		for roles.Next() {
			f(hosts.Selector().Unquoted(), roles.Selector().Unquoted(), roles.Value().LookupPath(cue.ParsePath("yield")))
		}
	}
}
