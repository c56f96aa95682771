package mesh

import (
	"path"
	"strings"
)

// Dependency is the absolute id that a Marathon makes of a dependency of an app, as its
// API of apps does: a relative one is below the root, up to 1.4 below the app itself.
func Dependency(app, on string, r Release) string {
	on = strings.TrimSpace(on)
	if r.Before(1, 5) && !strings.HasPrefix(on, "/") {
		return path.Join("/", app, on)
	}
	return path.Clean("/" + on)
}
