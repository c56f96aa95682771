package plan

import (
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// Waypoint is a state on the way to what git wants of an ensemble: the members that are not to have
// their role yet. The plan is made for the mesh without them; the next plan goes on from there.
type Waypoint struct {
	Role     string   `json:"role"`
	Ensemble string   `json:"ensemble"`
	Adds     []string `json:"adds"`  // joins by this plan, or is still made known by it
	Later    []string `json:"later"` // join by later plans, one each
}

// Text says it to the reader of a plan.
func (w Waypoint) Text() string {
	return fmt.Sprintf("%s grows by one member at a time, because lists of its members that differ by more can have majorities that do not meet: this plan takes in %s, the next one goes on with %s",
		w.Ensemble, list(w.Adds), list(w.Later))
}

// Waypoints are where ensembles have to go first that serve and to which git adds more than one
// member. A change of members that is under way is ended before the next one begins.
func Waypoints(m *mesh.Mesh, seen mesh.Observed) []Waypoint {
	b := &builder{in: Input{Mesh: m, Seen: seen}}
	var out []Waypoint
	for _, r := range m.Roles {
		if r.Ensemble == nil || r.Ensemble.Joins != mesh.JoinsFirst {
			continue
		}
		lists := b.lists(*r.Ensemble)
		known, same := []string(nil), true
		for _, l := range lists {
			known = slices.Concat(known, l)
		}
		slices.Sort(known)
		known = slices.Compact(known)
		for _, l := range lists {
			same = same && slices.Equal(l, known)
		}
		later := slices.DeleteFunc(slices.Clone(r.Ensemble.Members), func(m string) bool { return slices.Contains(known, m) })
		if len(lists) == 0 || len(later) == 0 || same && len(later) == 1 {
			continue
		}
		w := Waypoint{Role: r.Name, Ensemble: r.Ensemble.Name, Later: later}
		if same {
			w.Adds, w.Later = later[:1], later[1:]
		} else {
			w.Adds = halfKnown(known, lists)
		}
		out = append(out, w)
	}
	return out
}

// halfKnown are the members that some have in their list and others not.
func halfKnown(known []string, lists map[string][]string) []string {
	return slices.DeleteFunc(slices.Clone(known), func(m string) bool {
		for _, l := range lists {
			if !slices.Contains(l, m) {
				return false
			}
		}
		return true
	})
}
