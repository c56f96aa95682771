package config

import (
	"encoding/json"
	"fmt"

	"cuelang.org/go/cue"

	"meshsync.dev/meshsync/internal/marathon/rules"
	"meshsync.dev/meshsync/internal/mesh"
)

// readApp reads an app of today, or one that is written for Marathon 0.6 with Deimos. Of the latter, instead
// has the fields to write in place of its own.
func readApp(s *structure, r *shapeReader, con func() contract, v cue.Value) (def, instead map[string]any, err error) {
	if def, err = s.app(r, con, v); err == nil {
		return def, nil, nil
	}
	if old, instead, ok := seedApp(s, r, con, v); ok {
		return old, instead, nil
	}
	return nil, nil, err
}

// seedApp reads an app for Marathon 0.6 with Deimos, which the contract does not have, in the form of today.
func seedApp(s *structure, r *shapeReader, con func() contract, v cue.Value) (def, instead map[string]any, ok bool) {
	b, err := v.MarshalJSON()
	if err != nil {
		return nil, nil, false
	}
	doc, err := decodeJSON(b)
	old, isApp := doc.(map[string]any)
	if err != nil || !isApp || !rules.OfDeimos(old) {
		return nil, nil, false
	}
	instead, _ = rules.Modern(old)
	for name, x := range instead {
		if x == nil {
			delete(old, name)
		} else {
			old[name] = x
		}
	}
	if b, err = json.Marshal(old); err != nil {
		return nil, nil, false
	}
	def, err = s.app(r, con, con().ctx.CompileBytes(b)) // JSON is CUE, too
	return def, instead, err == nil
}

// warnOfSeed tells what to write in place of what is written for Marathon 0.6 with Deimos.
func (a appValue) warnOfSeed(m *mesh.Mesh, id string) {
	if a.instead == nil {
		return
	}
	m.Warnings = append(m.Warnings, mesh.Warning{
		Pos:  a.origin,
		Msg:  fmt.Sprintf("app %s is written for Marathon 0.6 with Deimos, and is read as what that did", id),
		Hint: "write instead: " + rules.Written(a.instead),
	})
}
