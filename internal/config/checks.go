package config

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// check holds the decoded mesh to the rules that go across its parts.
func check(m *mesh.Mesh, l *loader) {
	checkAddresses(m, l.errs)
	checkMembers(m, l)
	checkPaths(m, l)
	checkLengths(m, l)
	checkParents(m, l)
	checkRecords(m, l)
	checkPurges(m, l)
	checkAbsent(m, l)
	checkContradictions(m, l)
	checkKernelPaths(m, l)
	checkEnsembles(m, l)
	checkIdentities(m, l)
	checkServices(m, l)
	checkHealth(m, l)
	checkSecrets(m, l)
	checkPolicy(m, l)
	checkURLs(m, l)
	checkAccounts(m, l)
	checkCertificates(m, l)
	checkVia(m, l)
	checkApps(m, l)
	checkServicePorts(m, l.errs)
	checkVolumeNames(m, l)
	checkOwned(m, l)
	checkMoved(m, l)
}

func checkAddresses(m *mesh.Mesh, c *collector) {
	byAddress := map[string]mesh.HostSpec{}
	for _, h := range m.Hosts {
		if h.Address == "" {
			continue // it is reported where the facts are checked
		}
		key := fmt.Sprintf("%s:%d", strings.ToLower(h.Address), h.Port)
		if old, ok := byAddress[key]; ok {
			c.add(Error{
				Pos: h.Origin, Also: []mesh.Pos{old.Origin}, Rule: "duplicate-address",
				Msg: fmt.Sprintf("hosts %s and %s have the same address, %s", old.Name, h.Name, h.Address), Hint: "two names for one machine would undo each other's changes",
			})
		}
		byAddress[key] = h
		if strings.ContainsAny(h.Address, " /@") {
			c.add(Error{Pos: h.Origin, Rule: "address", Msg: fmt.Sprintf("host %s has the address %q: want a name or an IP address, without user or port", h.Name, h.Address), Hint: "the user goes to ssh: user, the port to ssh: port"})
		}
	}
	checkIDs(m, c)
}

// checkMembers finds ensembles with members that are no hosts.
func checkMembers(m *mesh.Mesh, l *loader) {
	names := map[string]bool{}
	for _, h := range m.Hosts {
		names[h.Name] = true
	}
	for _, r := range m.Roles {
		if r.Ensemble == nil {
			continue
		}
		for _, member := range r.Ensemble.Members {
			if !names[member] {
				l.errs.add(Error{Pos: l.ensembleAt(r), Rule: "unknown-host", Msg: fmt.Sprintf("ensemble %s has the member %q, and there is no such host", r.Ensemble.Name, member), Hint: didYouMean(member, keys(names))})
			}
		}
	}
}

// ensembleAt is the line of a user's role that makes an ensemble, else where the role's first host takes it.
func (l *loader) ensembleAt(r mesh.RoleSpec) mesh.Pos {
	if p := l.yieldPosition([]string{"out", "", r.Name, "yield", "ensemble"}); !p.IsZero() {
		return p
	}
	return r.Origin
}

// checkIDs finds two members with one identity: the lines server.N of ZooKeeper would clash.
func checkIDs(m *mesh.Mesh, c *collector) {
	for _, r := range m.Roles {
		seen := map[string]mesh.Resource{}
		for _, res := range m.Resources {
			if res.Role != r.Name || res.Text == nil || !tellsIdentity(r, res) {
				continue
			}
			id := strings.TrimSpace(*res.Text)
			if old, ok := seen[res.Addr.Name+"\x00"+id]; ok {
				c.add(Error{
					Pos: hostOrigin(m, res.Addr.Target.Name), Also: []mesh.Pos{hostOrigin(m, old.Addr.Target.Name)}, Rule: "duplicate-id",
					Msg: fmt.Sprintf("hosts %s and %s both have the id %s in role %s", old.Addr.Target.Name, res.Addr.Target.Name, id, r.Name),
				})
			}
			seen[res.Addr.Name+"\x00"+id] = res
		}
	}
}

func tellsIdentity(r mesh.RoleSpec, res mesh.Resource) bool {
	return r.Ensemble != nil && slices.Contains(r.Ensemble.Identity, res.Addr.Name)
}

// checkIdentities finds ensembles whose identity lies in no file of theirs: none would be held to it.
func checkIdentities(m *mesh.Mesh, l *loader) {
	for _, r := range m.Roles {
		if r.Ensemble == nil {
			continue
		}
		for _, file := range r.Ensemble.Identity {
			if !slices.ContainsFunc(m.Resources, func(res mesh.Resource) bool {
				return res.Role == r.Name && res.Addr.Kind == mesh.File && res.Addr.Name == file
			}) {
				l.errs.add(Error{
					Pos: l.ensembleAt(r), Rule: "identity", Msg: fmt.Sprintf("ensemble %s has its identity in %s, and role %s yields no such file", r.Ensemble.Name, file, r.Name),
					Hint: "name the file in files that says which member a host is",
				})
			}
		}
	}
}

func hostOrigin(m *mesh.Mesh, name string) mesh.Pos {
	h, _ := m.Host(name)
	return h.Origin
}

// checkPaths finds two roles of one host that yield one path, and paths that are not plain.
func checkPaths(m *mesh.Mesh, l *loader) {
	c := l.errs
	seen := map[string]mesh.Resource{}
	for _, r := range m.Resources {
		key := r.Addr.Target.Name + "\x00" + r.Addr.Name
		if p, _ := primitive.Of(r.Addr.Kind); p.Path == nil {
			key += "\x00" + string(r.Addr.Kind) // a user and a group may have one name, and no path
		} else if path.Clean(r.Addr.Name) != r.Addr.Name || !strings.HasPrefix(r.Addr.Name, "/") || r.Addr.Name == "/" {
			c.add(Error{Pos: l.madeAt(r), Rule: "path", Msg: fmt.Sprintf("role %s yields the path %q: want an absolute path without .., // or a final /", r.Role, r.Addr.Name)})
		}
		old, ok := seen[key]
		switch {
		case ok && old.Role == r.Role:
			c.add(Error{
				Pos: l.madeAt(r), Also: alsoUnless(l.madeAt(r), l.madeAt(old)), Rule: "two-roles-one-path",
				Msg: fmt.Sprintf("role %s yields %s twice, in %s and in %s", r.Role, r.Addr.Name, kindField(old.Addr.Kind), kindField(r.Addr.Kind)),
			})
		case ok && !sameDirectory(old, r):
			c.add(Error{
				Pos: l.madeAt(r), Also: alsoUnless(l.madeAt(r), l.madeAt(old)), Rule: "two-roles-one-path",
				Msg:  fmt.Sprintf("roles %s and %s both yield %s on %s", old.Role, r.Role, r.Addr.Name, r.Addr.Target.Name),
				Hint: "one role must own it; the other can read it",
			})
		}
		seen[key] = r
	}
}

// madeAt is the line of a user's role that makes a resource, or a field of it, else where
// its host takes the role.
func (l *loader) madeAt(r mesh.Resource, field ...string) mesh.Pos {
	at := append([]string{"out", r.Addr.Target.Name, r.Role, "yield", kindField(r.Addr.Kind), r.Addr.Name}, field...)
	if p := l.yieldPosition(at); !p.IsZero() {
		return p
	}
	return r.Origin
}

// kindField is the field of yield that holds a kind.
func kindField(k mesh.Kind) string {
	p, _ := primitive.Of(k)
	return p.Field
}

// yieldFields lists the fields of what a role yields.
func yieldFields() []string {
	out := []string{"ensemble", "rollout"}
	for _, p := range primitive.All() {
		out = append(out, p.Field)
	}
	return out
}

// pathFields lists those whose names are paths.
func pathFields() []string {
	var out []string
	for _, p := range primitive.All() {
		if p.Path != nil {
			out = append(out, p.Field)
		}
	}
	return out
}

// sameDirectory allows two roles to want one directory with the same owner and mode.
func sameDirectory(a, b mesh.Resource) bool {
	return a.Addr.Kind == mesh.Directory && b.Addr.Kind == mesh.Directory && a.Purge == b.Purge && mesh.EqualValues(a.Attrs, b.Attrs)
}

func alsoUnless(pos, other mesh.Pos) []mesh.Pos {
	if pos == other {
		return nil
	}
	return []mesh.Pos{other}
}

func checkEnsembles(m *mesh.Mesh, l *loader) {
	c := l.errs
	for _, r := range m.Roles {
		e := r.Ensemble
		if e == nil || l.onTheWay {
			continue
		}
		n := len(e.Members)
		if n > 2 && n%2 == 0 {
			c.add(Error{
				Pos: l.ensembleAt(r), Rule: "even-ensemble", Msg: fmt.Sprintf("ensemble %s has %d members: an even number survives no more failures than %d", e.Name, n, n-1),
				Hint: fmt.Sprintf("use %d or %d", n-1, n+1),
			})
		}
		if n == 2 {
			c.add(Error{
				Pos: l.ensembleAt(r), Rule: "even-ensemble", Msg: fmt.Sprintf("ensemble %s has 2 members: each of them can stop it", e.Name), Hint: "use 1 or 3",
			})
		}
		if 2*e.Quorum <= n || e.Quorum > n {
			c.add(Error{
				Pos: l.ensembleAt(r), Rule: "quorum", Msg: fmt.Sprintf("ensemble %s has the quorum %d of %d members: a quorum is more than half of them", e.Name, e.Quorum, n),
				Hint: "let the role compute it: div(len(members), 2) + 1",
			})
		}
	}
}

func checkServices(m *mesh.Mesh, l *loader) {
	c := l.errs
	for _, r := range m.Resources {
		if r.Service == nil {
			continue
		}
		if !regexp.MustCompile(`^[A-Za-z0-9@_.:-]+$`).MatchString(r.Addr.Name) {
			c.add(Error{Pos: l.madeAt(r), Rule: "unit", Msg: fmt.Sprintf("role %s yields the service %q: that is no name of a unit", r.Role, r.Addr.Name)})
		} else if short, long := strings.CutSuffix(r.Addr.Name, ".service"); long {
			c.add(Error{
				Pos: l.madeAt(r), Rule: "unit-suffix", Msg: fmt.Sprintf("role %s yields the service %q: two names for one unit would be two services", r.Role, r.Addr.Name),
				Hint: "write " + short,
			})
		}
	}
}

func checkPolicy(m *mesh.Mesh, l *loader) {
	c := l.errs
	for _, s := range m.Policy.SecretNames {
		if _, err := regexp.Compile(s); err != nil {
			c.add(Error{Pos: m.Policy.Origin["secretNames"], Rule: "policy", Msg: fmt.Sprintf("policy.secretNames: %q is no regular expression", s)})
		}
	}
	roles := map[string]bool{}
	for _, r := range m.Roles {
		roles[r.Name] = true
	}
	if l.partial {
		for name := range l.roleNames() {
			roles[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Policy.Rollout)) {
		if !roles[name] {
			c.add(Error{
				Pos: m.Policy.Origin["rollout."+name], Rule: "unknown-role",
				Msg: fmt.Sprintf("policy.rollout is for role %q, and no host has it", name), Hint: didYouMean(name, keys(roles)),
			})
		}
	}
}
