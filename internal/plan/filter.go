package plan

import (
	"regexp"
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

// MatchTarget reports whether any resource of the target may pass: a target that
// is excluded as a whole need not be observed.
func (f *Filter) MatchTarget(t mesh.Target, desired []mesh.Resource) bool {
	if f == nil {
		return true
	}
	for _, r := range desired {
		if r.Addr.Target == t && f.Match(r.Addr.String()) {
			return true
		}
	}
	return false
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
// is one. A pattern without ":" names whole targets, so "host/m1" means all of m1.
func globExpr(glob string) *regexp.Regexp {
	if !strings.Contains(glob, ":") && !strings.HasSuffix(glob, "*") {
		glob += "/*"
	}
	q := regexp.QuoteMeta(glob)
	q = strings.ReplaceAll(q, `\*`, `.*`)
	q = strings.ReplaceAll(q, `\?`, `.`)
	return regexp.MustCompile(`^(?s:` + q + `)$`)
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
