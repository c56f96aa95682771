package definition

import (
	"cmp"

	"meshsync.dev/meshsync/internal/mesh"
)

// A span is the releases from one on and before another; the zero release leaves it open.
type span struct{ from, before mesh.Release }

// has takes a release that is not known for the newest.
func (s span) has(r mesh.Release) bool {
	if r == (mesh.Release{}) {
		return s.before == mesh.Release{}
	}
	return compare(r, s.from) >= 0 && (s.before == mesh.Release{} || compare(r, s.before) < 0)
}

func compare(a, b mesh.Release) int {
	return cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Minor, b.Minor), cmp.Compare(a.Patch, b.Patch))
}

func from(major, minor int) span   { return span{from: mesh.Release{Major: major, Minor: minor}} }
func before(major, minor int) span { return span{before: mesh.Release{Major: major, Minor: minor}} }

// A preset is what a member of an app has that is not written.
type preset struct {
	span

	name  string
	value any
}

// presets are those of all releases.
func presets() []preset {
	var all span
	return []preset{
		{before(0, 7), "instances", int64(0)},
		{from(0, 7), "instances", int64(1)},
		{all, "cpus", int64(1)},
		{all, "mem", int64(128)},
		{all, "disk", int64(0)},
		{all, "gpus", int64(0)},
		{all, "executor", ""},
		{all, "backoffSeconds", int64(1)},
		{all, "backoffFactor", 1.15},
		{all, "killSelection", "YOUNGEST_FIRST"},
		{before(1, 8), "maxLaunchDelaySeconds", int64(3600)},
		{from(1, 8), "maxLaunchDelaySeconds", int64(300)},
	}
}

// A trait is what some releases do with a definition and others do not.
type trait int

const (
	// waitsBeforeUnreachable: unreachableStrategy is 300 and 600 where it is not written.
	waitsBeforeUnreachable trait = iota
	// sharesVolumes: external volumes have shared.
	sharesVolumes
	// sanitisesRoles: of acceptedResourceRoles what is no role of the app's goes, and of none that are left [*] is made.
	sanitisesRoles
	// namesPort: the port of an app that names none is called default.
	namesPort
	// hasRoles: an app has a role, which is another one than that of the Marathon where its group says so.
	hasRoles
)

// traits has the spans of each; several where it went and came again.
func traits() map[trait][]span {
	return map[trait][]span{
		waitsBeforeUnreachable: {
			{mesh.Release{Major: 1, Minor: 4}, mesh.Release{Major: 1, Minor: 4, Patch: 9}},
			{mesh.Release{Major: 1, Minor: 5}, mesh.Release{Major: 1, Minor: 5, Patch: 1}},
		},
		sharesVolumes:  {from(1, 9)},
		sanitisesRoles: {{mesh.Release{Major: 1, Minor: 9}, mesh.Release{Major: 1, Minor: 10}}},
		namesPort:      {from(1, 4)},
		hasRoles:       {from(1, 9)},
	}
}
