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
)

// The shapes of the contract, as JSON.
type (
	rawHost struct {
		Address string `json:"address"`
		ID      int    `json:"id"`
		SSH     struct {
			User      string   `json:"user"`
			Port      int      `json:"port"`
			HostKeys  []string `json:"hostKeys"`
			ProxyJump string   `json:"proxyJump"`
		} `json:"ssh"`
		Roles map[string]any `json:"roles"`
	}
	rawMarathon struct {
		URLs []string `json:"urls"`
	}
	rawFile struct {
		Content string `json:"content"`
		Mode    string `json:"mode"`
		Owner   string `json:"owner"`
		Group   string `json:"group"`
		Purge   bool   `json:"purge"`
	}
	rawCheck struct {
		Kind string `json:"kind"`
		Port int    `json:"port"`
		Path string `json:"path"`
	}
	rawService struct {
		Enabled bool      `json:"enabled"`
		Running bool      `json:"running"`
		Reads   []string  `json:"reads"`
		On      string    `json:"on"`
		Check   *rawCheck `json:"check"`
	}
	rawResources struct {
		Files       map[string]rawFile             `json:"files"`
		Directories map[string]rawFile             `json:"directories"`
		Symlinks    map[string]struct{ To string } `json:"symlinks"`
		Services    map[string]rawService          `json:"services"`
		Ensemble    *rawEnsemble                   `json:"ensemble"`
		Rollout     rawRollout                     `json:"rollout"`
	}
	rawEnsemble struct {
		Name    string   `json:"name"`
		Service string   `json:"service"`
		Check   rawCheck `json:"check"`
		Members []string `json:"members"`
		Quorum  int      `json:"quorum"`
	}
	rawRollout struct {
		Layer          int    `json:"layer"`
		MaxUnavailable int    `json:"maxUnavailable"`
		LeaderLast     bool   `json:"leaderLast"`
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
			Name: name, Address: h.Address, Port: h.SSH.Port, User: h.SSH.User, HostKeys: h.SSH.HostKeys,
			ProxyJump: h.SSH.ProxyJump, Roles: slices.Sorted(maps.Keys(h.Roles)),
			Origin: l.userPosition(l.inst.Files, []string{"hosts", name}),
		})
	}
}

func (l *loader) decodeMarathons(m *mesh.Mesh) {
	marathons := l.value.LookupPath(cue.ParsePath("marathons"))
	for _, name := range slices.Sorted(slices.Values(fieldNames(marathons))) {
		var raw rawMarathon
		l.into(marathons.LookupPath(cue.MakePath(cue.Str(name))), &raw)
		m.Marathons = append(m.Marathons, mesh.MarathonSpec{
			Name: name, URLs: raw.URLs, Origin: l.userPosition(l.inst.Files, []string{"marathons", name}),
		})
	}
}

// decodeRoles decodes what every role yields on every host.
func (l *loader) decodeRoles(m *mesh.Mesh) {
	if l.partial {
		return
	}
	specs := map[string]mesh.RoleSpec{}
	l.eachYield(func(host, role string, y cue.Value) {
		var raw rawResources
		l.into(y, &raw)
		origin := l.userPosition(l.inst.Files, []string{"out", host, role})
		m.Resources = append(m.Resources, l.resources(host, role, origin, raw)...)
		spec := roleSpec(role, raw)
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
	})
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

func roleSpec(name string, raw rawResources) mesh.RoleSpec {
	spec := mesh.RoleSpec{Name: name, Rollout: mesh.Rollout{
		Layer: raw.Rollout.Layer, MaxUnavailable: raw.Rollout.MaxUnavailable, LeaderLast: raw.Rollout.LeaderLast,
		Settle: duration(raw.Rollout.Settle), Timeout: duration(raw.Rollout.Timeout),
	}}
	if e := raw.Ensemble; e != nil {
		members := slices.Clone(e.Members)
		slices.Sort(members)
		spec.Ensemble = &mesh.Ensemble{Name: e.Name, Service: e.Service, Check: healthCheck(e.Check), Members: members, Quorum: e.Quorum}
	}
	return spec
}

func healthCheck(c rawCheck) mesh.Check { return mesh.Check{Kind: c.Kind, Port: c.Port, Path: c.Path} }

// duration reads what the contract's #Duration allows; the contract was checked before.
func duration(s string) time.Duration {
	d, _ := time.ParseDuration(cmp.Or(s, "0s"))
	return d
}

func (l *loader) resources(host, role string, origin mesh.Pos, raw rawResources) []mesh.Resource {
	var out []mesh.Resource
	add := func(kind mesh.Kind, name string, attrs map[string]any) *mesh.Resource {
		out = append(out, mesh.Resource{
			Addr:  mesh.Address{Target: mesh.Host(host), Kind: kind, Name: name},
			Attrs: mesh.MustTree(attrs), Role: role, Origin: origin,
		})
		return &out[len(out)-1]
	}
	for path, d := range raw.Directories {
		add(mesh.Directory, path, map[string]any{"mode": d.Mode, "owner": d.Owner, "group": d.Group}).Purge = d.Purge
	}
	for path, f := range raw.Files {
		text := f.Content
		add(mesh.File, path, map[string]any{
			"content": mesh.DigestBytes([]byte(text)), "mode": f.Mode, "owner": f.Owner, "group": f.Group,
		}).Text = &text
	}
	for path, s := range raw.Symlinks {
		add(mesh.Symlink, path, map[string]any{"to": s.To})
	}
	for unit, s := range raw.Services {
		spec := &mesh.ServiceSpec{Reads: slices.Clone(s.Reads), On: s.On}
		slices.Sort(spec.Reads)
		if s.Check != nil {
			c := healthCheck(*s.Check)
			spec.Check = &c
		}
		if e := raw.Ensemble; e != nil && e.Service == unit {
			spec.Ensemble = e.Name
		}
		add(mesh.Service, unit, map[string]any{"enabled": s.Enabled, "running": s.Running}).Service = spec
	}
	return out
}
