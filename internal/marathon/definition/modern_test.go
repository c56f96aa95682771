package definition

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/marathon/rules"
	"meshsync.dev/meshsync/internal/mesh"
)

// The form translates the deprecated fields, and so does what a user is told to write: both
// agree on all that was recorded.
func TestTheModernFormOfRecordedDefinitionsMeansTheSame(t *testing.T) {
	t.Parallel()
	n := 0
	for _, c := range casesOf(t) {
		def, ok := c.Put.(map[string]any)
		if !ok || c.Get == nil || c.Confidence != "observed 1.11.26" || !fullBody(c) || c.Name == "canon-uris-empty-string" {
			continue
		}
		if _, ok = rules.Modern(def); !ok {
			continue
		}
		n++
		if want, got := formOf(t, def, c.info()), formOf(t, modern(def), c.info()); !mesh.EqualValues(want, got) {
			t.Errorf("%s:\n%s", c.Name, cmp.Diff(map[string]any(want), map[string]any(got)))
		}
	}
	if n < 40 {
		t.Errorf("%d recorded definitions have deprecated forms: too few to say anything", n)
	}
}

// modern is a definition with the fields that a user is told to write.
func modern(def map[string]any) map[string]any {
	fields, _ := rules.Modern(def)
	out := maps.Clone(def)
	for name, v := range fields {
		if out[name] = v; v == nil {
			delete(out, name)
		}
	}
	return out
}
