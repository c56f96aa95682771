package definition

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/secret"
)

// Masker tells which parts of a definition hold secrets.
type Masker struct{ expr *regexp.Regexp }

// NewMasker takes regular expressions of names; they are matched without regard to
// case. Those that do not compile were refused when the policy was checked.
func NewMasker(patterns []string) Masker {
	var parts []string
	for _, p := range patterns {
		if _, err := regexp.Compile(p); err == nil {
			parts = append(parts, "(?:"+p+")")
		}
	}
	if len(parts) == 0 {
		return Masker{}
	}
	return Masker{regexp.MustCompile("(?i)" + strings.Join(parts, "|"))}
}

// Mask replaces secrets, in place: the plain values of variables and labels whose name
// says so, and every text with a password in a URL, wherever it stands.
func (m Masker) Mask(form map[string]any) { m.maskObject(form, false) }

func (m Masker) maskObject(o map[string]any, named bool) {
	for name, v := range o {
		if text, ok := v.(string); ok && named && m.expr != nil && m.expr.MatchString(name) {
			o[name] = secret.New(text)
			continue
		}
		o[name] = m.masked(v, name == "env" || name == "labels")
	}
}

func (m Masker) masked(v any, named bool) any {
	switch v := v.(type) {
	case string:
		if credentials.MatchString(v) {
			return secret.New(v)
		}
	case map[string]any:
		m.maskObject(v, named)
	case []any:
		for i, x := range v {
			v[i] = m.masked(x, false)
		}
	}
	return v
}

// credentials are user and password in a URL: postgres://user:password@host.
var credentials = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@`)

// DesiredResource is a desired app as a resource, completed by the live one, which may
// be nil. foreign names the live app's fields that meshsync does not know, sorted: they
// are sent back as they are.
func DesiredResource(a mesh.AppSpec, live *mesh.Resource, info mesh.MarathonInfo, m Masker) (r mesh.Resource, foreign []string, err error) {
	form, own, err := Canonical(a.Definition, info)
	if err != nil {
		return r, nil, fmt.Errorf("app %s: %w", a.ID, err)
	}
	if len(own) > 0 {
		return r, nil, fmt.Errorf("app %s: meshsync does not know the field %s", a.ID, slices.Sorted(maps.Keys(own))[0])
	}
	r = mesh.Resource{Addr: a.Address(), Origin: a.Origin}
	var have mesh.Tree
	if live != nil {
		have = live.Attrs
		if live.App != nil {
			foreign = slices.Sorted(maps.Keys(live.App.Foreign))
		}
	}
	r.Attrs = Resolve(form, have, a.Definition, info)
	m.Mask(r.Attrs)
	return r, foreign, nil
}

// LiveResource is an app as Marathon echoes it, as a resource.
func LiveResource(marathon string, echo map[string]any, info mesh.MarathonInfo, m Masker) (mesh.Resource, error) {
	id, _ := echo["id"].(string)
	form, foreign, err := Canonical(echo, info)
	if err != nil {
		return mesh.Resource{}, fmt.Errorf("app %s: %w", id, err)
	}
	m.Mask(form)
	m.Mask(foreign)
	return mesh.Resource{
		Addr:  mesh.Address{Target: mesh.Marathon(marathon), Kind: mesh.App, Name: id},
		Attrs: form, App: appState(echo, foreign),
	}, nil
}

func appState(echo, foreign map[string]any) *mesh.AppState {
	s := &mesh.AppState{
		TasksStaged: number(echo["tasksStaged"]), TasksRunning: number(echo["tasksRunning"]),
		TasksHealthy: number(echo["tasksHealthy"]), TasksUnhealthy: number(echo["tasksUnhealthy"]),
	}
	s.Version, _ = echo["version"].(string)
	for _, d := range list(echo["deployments"]) {
		o, _ := d.(map[string]any)
		if id, ok := o["id"].(string); ok {
			s.Deployments = append(s.Deployments, id)
		}
	}
	if len(foreign) > 0 {
		s.Foreign = foreign
	}
	return s
}

func number(v any) int {
	switch v := v.(type) {
	case json.Number:
		n, _ := v.Int64()
		return int(n)
	case float64:
		return int(v)
	case int64:
		return int(v)
	default:
		return 0
	}
}
