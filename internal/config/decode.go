package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"cuelang.org/go/cue"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// The shapes of the contract, as JSON.
type (
	rawHost struct {
		Address string `json:"address"`
		ID      int    `json:"id"`
		OS      string `json:"os"`
		SSH     struct {
			User      string   `json:"user"`
			Port      int      `json:"port"`
			HostKeys  []string `json:"hostKeys"`
			ProxyJump string   `json:"proxyJump"`
			Sudo      string   `json:"sudo"`
		} `json:"ssh"`
		Roles map[string]any `json:"roles"`
	}
	rawMarathon struct {
		URLs    []string           `json:"urls"`
		Version string             `json:"version"`
		Auth    *mesh.MarathonAuth `json:"auth"`
		TLS     *mesh.MarathonTLS  `json:"tls"`
		Proxy   string             `json:"proxy"`
		Via     string             `json:"via"`
	}
	// rawResources is what a role yields: the field of each primitive, and the two below.
	rawResources map[string]json.RawMessage
	rawEnsemble  struct {
		Name     string     `json:"name"`
		Service  string     `json:"service"`
		Check    mesh.Check `json:"check"`
		Members  []string   `json:"members"`
		Quorum   int        `json:"quorum"`
		Identity []string   `json:"identity"`
		Joins    string     `json:"joins"`
	}
	rawRollout struct {
		Layer          int    `json:"layer"`
		MaxUnavailable int    `json:"maxUnavailable"`
		LeaderLast     bool   `json:"leaderLast"`
		Canary         *bool  `json:"canary"`
		OnFailure      string `json:"onFailure"`
		Settle         string `json:"settle"`
		Timeout        string `json:"timeout"`
	}
)

// decode turns the evaluated mesh into values. Errors are collected.
func (l *loader) decode() *mesh.Mesh {
	m := &mesh.Mesh{}
	name := l.value.LookupPath(cue.ParsePath("name"))
	l.into(name, &m.Name)
	if m.Name == "" && l.value.LookupPath(cue.ParsePath("hosts")).Exists() && (!name.Exists() || !l.partial) {
		l.errs.add(Error{
			Pos: mesh.Pos{File: l.dir + "/mesh.cue", Line: 1}, Rule: "missing", Msg: "the mesh has no name",
			Hint: `write name: "prod"; it is the mesh's id in records, so it must not change later`,
		})
	}
	l.decodeHosts(m)
	l.decodeMarathons(m)
	m.Policy = l.decodePolicy()
	l.decodeRoles(m)
	l.decodeApps(m)
	l.decodeBeside(m)
	return m
}

// into decodes a value that may be absent.
func (l *loader) into(v cue.Value, dst any) {
	if !v.Exists() {
		return
	}
	b, err := v.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(b, dst)
	}
	if err != nil && !l.partial {
		l.errs.add(internalError("decode "+v.Path().String(), err))
	}
}

func (l *loader) decodeHosts(m *mesh.Mesh) {
	hosts := l.value.LookupPath(cue.ParsePath("hosts"))
	for _, name := range slices.Sorted(slices.Values(fieldNames(hosts))) {
		var h rawHost
		l.into(hosts.LookupPath(cue.MakePath(cue.Str(name))), &h)
		m.Hosts = append(m.Hosts, mesh.HostSpec{
			Name: name, Address: h.Address, OS: h.OS, Port: h.SSH.Port, User: h.SSH.User, HostKeys: h.SSH.HostKeys,
			ProxyJump: h.SSH.ProxyJump, Sudo: sudo(h.SSH.Sudo), Roles: slices.Sorted(maps.Keys(h.Roles)),
			Origin: l.userPosition(l.inst.Files, []string{"hosts", name}),
		})
	}
}

// sudo is what the contract's word stands for.
func sudo(word string) mesh.Sudo {
	if word == "all" {
		return mesh.SudoAll
	}
	return mesh.Sudo(word)
}

func (l *loader) decodeMarathons(m *mesh.Mesh) {
	marathons := l.value.LookupPath(cue.ParsePath("marathons"))
	for _, name := range slices.Sorted(slices.Values(fieldNames(marathons))) {
		var raw rawMarathon
		l.into(marathons.LookupPath(cue.MakePath(cue.Str(name))), &raw)
		m.Marathons = append(m.Marathons, mesh.MarathonSpec{
			Name: name, URLs: raw.URLs, Version: raw.Version, Auth: raw.Auth, TLS: raw.TLS, Proxy: raw.Proxy, Via: raw.Via, Origin: l.userPosition(l.inst.Files, []string{"marathons", name}),
			VersionOrigin: l.userPosition(l.inst.Files, []string{"marathons", name, "version"}),
		})
	}
}

// decodeRoles decodes what every role yields on every host.
func (l *loader) decodeRoles(m *mesh.Mesh) {
	if l.partial {
		return
	}
	specs := map[string]mesh.RoleSpec{}
	for _, y := range l.yields {
		host, role := y.host, y.role
		var raw rawResources
		l.from(y.resources, &raw)
		origin := l.userPosition(l.inst.Files, []string{"out", host, role})
		spec := l.roleSpec(role, raw)
		m.Resources = append(m.Resources, l.resources(host, role, origin, raw, spec.Ensemble)...)
		if old, ok := specs[role]; ok {
			if fmt.Sprint(old.Rollout, ensembleText(old.Ensemble)) != fmt.Sprint(spec.Rollout, ensembleText(spec.Ensemble)) {
				l.errs.add(Error{
					Pos: origin, Also: []mesh.Pos{old.Origin}, Rule: "role-differs",
					Msg:  fmt.Sprintf("role %s yields another rollout or ensemble on %s than on %s", role, host, old.Hosts[0]),
					Hint: "rollout and ensemble are of the role as a whole; set them for all hosts, in settings or policy.rollout",
				})
			}
			spec = old
		} else {
			spec.Origin = origin
		}
		spec.Hosts = append(spec.Hosts, host)
		specs[role] = spec
	}
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		m.Roles = append(m.Roles, specs[name])
	}
}

func ensembleText(e *mesh.Ensemble) string {
	if e == nil {
		return ""
	}
	return fmt.Sprint(*e)
}

func (l *loader) roleSpec(name string, raw rawResources) mesh.RoleSpec {
	var ro rawRollout
	l.from(raw["rollout"], &ro)
	spec := mesh.RoleSpec{Name: name, Rollout: mesh.Rollout{
		Layer: ro.Layer, MaxUnavailable: ro.MaxUnavailable, LeaderLast: ro.LeaderLast, NoCanary: ro.Canary != nil && !*ro.Canary,
		OnFailure: ro.OnFailure,
		Settle:    duration(ro.Settle), Timeout: duration(ro.Timeout),
	}}
	var e *rawEnsemble
	if l.from(raw["ensemble"], &e); e != nil {
		slices.Sort(e.Members)
		spec.Ensemble = &mesh.Ensemble{Name: e.Name, Service: e.Service, Check: e.Check, Members: e.Members, Quorum: e.Quorum, Identity: e.Identity, Joins: e.Joins}
	}
	return spec
}

// from decodes a part of a document that may not be there.
func (l *loader) from(part json.RawMessage, dst any) {
	if len(part) == 0 {
		return
	}
	if err := json.Unmarshal(part, dst); err != nil {
		l.errs.add(internalError("decode", err))
	}
}

// duration reads what the contract's #Duration allows; the contract was checked before.
func duration(s string) time.Duration {
	d, _ := time.ParseDuration(cmp.Or(s, "0s"))
	return d
}

// resources decodes what a role yields on a host, kind by kind.
func (l *loader) resources(host, role string, origin mesh.Pos, raw rawResources, e *mesh.Ensemble) []mesh.Resource {
	var out []mesh.Resource
	for _, p := range primitive.All() {
		var declared map[string]json.RawMessage
		l.from(raw[p.Field], &declared)
		for name, declaration := range declared {
			d, err := p.Decode(declaration)
			if err != nil {
				l.errs.add(internalError(fmt.Sprintf("decode %s %s", p.Kind, name), err))
				continue
			}
			if d.Service != nil {
				d.Service.Reads = append(d.Service.Reads, primitive.UnitReads(name)...)
				slices.Sort(d.Service.Reads)
				d.Service.Reads = slices.Compact(d.Service.Reads)
			}
			if d.Service != nil && e != nil && e.Service == name {
				d.Service.Ensemble, d.Service.Members = e.Name, e.Members
			}
			l.refuse(host, role, p, name, origin, declaration)
			l.verifyKey(host, role, p.Field, name, origin, d)
			out = append(out, mesh.Resource{
				Addr:  mesh.Address{Target: mesh.Host(host), Kind: p.Kind, Name: name},
				Attrs: mesh.MustTree(d.Attrs), Text: d.Text, Secret: d.Secret, Purge: d.Purge, Gone: d.Gone, Recursive: d.Recursive, Validate: d.Validate, Service: d.Service, Role: role, Origin: origin,
			})
		}
	}
	return out
}
