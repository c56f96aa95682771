package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
)

// parsedDefinition is a definition as Check is given it.
func parsedDefinition(t *testing.T, text string) map[string]any {
	t.Helper()
	def, err := objectOf(text)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return def
}

func objectOf(text string) (def map[string]any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	err = d.Decode(&def)
	return def, err
}

// wiringRow is a definition and what there is to say of it: "refuse" or "warn", path, rule,
// and what it is and what to write.
type wiringRow struct {
	name, def string
	marathon  Marathon
	want      []string
}

func holdWiring(t *testing.T, check func(*checker), rows []wiringRow) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c := &checker{id: "/a", def: parsedDefinition(t, r.def), marathon: r.marathon, version: mesh.ParseRelease(r.marathon.Version)}
			check(c)
			var got []string
			for _, f := range c.found {
				kind := map[bool]string{true: "warn", false: "refuse"}[f.Warning]
				got = append(got, fmt.Sprintf("%s %s %s: %s (%s)", kind, strings.Join(f.Path, "."), f.Rule, f.Msg, f.Hint))
			}
			slices.Sort(got)
			if d := cmp.Diff(r.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
