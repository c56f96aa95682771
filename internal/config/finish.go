package config

import (
	"cmp"
	"encoding/json"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// sortMesh puts every list into the order that mesh.Mesh documents, and joins
// directories that two roles want alike.
func sortMesh(m *mesh.Mesh) {
	slices.SortStableFunc(m.Resources, func(a, b mesh.Resource) int { return a.Addr.Compare(b.Addr) })
	m.Resources = slices.CompactFunc(m.Resources, func(a, b mesh.Resource) bool { return a.Addr == b.Addr })
	slices.SortFunc(m.Roles, func(a, b mesh.RoleSpec) int {
		return cmp.Or(cmp.Compare(a.Rollout.Layer, b.Rollout.Layer), cmp.Compare(a.Name, b.Name))
	})
	for i := range m.Roles {
		slices.Sort(m.Roles[i].Hosts)
	}
	slices.SortStableFunc(m.Warnings, func(a, b mesh.Warning) int {
		return cmp.Or(comparePos(a.Pos, b.Pos), cmp.Compare(a.Msg, b.Msg))
	})
	slices.SortFunc(m.Apps, func(a, b mesh.AppSpec) int {
		return cmp.Or(cmp.Compare(a.Marathon, b.Marathon), cmp.Compare(a.ID, b.ID))
	})
}

// digestOf identifies the evaluated state: everything that a target or an order
// depends on, and no position in a file.
func digestOf(m *mesh.Mesh) string {
	type resource struct {
		Addr    mesh.Address
		Attrs   mesh.Tree
		Role    string
		Purge   bool
		Service *mesh.ServiceSpec
	}
	type role struct {
		Name     string
		Hosts    []string
		Rollout  mesh.Rollout
		Ensemble *mesh.Ensemble
	}
	doc := struct {
		Name      string
		Hosts     []mesh.HostSpec
		Marathons []mesh.MarathonSpec
		Roles     []role
		Resources []resource
		Apps      []map[string]any
		On        []string     `json:",omitempty"` // the Marathon of each app, where there are several
		Owned     []mesh.Owned `json:",omitempty"`
		Moved     []mesh.Move  `json:",omitempty"`
		Policy    mesh.Policy
	}{Name: m.Name, Owned: m.Owned, Moved: m.Moved, Policy: m.Policy}
	doc.Policy.Origin = nil
	for _, h := range m.Hosts {
		h.Origin = mesh.Pos{}
		doc.Hosts = append(doc.Hosts, h)
	}
	for _, x := range m.Marathons {
		x.Origin = mesh.Pos{}
		doc.Marathons = append(doc.Marathons, x)
	}
	for _, r := range m.Roles {
		doc.Roles = append(doc.Roles, role{r.Name, r.Hosts, r.Rollout, r.Ensemble})
	}
	for _, r := range m.Resources {
		doc.Resources = append(doc.Resources, resource{r.Addr, r.Attrs, r.Role, r.Purge, r.Service})
	}
	for _, a := range m.Apps {
		doc.Apps = append(doc.Apps, a.Definition)
		if len(m.Marathons) > 1 {
			doc.On = append(doc.On, a.Marathon)
		}
	}
	b, err := json.Marshal(doc)
	if err != nil {
		panic("config: a mesh that JSON cannot hold: " + err.Error())
	}
	return mesh.DigestBytes(b)
}
