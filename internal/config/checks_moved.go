package config

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// checkMoved wants each move to go from an app that git no longer has to one that it has, and
// that both can be there at once.
func checkMoved(m *mesh.Mesh, l *loader) {
	to := map[mesh.Address]mesh.Move{}
	for i, x := range m.Moved {
		e := Error{Pos: x.Origin, Rule: "moved"}
		apps := appsOn(m, x.Marathon)
		_, there := apps[x.To]
		old, stays := apps[x.From]
		first, twice := to[x.New()]
		switch {
		case x.From == x.To:
			e.Msg, e.Hint = fmt.Sprintf("app %s moves to itself", harmless(x.From)), "take the move out"
		case stays:
			e.Msg, e.Also = fmt.Sprintf("app %s moves to %s, and is in git still", x.From, harmless(x.To)), alsoUnless(x.Origin, old.Origin)
			e.Hint = "take it out, or the move"
		case !there && l.partial:
			continue // it may be one of those that are wrong
		case !there:
			e.Msg = fmt.Sprintf("app %s moves to %s, and there is no such app%s", harmless(x.From), harmless(x.To), l.choices(m).among(x.Marathon))
			e.Hint = didYouMean(x.To, keys(apps))
		case twice:
			e.Msg, e.Also = fmt.Sprintf("apps %s and %s both move to %s", first.From, x.From, x.To), []mesh.Pos{first.Origin}
			e.Hint = "one app takes the place of one"
		case i > 0 && m.Moved[i-1].Old() == x.Old():
			e.Msg, e.Also = fmt.Sprintf("app %s moves to %s and to %s", x.From, m.Moved[i-1].To, x.To), []mesh.Pos{m.Moved[i-1].Origin}
		case strings.HasPrefix(x.To, x.From+"/") || strings.HasPrefix(x.From, x.To+"/"):
			e.Msg = fmt.Sprintf("app %s cannot move to %s: for Marathon an id is an app or a group, not both, so the two cannot be there at once", x.From, x.To)
			e.Hint = "move it to another id first, or delete it and make the new one, which is an outage"
		default:
			to[x.New()] = x
			checkUsersOf(m, x, l.errs)
			continue
		}
		l.errs.add(e)
	}
}

// checkUsersOf finds apps that depend on the old id of one that moved.
func checkUsersOf(m *mesh.Mesh, x mesh.Move, c *collector) {
	for _, a := range m.Apps {
		if a.Marathon != x.Marathon {
			continue
		}
		for _, d := range asList(a.Definition["dependencies"]) {
			if id, _ := d.(string); absoluteID(id) == x.From {
				c.add(Error{
					Pos: fieldPos(a, "dependencies"), Also: []mesh.Pos{x.Origin}, Rule: "moved",
					Msg:  fmt.Sprintf("app %s depends on %s, which moves to %s", a.ID, x.From, x.To),
					Hint: "write the new id; that restarts it, as every change of dependencies does",
				})
			}
		}
	}
}
