package plan

import "slices"

// StandingRefusals are those that speak of hosts and Marathons as they are, and of rules that are over, whatever is to be changed:
// drift tells of them, too.
func (p Plan) StandingRefusals() []Refusal {
	return append(p.HostRefusals(), p.OtherRefusals()...)
}

// OtherRefusals are the standing ones that are of no host.
func (p Plan) OtherRefusals() []Refusal {
	return slices.DeleteFunc(slices.Clone(p.Refusals), func(r Refusal) bool {
		return r.Code != "marathon.differs" && r.Code != "marathon.same" && r.Code != "ignore.expired"
	})
}

// StandingWarnings are those that hold whether or not anything is applied. The others tell what a change costs.
func (p Plan) StandingWarnings() []Warning {
	return slices.DeleteFunc(slices.Clone(p.Warnings), func(w Warning) bool {
		return w.Code != "ignore.expires" && w.Code != "ignore.expired" && w.Code != "app.stale"
	})
}
