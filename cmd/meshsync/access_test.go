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
		spec, ask, _ := a.to(x.base.mesh, x.is)
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

// TestWhatACommitChangesOfAConnectionIsHeldBack: each way in which credentials could go elsewhere, or where others read them.
func TestWhatACommitChangesOfAConnectionIsHeldBack(t *testing.T) {
	t.Parallel()
	// now is what the base says.
	now := func() *mesh.Mesh {
		return &mesh.Mesh{
			Hosts: []mesh.HostSpec{
				{Name: "m1", Address: "10.0.0.11", Port: 22, User: "ops", HostKeys: []string{"ssh-ed25519 A"}, ProxyJump: "gate", Roles: []string{"master"}},
				{Name: "m2", Address: "10.0.0.12", Roles: []string{"master"}},
				{Name: "a1", Address: "10.0.0.21", Roles: []string{"agent"}},
			},
			Marathons: []mesh.MarathonSpec{{
				Name: "main", URLs: []string{"https://marathon:8443/service"}, Via: "master", Proxy: "http://proxy:3128", Version: "1.8",
				Auth: &mesh.MarathonAuth{User: "ops", Password: &mesh.SecretSource{Env: "X"}},
				TLS:  &mesh.MarathonTLS{CA: "CA", Cert: "CERT", Key: &mesh.SecretSource{Env: "KEY"}},
			}},
		}
	}
	for name, c := range map[string]struct {
		change func(m *mesh.Mesh, x *mesh.MarathonSpec)
		held   bool
	}{
		"https to http":              {func(_ *mesh.Mesh, x *mesh.MarathonSpec) { x.URLs = []string{"http://marathon:8443/service"} }, true},
		"another host of the URL":    {func(_ *mesh.Mesh, x *mesh.MarathonSpec) { x.URLs = []string{"https://theirs:8443/service"} }, true},
		"another port":               {func(_ *mesh.Mesh, x *mesh.MarathonSpec) { x.URLs = []string{"https://marathon:9443/service"} }, true},
		"another path":               {func(_ *mesh.Mesh, x *mesh.MarathonSpec) { x.URLs = []string{"https://marathon:8443/theirs"} }, true},
		"one URL more":               {func(_ *mesh.Mesh, x *mesh.MarathonSpec) { x.URLs = append(x.URLs, "https://theirs") }, true},
		"another role to go through": {func(_ *mesh.Mesh, x *mesh.MarathonSpec) { x.Via = "agent" }, true},
		"no longer through hosts":    {func(_ *mesh.Mesh, x *mesh.MarathonSpec) { x.Via = "" }, true},
		"another proxy":              {func(_ *mesh.Mesh, x *mesh.MarathonSpec) { x.Proxy = "http://theirs:3128" }, true},
		"the environment's proxy":    {func(_ *mesh.Mesh, x *mesh.MarathonSpec) { x.Proxy = "" }, true},
		"another authority": {func(_ *mesh.Mesh, x *mesh.MarathonSpec) {
			x.TLS = &mesh.MarathonTLS{CA: "THEIRS", Cert: "CERT", Key: x.TLS.Key}
		}, true},
		"another user": {func(_ *mesh.Mesh, x *mesh.MarathonSpec) {
			x.Auth = &mesh.MarathonAuth{User: "root", Password: x.Auth.Password}
		}, true},
		"another secret": {func(_ *mesh.Mesh, x *mesh.MarathonSpec) {
			x.Auth = &mesh.MarathonAuth{Token: &mesh.SecretSource{Env: "OTHER"}}
		}, true},
		"a host more to go through":    {func(m *mesh.Mesh, _ *mesh.MarathonSpec) { m.Hosts[2].Roles = []string{"agent", "master"} }, true},
		"a host's address":             {func(m *mesh.Mesh, _ *mesh.MarathonSpec) { m.Hosts[0].Address = "192.0.2.1" }, true},
		"a host's port":                {func(m *mesh.Mesh, _ *mesh.MarathonSpec) { m.Hosts[0].Port = 2222 }, true},
		"a host's user":                {func(m *mesh.Mesh, _ *mesh.MarathonSpec) { m.Hosts[0].User = "theirs" }, true},
		"a host's key":                 {func(m *mesh.Mesh, _ *mesh.MarathonSpec) { m.Hosts[0].HostKeys = []string{"ssh-ed25519 B"} }, true},
		"a host's jump":                {func(m *mesh.Mesh, _ *mesh.MarathonSpec) { m.Hosts[0].ProxyJump = "theirs" }, true},
		"nothing":                      {func(*mesh.Mesh, *mesh.MarathonSpec) {}, false},
		"a host less to go through":    {func(m *mesh.Mesh, _ *mesh.MarathonSpec) { m.Hosts[1].Roles = nil }, false},
		"a host's sudo and system":     {func(m *mesh.Mesh, _ *mesh.MarathonSpec) { m.Hosts[0].Sudo, m.Hosts[0].OS = mesh.SudoNone, "debian 12" }, false},
		"the address of another host":  {func(m *mesh.Mesh, _ *mesh.MarathonSpec) { m.Hosts[2].Address = "192.0.2.1" }, false},
		"the release":                  {func(_ *mesh.Mesh, x *mesh.MarathonSpec) { x.Version = "1.11" }, false},
		"elsewhere and no credentials": {func(_ *mesh.Mesh, x *mesh.MarathonSpec) { x.Auth, x.TLS, x.URLs = nil, nil, []string{"https://theirs"} }, false},
	} {
		a := access{base: base{mesh: now(), from: "main"}}
		is := now()
		c.change(is, &is.Marathons[0])
		spec, _, ofBase := a.to(is, is.Marathons[0])
		if moved := len(a.moved(is)) == 1; moved != c.held || ofBase != c.held || len(a.notes(is)) == 1 != c.held {
			t.Errorf("%s: held back: %t, by hosts of the base: %t", name, moved, ofBase)
		}
		if asBase := spec.SameConnection(a.base.mesh.Marathons[0]); c.held && !asBase {
			t.Errorf("%s: it is asked as %+v", name, spec)
		}
	}
}
