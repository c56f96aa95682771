package definition

import (
	"errors"

	"meshsync.dev/meshsync/internal/marathon/rules"
	"meshsync.dev/meshsync/internal/mesh"
)

// A Marathon before 0.7 shows what Deimos runs as container: {image, options}. Where git says an
// app so it is read in the form of today; this is the other side.

// seedEra brings an app of Deimos into the form of today, in place.
func (t *table) seedEra(app object) {
	if !t.release.Before(0, 7) || !rules.OfDeimos(app) {
		return
	}
	modern, _ := rules.Modern(app)
	for name, v := range mesh.MustTree(modern) { // of what is a tree already
		if v == nil {
			delete(app, name)
		} else {
			app[name] = v
		}
	}
}

// deimos says the container of a Marathon before 0.7 as the live app has it, whose form is live. Any
// other one it would lose without a word.
func (o aging) deimos(live object) error {
	delete(o.app, "networks") // which came later
	if losesContainer(mesh.Tree(live), mesh.Tree(o.app)) {
		return errors.New("it has a container, and a Marathon before 0.7 keeps the one that an app of Deimos has and takes no other: leave the container as it is, or update that Marathon")
	}
	if o.app["container"] != nil {
		o.app["container"] = o.echo["container"]
	}
	return nil
}

// LosesContainer reports whether a Marathon of this release would take the change of an app and
// lose its container without a word. before is nil for a new app, after for one that is deleted.
func LosesContainer(before, after mesh.Tree, version string) bool {
	return mesh.ParseRelease(version).Before(0, 7) && losesContainer(before, after)
}

func losesContainer(before, after mesh.Tree) bool {
	return after["container"] != nil && !mesh.EqualValues(after["container"], before["container"])
}
