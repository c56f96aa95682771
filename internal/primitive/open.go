package primitive

import (
	"maps"
	"path"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// What a declaration says of an attribute that it leaves open; groupadd and useradd choose
// a number for a system's or a person's account.
const (
	openValue    = "any"
	systemNumber = "any of the system's"
)

// Open lists what a declaration of the kind leaves open: attribute → how it says so. A
// version that is a pattern is open, too.
func (p Primitive) Open(declared mesh.Tree) map[string]string {
	var out map[string]string
	for k := range declared {
		v := text(declared, k)
		if p.Settle == nil || v != openValue && v != systemNumber && !strings.ContainsAny(v, "*?") {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[k] = v
	}
	return out
}

// AsDeclared are attributes with what the declaration leaves open as it says it.
func AsDeclared(attrs mesh.Tree, open map[string]string) mesh.Tree {
	if attrs == nil || len(open) == 0 {
		return attrs
	}
	out := attrs.Clone()
	for k, v := range open {
		out[k] = v
	}
	return out
}

// Opened is AsDeclared for what was found: a value stays that is not what was left open.
func Opened(attrs mesh.Tree, open map[string]string) mesh.Tree {
	fitting := maps.Clone(open)
	maps.DeleteFunc(fitting, func(k, v string) bool { return !fits(v, text(attrs, k)) })
	return AsDeclared(attrs, fitting)
}

// settleOpen takes over what is there for each attribute that the declaration leaves open.
func settleOpen(want, have mesh.Tree, _ []string) mesh.Tree {
	out := want.Clone()
	for k, v := range want {
		if slices.Contains([]any{openValue, systemNumber}, v) && have[k] != nil {
			out[k] = have[k]
		}
	}
	return out
}

// fits reports whether a value is what is declared.
func fits(declared, value string) bool {
	ok, err := path.Match(declared, value)
	return declared == openValue || declared == systemNumber || err == nil && ok
}
