package main

import (
	"context"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/unseal"
)

func TestWhereAMarathonIsAskedAndWithWhat(t *testing.T) {
	t.Parallel()
	env := func(name string) *mesh.MarathonAuth {
		return &mesh.MarathonAuth{User: "ops", Password: &mesh.SecretSource{Env: name}}
	}
	here := mesh.MarathonSpec{Name: "main", URLs: []string{"https://here"}, Auth: env("X")}
	there := mesh.MarathonSpec{Name: "main", URLs: []string{"https://there"}, Auth: env("X"), Version: "1.8"}
	other := mesh.MarathonSpec{Name: "main", URLs: []string{"https://here"}, Auth: env("Y")}
	plain := mesh.MarathonSpec{Name: "main", URLs: []string{"https://there"}}
	of := func(x ...mesh.MarathonSpec) *mesh.Mesh { return &mesh.Mesh{Marathons: x} }
	for name, x := range map[string]struct {
		base  base
		is    mesh.MarathonSpec
		where string
		gives string // what the credentials are, or why there are none
	}{
		"its own base":            {base{mesh: of(there), own: true}, there, "https://there", "value"},
		"as in the base":          {base{mesh: of(here)}, here, "https://here", "value"},
		"another version":         {base{mesh: of(mesh.MarathonSpec{Name: "main", URLs: here.URLs, Auth: env("X"), Version: "1.8"})}, here, "https://here", "value"},
		"moved":                   {base{mesh: of(here)}, there, "https://here", "value"},
		"another secret":          {base{mesh: of(here)}, other, "https://here", "value"},
		"new":                     {base{mesh: of(), from: "main"}, there, "https://there", "main does not know this Marathon"},
		"a base that is lost":     {base{mesh: of(there), own: true, lost: "origin/main"}, there, "https://there", "origin/main cannot be read"},
		"no credentials any more": {base{mesh: of(here)}, plain, "https://there", ""},
		"no credentials before":   {base{mesh: of(plain)}, here, "https://there", ""},
	} {
		a := access{base: x.base, secrets: unseal.New(unseal.Options{Getenv: func(name string) string {
			return map[string]string{"X": "value"}[name]
		}})}
		spec, ask := a.to(x.is)
		if spec.URLs[0] != x.where || spec.Version != x.is.Version {
			t.Errorf("%s: it is asked at %s as %q", name, spec.URLs[0], spec.Version)
		}
		if spec.Auth == nil {
			if x.gives != "" {
				t.Errorf("%s: it gets no credentials", name)
			}
			continue
		}
		v, err := ask(context.Background(), *spec.Auth.Password)
		got := v.Reveal()
		if err != nil {
			got = err.Error()
		}
		if x.gives == "" || !strings.Contains(got, x.gives) {
			t.Errorf("%s: it gets %s", name, got)
		}
	}
}
