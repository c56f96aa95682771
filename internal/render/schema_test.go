package render

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"

	"meshsync.dev/meshsync/internal/mesh"
)

// documents are the public JSON documents by kind.
func documents() map[string]any {
	return map[string]any{
		"plan": PlanDocument{}, "drift": DriftDocument{}, "report": ReportDocument{}, "snapshot": Snapshot{}, "doctor": DoctorDocument{}, "status": StatusDocument{}, "error": ErrorDocument{},
	}
}

// schemaOf is the JSON Schema of a document, made from its Go type. Fields may be added
// within a major version, so unknown ones are allowed.
func schemaOf(t *testing.T, kind string, v any) []byte {
	t.Helper()
	r := &jsonschema.Reflector{
		AllowAdditionalProperties: true,
		Anonymous:                 true,
		Mapper: func(x reflect.Type) *jsonschema.Schema {
			switch x {
			case reflect.TypeFor[mesh.Address]():
				return &jsonschema.Schema{Type: "string", Description: "TARGET/KIND:NAME, such as host/m1/file:/etc/mesos/zk"}
			case reflect.TypeFor[mesh.Target]():
				return &jsonschema.Schema{Type: "string", Pattern: "^(host|marathon)/[^/]+$"}
			case reflect.TypeFor[mesh.Tree]():
				return &jsonschema.Schema{Description: "canonical attributes; secrets are shown as their mask", OneOf: []*jsonschema.Schema{{Type: "object"}, {Type: "null"}}}
			}
			return nil
		},
	}
	s := r.Reflect(v)
	s.Title = "meshsync." + kind + "/v1"
	for dropped := true; dropped; { // what a document's own type stands in for is in none
		data := marshal(t, s)
		dropped = false
		for name := range s.Definitions {
			if !bytes.Contains(data, []byte(`"#/$defs/`+name+`"`)) {
				delete(s.Definitions, name)
				dropped = true
			}
		}
	}
	return marshal(t, s)
}

func marshal(t *testing.T, s *jsonschema.Schema) []byte {
	t.Helper()
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

// TestPublishedSchemasAreTheTypes holds docs/schema to the Go types; UPDATE=1 rewrites it.
func TestPublishedSchemasAreTheTypes(t *testing.T) {
	t.Parallel()
	for kind, v := range documents() {
		want := schemaOf(t, kind, v)
		file := filepath.Join("..", "..", "docs", "schema", "meshsync."+kind+".v1.schema.json")
		if os.Getenv("UPDATE") == "1" {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the types say (%v); UPDATE=1 go test ./internal/render rewrites it", file, err)
		}
		if strings.Contains(string(want), "SPDX") {
			t.Error("unexpected text in a schema")
		}
	}
}
