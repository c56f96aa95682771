package config

import (
	"maps"
	"slices"

	"cuelang.org/go/cue"

	"meshsync.dev/meshsync/internal/mesh"
)

type rawPolicy struct {
	Limits struct {
		Deletions    *int `json:"deletions"`
		TaskRestarts *int `json:"taskRestarts"`
		Hosts        *int `json:"hosts"`
		Outages      *int `json:"outages"`
		Identities   *int `json:"identityChanges"`
	} `json:"limits"`
	Unreachable struct {
		Max         *int `json:"max"`
		QuorumRoles *int `json:"quorumRoles"`
	} `json:"unreachable"`
	Blind       []string `json:"blind"`
	SecretNames []string `json:"secretNames"`
	Restart     string   `json:"restart"`
	Apps        struct {
		Timeout    string          `json:"timeout"`
		OnDeadline mesh.OnDeadline `json:"onDeadline"`
	} `json:"apps"`
	Rollout map[string]struct {
		MaxUnavailable *int    `json:"maxUnavailable"`
		Canary         *bool   `json:"canary"`
		OnFailure      *string `json:"onFailure"`
		Settle         *string `json:"settle"`
		Timeout        *string `json:"timeout"`
	} `json:"rollout"`
}

// decodePolicy decodes policy with the line of each rule that it sets: rollout.ROLE is
// that of the whole entry, rollout.ROLE.FIELD that of one field, which may be elsewhere.
func (l *loader) decodePolicy() mesh.Policy {
	v := l.value.LookupPath(cue.ParsePath("policy"))
	var raw rawPolicy
	l.into(v, &raw)
	l.into(v.LookupPath(cue.ParsePath("secretNames")), &raw.SecretNames)
	p := mesh.Policy{
		Limits: mesh.Limits{
			Deletions: raw.Limits.Deletions, TaskRestarts: raw.Limits.TaskRestarts,
			Hosts: raw.Limits.Hosts, Outages: raw.Limits.Outages, IdentityChanges: raw.Limits.Identities,
		},
		Unreachable: mesh.Unreachable{Max: raw.Unreachable.Max, QuorumRoles: raw.Unreachable.QuorumRoles},
		Blind:       raw.Blind, SecretNames: raw.SecretNames, Restart: raw.Restart,
		Apps:    mesh.AppPolicy{Timeout: duration(raw.Apps.Timeout), OnDeadline: raw.Apps.OnDeadline},
		Rollout: map[string]mesh.RolloutOverride{},
		Origin:  map[string]mesh.Pos{},
	}
	for _, name := range slices.Sorted(maps.Keys(raw.Rollout)) {
		r := raw.Rollout[name]
		o := mesh.RolloutOverride{MaxUnavailable: r.MaxUnavailable, Canary: r.Canary, OnFailure: r.OnFailure}
		if r.Settle != nil {
			d := duration(*r.Settle)
			o.Settle = &d
		}
		if r.Timeout != nil {
			d := duration(*r.Timeout)
			o.Timeout = &d
		}
		p.Rollout[name] = o
		p.Origin["rollout."+name] = l.origin("policy", "rollout", name)
		entry := v.LookupPath(cue.MakePath(cue.Str("rollout"), cue.Str(name)))
		for _, field := range fieldNames(entry) {
			if entry.LookupPath(cue.MakePath(cue.Str(field))).Exists() { // fieldNames has those too that may be set
				p.Origin["rollout."+name+"."+field] = l.origin("policy", "rollout", name, field)
			}
		}
	}
	if raw.SecretNames != nil {
		p.Origin["secretNames"] = l.origin("policy", "secretNames")
	}
	if raw.Blind != nil {
		p.Origin["blind"] = l.origin("policy", "blind")
	}
	for _, group := range []string{"limits", "unreachable"} {
		for _, name := range fieldNames(v.LookupPath(cue.ParsePath(group))) {
			p.Origin[group+"."+name] = l.origin("policy", group, name)
		}
	}
	return p
}

// origin is the line that sets a path: in the mesh's own files or what they import, else
// wherever the evaluator says that the value comes from, such as a pattern or a loop.
func (l *loader) origin(path ...string) mesh.Pos {
	if p := l.originIn(l.inst.Files, path); !p.IsZero() {
		return p
	}
	var sel []cue.Selector
	for _, p := range path {
		sel = append(sel, cue.Str(p))
	}
	if p := userLine(l.value.LookupPath(cue.MakePath(sel...))); !p.IsZero() {
		return p
	}
	return l.userPosition(l.inst.Files, path)
}
