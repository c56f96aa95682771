package host

import (
	"maps"
	"path"
	"slices"
)

// waysTo are the directories on the ways to files whose contents may be sent; sorted.
func waysTo(paths []wanted) []string {
	dirs := map[string]bool{}
	for _, w := range paths {
		for dir := path.Dir(w.addr.Name); w.text && !dirs[dir]; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	return slices.Sorted(maps.Keys(dirs))
}

// guarded reports whether nobody but root and who looks can lead the way to a path elsewhere.
// Somebody who can may turn it, between the look at its mode and the reading of its content, to a
// file that he may not read: what was read there is shown to nobody. A link on the way
// counts as one that can, for nobody looked where it leads over.
func (p *parser) guarded(name string) bool {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if st, seen := p.stats[dir]; !seen || !p.ownDirectory(st) {
			return false
		}
		if dir == "/" {
			return true
		}
	}
}

// ownDirectory reports whether root and who looks are alone in writing to a directory.
func (p *parser) ownDirectory(st stat) bool {
	const kind, directory, groupWrites, othersWrite = 0o170000, 0o040000, 0o020, 0o002
	switch {
	case st.mode&kind != directory || st.mode&othersWrite != 0:
		return false
	case st.mode&groupWrites != 0 && st.group != "root":
		return false
	default:
		return st.owner == "root" || p.q.user != "" && st.owner == p.q.user
	}
}
