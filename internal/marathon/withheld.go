package marathon

import (
	"cmp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/secret"
)

// shortest is what a secret has at least: less would turn up in any text.
const shortest = 3

// withheld is a text of another program without the secrets of definitions: docker tells of a container
// that does not start with the whole command, in which each variable is.
func withheld(text string, of ...mesh.Tree) string {
	var all []string
	for _, tree := range of {
		all = secretsIn(all, tree)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // one may hold another
	for _, s := range all {
		if len(s) >= shortest {
			text = strings.ReplaceAll(text, s, secret.Mask)
		}
	}
	return text
}

// secretsIn appends the secret leaves of a definition.
func secretsIn(to []string, v any) []string {
	switch v := v.(type) {
	case secret.Value:
		return append(to, v.Reveal())
	case mesh.Tree:
		return secretsIn(to, map[string]any(v))
	case map[string]any:
		for _, x := range v {
			to = secretsIn(to, x)
		}
	case []any:
		for _, x := range v {
			to = secretsIn(to, x)
		}
	}
	return to
}
