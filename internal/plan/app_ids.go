package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// takenIDs refuses new apps whose id is one of a pod, of a group that holds something, or of what
// lies below an app or a pod: for Marathon an id is one of the three. An empty group gives way to an app.
func (b *builder) takenIDs() {
	taken := map[mesh.Target]*treeIDs{}
	for _, c := range b.changes {
		if c.Addr.Kind != mesh.App || c.Action != diff.Create {
			continue
		}
		if taken[c.Addr.Target] == nil {
			state, _ := b.in.Seen.Of(c.Addr.Target)
			taken[c.Addr.Target] = newTreeIDs(state)
		}
		why, hint, of := taken[c.Addr.Target].takes(c.Addr.Name)
		if why == "" {
			continue
		}
		if b.goes(mesh.Address{Target: c.Addr.Target, Kind: mesh.App, Name: of}) {
			hint = "git no longer names " + of + ", and what is deleted goes last: take out the new app, apply, and put it in with the next commit"
		}
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: "app.collides", Subject: c.Addr.String(), Message: "app " + c.Addr.Name + " " + why, Hint: hint, Source: c.Origin.String(),
		})
	}
}

// goes reports whether the plan deletes it.
func (b *builder) goes(a mesh.Address) bool {
	return slices.ContainsFunc(b.changes, func(c diff.Change) bool { return c.Addr == a && c.Action == diff.Delete })
}

// treeIDs are the ids of one Marathon.
type treeIDs struct {
	apps, pods map[string]bool
	holds      map[string]string // group → one of what lies in it
}

func newTreeIDs(state mesh.TargetState) *treeIDs {
	t := &treeIDs{map[string]bool{}, map[string]bool{}, map[string]string{}}
	for _, r := range state.Resources {
		t.apps[r.Addr.Name] = true
		t.lies(r.Addr.Name)
	}
	for _, u := range state.Unknown {
		t.apps[u.Addr.Name] = true
		t.lies(u.Addr.Name)
	}
	if state.Marathon != nil {
		for _, id := range state.Marathon.Pods {
			t.pods[id] = true
			t.lies(id)
		}
	}
	return t
}

func (t *treeIDs) lies(id string) {
	for g := path.Dir(id); g != "/" && g != "."; g = path.Dir(g) {
		if t.holds[g] == "" {
			t.holds[g] = id
		}
	}
}

// takes says why an app cannot have the id, what to do, and which other one has it; "" when it can.
func (t *treeIDs) takes(id string) (why, hint, of string) {
	switch in := t.holds[id]; {
	case t.pods[id]:
		return "has the id of a pod: Marathon refuses an app and a pod with one id", "choose another id", id
	case in != "":
		return fmt.Sprintf("has the id of a group, in which %s lies: for Marathon an id is an app or a group, not both", in), "choose another id, such as " + id + "/main", in
	}
	for above := path.Dir(id); above != "/" && above != "."; above = path.Dir(above) {
		kind := "app"
		if t.pods[above] {
			kind = "pod"
		}
		if t.apps[above] || t.pods[above] {
			return fmt.Sprintf("lies below the %s %s, which is there: for Marathon an id is an app, a pod or a group, and one of them only", kind, above),
				"choose an id that does not begin with " + above + "/", above
		}
	}
	return "", "", ""
}

// foreignRoles refuses roles that an app may not have where it lies: directly below the root it is
// that of the Marathon, in a group that enforces roles the group's, else one of the two. In a group
// an app may keep the one that it has.
func (b *builder) foreignRoles() {
	for _, c := range b.changes {
		role, _ := c.After["role"].(string)
		state, _ := b.in.Seen.Of(c.Addr.Target)
		if !writesApp(c) || role == "" || state.Marathon == nil {
			continue
		}
		info := state.Marathon.Config
		has, _ := c.Before["role"].(string)
		may, where := rolesAt(c.Addr.Name, has, info)
		if info.MesosRole == "" || mesh.ParseRelease(info.Version).Before(1, 9) || slices.Contains(may, role) {
			continue
		}
		hint := "write one of these as role, or leave it out"
		if role == has { // to leave it out is to keep it
			hint = fmt.Sprintf("write role: %q, with which all its tasks are replaced", may[0])
		}
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: "app.role", Subject: c.Addr.String(),
			Message: fmt.Sprintf("app %s has the role %q, and %s Marathon takes %s only", c.Addr.Name, role, where, strings.Join(may, " or ")),
			Hint:    hint, Source: c.Origin.String(),
		})
	}
}

// rolesAt are the roles that an app which has one may have, and where it lies in words. A new app has none.
func rolesAt(id, has string, info mesh.MarathonInfo) (may []string, where string) {
	top, _, deeper := strings.Cut(strings.TrimPrefix(id, "/"), "/")
	switch {
	case !deeper:
		return []string{info.MesosRole}, "directly below the root"
	case info.EnforceRole["/"+top]:
		may, where = []string{top}, "in the group /"+top+", which enforces its role,"
	default:
		may, where = []string{info.MesosRole, top}, "in the group /"+top
	}
	if has != "" && !slices.Contains(may, has) {
		may = append(may, has)
	}
	return may, where
}
