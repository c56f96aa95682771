package plan

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// Match reports whether the address passes the filter. A nil filter passes all.
func (f *Filter) Match(address string) bool {
	if f == nil {
		return true
	}
	return (len(f.Only) == 0 || anyGlob(f.Only, address)) && !anyGlob(f.Exclude, address)
}

// MatchTarget reports whether any resource of the target may pass: one that is desired,
// or that only its record can tell: of a host when a pattern speaks of this very one, of a
// Marathon when a pattern may mean an app of it, for git may have dropped its last one.
func (f *Filter) MatchTarget(t mesh.Target, desired []mesh.Resource) bool {
	if f == nil {
		return true
	}
	for _, r := range desired {
		if r.Addr.Target == t && f.Match(r.Addr.String()) {
			return true
		}
	}
	if t.Kind == mesh.MarathonTarget {
		return f.mayMeanAppOf(t)
	}
	return slices.ContainsFunc(f.Only, func(glob string) bool { return strings.HasPrefix(glob, t.String()+"/") })
}

// mayMeanAppOf reports whether an app of a Marathon may pass, whatever its id.
func (f *Filter) mayMeanAppOf(t mesh.Target) bool {
	prefix := mesh.Address{Target: t, Kind: mesh.App, Name: "/"}.String()
	anyID := prefix + "\x00" // no pattern names it
	if anyGlob(f.Exclude, anyID) {
		return false
	}
	return len(f.Only) == 0 || slices.ContainsFunc(f.Only, func(glob string) bool { return mayBegin(wholeGlob(glob), prefix) })
}

// mayBegin reports whether a glob matches something that begins so and has no colon behind
// that, as no app's id has.
func mayBegin(glob, prefix string) bool {
	switch {
	case prefix == "":
		return !strings.Contains(glob, ":")
	case glob == "":
		return false
	case glob[0] == '*':
		return mayBegin(glob[1:], prefix) || mayBegin(glob, prefix[1:])
	default:
		return (glob[0] == '?' || glob[0] == prefix[0]) && mayBegin(glob[1:], prefix[1:])
	}
}

// Needs lists the targets that have to be observed for a plan that is narrowed so: those
// of which a resource may pass, and the members of their ensembles, for nobody can say
// what stopping a member costs without having seen the others. Sorted.
func (f *Filter) Needs(m *mesh.Mesh) []mesh.Target {
	desired := append(slices.Clone(m.Resources), appStubs(m)...)
	needed := map[mesh.Target]bool{}
	for _, t := range m.Targets() {
		needed[t] = f.MatchTarget(t, desired)
	}
	peers := map[mesh.Target]bool{}
	for _, r := range m.Roles {
		if r.Ensemble == nil || !slices.ContainsFunc(r.Ensemble.Members, func(name string) bool { return needed[mesh.Host(name)] }) {
			continue
		}
		for _, name := range r.Ensemble.Members {
			peers[mesh.Host(name)] = true
		}
	}
	return slices.DeleteFunc(m.Targets(), func(t mesh.Target) bool { return !needed[t] && !peers[t] })
}

// Idle lists the patterns of Only that match nothing: neither what is desired nor what was
// seen or recorded. Such a pattern is a typing error, and its plan would be empty.
func (f *Filter) Idle(m *mesh.Mesh, apps []mesh.Resource, seen mesh.Observed) []string {
	if f == nil {
		return nil
	}
	known := []string{}
	add := func(rs []mesh.Resource) {
		for _, r := range rs {
			known = append(known, r.Addr.String())
		}
	}
	add(m.Resources)
	add(appStubs(m))
	add(apps)
	for _, t := range seen.Targets {
		add(t.Resources)
		add(t.Strays)
		known = slices.AppendSeq(known, maps.Keys(t.Record.Entries))
	}
	var out []string
	for _, glob := range f.Only {
		if !slices.ContainsFunc(known, globExpr(glob).MatchString) {
			out = append(out, glob)
		}
	}
	return out
}

func anyGlob(patterns []string, s string) bool {
	for _, p := range patterns {
		if globExpr(p).MatchString(s) {
			return true
		}
	}
	return false
}

// globExpr turns a glob into an anchored expression: * is any run of characters, ?
// is one.
func globExpr(glob string) *regexp.Regexp {
	q := regexp.QuoteMeta(wholeGlob(glob))
	q = strings.ReplaceAll(q, `\*`, `.*`)
	q = strings.ReplaceAll(q, `\?`, `.`)
	return regexp.MustCompile(`^(?s:` + q + `)$`)
}

// wholeGlob is a glob over whole addresses: a pattern without ":" names whole targets, so
// "host/m1" means all of m1.
func wholeGlob(glob string) string {
	if !strings.Contains(glob, ":") && !strings.HasSuffix(glob, "*") {
		return glob + "/*"
	}
	return glob
}

// filter narrows the changes, and what is unknown, to what the user asked for.
func (b *builder) filter() {
	f := b.in.Filter
	if f == nil {
		b.changes = b.diff.Changes
		return
	}
	shown := *f
	b.plan.Filter = &shown
	for _, c := range b.diff.Changes {
		if f.Match(c.Addr.String()) {
			b.changes = append(b.changes, c)
		} else {
			shown.Hidden++
		}
	}
	desired := append(append([]mesh.Resource{}, b.in.Mesh.Resources...), appStubs(b.in.Mesh)...)
	kept := []Unknown{}
	for _, u := range b.plan.Unknown {
		if (u.Addr == nil && f.MatchTarget(u.Target, desired)) || (u.Addr != nil && f.Match(u.Addr.String())) {
			kept = append(kept, u)
		}
	}
	b.plan.Unknown = kept
}

// appStubs gives the addresses of the desired apps, which are no resources yet
// when their Marathon could not be asked.
func appStubs(m *mesh.Mesh) []mesh.Resource {
	var out []mesh.Resource
	for _, a := range m.Apps {
		out = append(out, mesh.Resource{Addr: a.Address()})
	}
	return out
}
