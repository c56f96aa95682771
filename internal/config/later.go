package config

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/load"
)

// putOff evaluates the mesh as it is before some hosts have a role, by what the kit knows of
// it: a repository whose kit is older yields all of them all the same.
func (l *loader) putOff(later map[string][]string) {
	if l.mod == nil {
		return // there is no module, which is told of
	}
	var text strings.Builder
	fmt.Fprintf(&text, "package %s\n", l.mod.packageOf(l.dir))
	for _, role := range slices.Sorted(maps.Keys(later)) {
		for _, host := range later[role] {
			fmt.Fprintf(&text, "#later: %q: %q: true\n", role, host)
		}
	}
	l.mod.overlay[path.Join(root, l.dir, "meshsync_later.cue")] = load.FromString(text.String())
	l.onTheWay = true
}
