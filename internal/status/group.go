package status

import (
	"slices"

	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
)

// Group is one service on all hosts that git wants it to run on. With a quorum it is an ensemble.
type Group struct {
	Name    string   `json:"name"` // of the ensemble, else the unit
	Role    string   `json:"role"`
	Unit    string   `json:"unit"`
	Check   string   `json:"check,omitempty"`  // the kind of its check; "" where systemd alone is asked
	Quorum  int      `json:"quorum,omitempty"` // how many must serve
	Of      int      `json:"of"`
	Serving int      `json:"serving"`
	Unknown int      `json:"unknown"` // of which nobody knows
	Leaders []string `json:"leaders,omitempty"`
	Members []Member `json:"members"` // sorted by host
}

// Member is the service on one host.
type Member struct {
	Host string `json:"host"`
	health.Verdict
}

// groups judges all services that git wants to run, in the layers of their roles.
func (b *builder) groups() {
	for _, r := range b.mesh.Roles {
		if r.Ensemble != nil {
			b.ensemble(r)
		}
		for _, unit := range b.unitsOf(r) {
			b.service(r, unit)
		}
	}
}

// ensemble judges the members of a role's ensemble.
func (b *builder) ensemble(r mesh.RoleSpec) {
	e := *r.Ensemble
	var answers []mesh.Answer
	for _, m := range e.Members {
		if s := b.states[mesh.Host(m)]; s.Host != nil {
			answers = append(answers, s.Host.Answers...)
		}
	}
	view := health.Of(e, answers)
	g := Group{Name: e.Name, Role: r.Name, Unit: e.Service, Check: e.Check.Kind, Quorum: e.Quorum}
	for _, m := range e.Members {
		v := view.Members[m]
		if why := b.notSeen(m); why != "" {
			v.Reason = why
		}
		g.add(m, v)
	}
	b.ensembleFindings(g)
	b.status.Groups = append(b.status.Groups, g)
}

// unitsOf are the units of a role that git wants to run, but for the one that makes its ensemble; sorted.
func (b *builder) unitsOf(r mesh.RoleSpec) []string {
	var out []string
	for _, x := range b.mesh.Resources {
		unit := x.Addr.Name
		switch {
		case x.Role != r.Name || !meantToRun(x) || slices.Contains(out, unit):
		case r.Ensemble != nil && r.Ensemble.Service == unit:
		default:
			out = append(out, unit)
		}
	}
	slices.Sort(out)
	return out
}

func meantToRun(r mesh.Resource) bool { return r.Service != nil && r.Attrs["running"] == true }

// service judges one unit of a role on each of its hosts.
func (b *builder) service(r mesh.RoleSpec, unit string) {
	g := Group{Name: unit, Role: r.Name, Unit: unit}
	for _, x := range b.mesh.Resources {
		if x.Role != r.Name || x.Addr.Name != unit || !meantToRun(x) {
			continue
		}
		if x.Service.Check != nil {
			g.Check = x.Service.Check.Kind
		}
		g.add(x.Addr.Target.Name, b.verdict(x))
	}
	b.serviceFindings(g)
	b.status.Groups = append(b.status.Groups, g)
}

// verdict is what its check says of a service; without one, what systemd says.
func (b *builder) verdict(r mesh.Resource) health.Verdict {
	s := b.states[r.Addr.Target]
	if why := b.notSeen(r.Addr.Target.Name); why != "" {
		return health.Verdict{Status: health.Unknown, Reason: why}
	}
	if c := r.Service.Check; c != nil {
		i := slices.IndexFunc(s.Host.Answers, func(a mesh.Answer) bool { return a.Check == *c })
		if i < 0 {
			return health.Verdict{Status: health.Unknown, Reason: "was not asked"}
		}
		return health.Judge(s.Host.Answers[i])
	}
	return systemdSays(r.Addr, s)
}

// systemdSays is the verdict on a service without a check.
func systemdSays(a mesh.Address, s mesh.TargetState) health.Verdict {
	down := func(why string) health.Verdict { return health.Verdict{Status: health.NotServing, Reason: why} }
	if slices.Contains(s.Host.NoUnit, a.Name) {
		return down("the host has no such unit")
	}
	for _, u := range s.Unknown {
		if u.Addr == a {
			return health.Verdict{Status: health.Unknown, Reason: u.Reason}
		}
	}
	for _, x := range s.Resources {
		if x.Addr == a && x.Attrs["running"] == true {
			return health.Verdict{Status: health.Serving}
		}
	}
	return down("systemd says that it does not run")
}

// notSeen says why nothing is known of a host; "" when it was seen.
func (b *builder) notSeen(host string) string {
	s, asked := b.states[mesh.Host(host)]
	switch {
	case !asked:
		return "its host was not asked"
	case s.Host == nil:
		return "its host could not be observed: " + string(s.Outcome)
	default:
		return ""
	}
}

func (g *Group) add(host string, v health.Verdict) {
	g.Of++
	switch v.Status {
	case health.Serving:
		g.Serving++
	case health.Unknown:
		g.Unknown++
	case health.NotServing:
	}
	if v.Leader {
		g.Leaders = append(g.Leaders, host)
	}
	g.Members = append(g.Members, Member{Host: host, Verdict: v})
}

// with lists the members with a verdict, each with its reason.
func (g Group) with(s health.Status) []string {
	var out []string
	for _, m := range g.Members {
		if m.Status == s {
			out = append(out, m.Host+" ("+m.Reason+")")
		}
	}
	return out
}

// hosts lists the hosts of the members with a verdict.
func (g Group) hosts(s health.Status) []string {
	var out []string
	for _, m := range g.Members {
		if m.Status == s {
			out = append(out, m.Host)
		}
	}
	return out
}
