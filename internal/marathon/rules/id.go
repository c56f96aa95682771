package rules

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

var segmentExpr = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// isReserved reports whether Marathon's API needs the last part of an id for itself.
func isReserved(part string) bool {
	return slices.Contains([]string{"restart", "tasks", "versions"}, part)
}

const idHint = "parts between slashes have lower-case letters, digits, and dashes and dots between these"

// identity checks the app's own id.
func (c *checker) identity() {
	parts := strings.Split(strings.TrimPrefix(c.id, "/"), "/")
	last := parts[len(parts)-1]
	switch {
	case slices.ContainsFunc(parts, func(p string) bool { return !segmentExpr.MatchString(p) }):
		c.refuse(Finding{Path: pathTo("id"), Rule: "app-id", Msg: "has an id that Marathon does not take", Hint: idHint})
	case isReserved(last):
		c.refuse(Finding{Path: pathTo("id"), Rule: "app-id", Msg: fmt.Sprintf("ends in %q, which Marathon's API needs for itself", last), Hint: "take another last part"})
	}
}

// dependencies checks what the app waits for. That apps wait for each other in a circle shows
// only with all of them in view.
func (c *checker) dependencies() {
	for i, d := range fields(c.def).list("dependencies") {
		if on, ok := d.(string); ok {
			c.dependency(on, pathTo("dependencies", i))
		}
	}
}

func (c *checker) dependency(on string, at []string) {
	resolved := mesh.Dependency(c.id, on, c.version)
	f := Finding{Path: at, Rule: "app-dependency"}
	parts := strings.FieldsFunc(on, func(r rune) bool { return r == '/' })
	last := ""
	if len(parts) > 0 {
		last = parts[len(parts)-1]
	}
	dots := []string{".", ".."}
	switch {
	case slices.ContainsFunc(parts, func(p string) bool { return !segmentExpr.MatchString(p) && !slices.Contains(dots, p) }):
		f.Msg, f.Hint = fmt.Sprintf("depends on %q, which can be no id", on), idHint
	case isReserved(last) && !c.version.Before(1, 8):
		f.Msg = fmt.Sprintf("depends on %q, and no app may end in %q", on, last)
	case resolved == c.id:
		f.Msg, f.Hint = "depends on itself", "take it out of dependencies"
	case resolved == "/", strings.HasPrefix(c.id, resolved+"/"):
		f.Msg, f.Hint = fmt.Sprintf("depends on the group %s, in which it is itself", resolved), "name the apps of the group that it waits for"
	case slices.Contains(dots, last), strings.HasPrefix(on, "/") && slices.Contains(parts, ".."):
		f.Msg, f.Hint = fmt.Sprintf("depends on %q, which Marathon does not resolve", on), fmt.Sprintf("write %q", resolved)
	default:
		c.relativeDependency(on, resolved, at)
		return
	}
	c.refuse(f)
}

// relativeDependency warns where an id without a first slash may mean another than is thought.
func (c *checker) relativeDependency(on, resolved string, at []string) {
	if strings.HasPrefix(on, "/") || path.Dir(c.id) == "/" {
		return
	}
	c.warn(Finding{
		Path: at, Rule: "app-dependency", Msg: fmt.Sprintf("depends on %q, which is %s and not in the app's group", on, resolved),
		Hint: fmt.Sprintf("write %q, or %q if that is meant", resolved, path.Join(path.Dir(c.id), on)),
	})
}
