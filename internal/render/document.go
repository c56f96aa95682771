package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/secret"
)

// The names and major versions of the JSON documents beside plan.Schema.
const (
	DriftSchema    = "meshsync.drift/v1"
	ReportSchema   = "meshsync.report/v1"
	SnapshotSchema = "meshsync.snapshot/v1"
	DoctorSchema   = "meshsync.doctor/v1"
	StatusSchema   = "meshsync.status/v1"
	ErrorSchema    = "meshsync.error/v1"
)

// encode writes one document, indented, without escaping of HTML.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// ErrNewer says that a document was written by a newer major version.
var ErrNewer = errors.New("it was written by a newer meshsync: use that version or a newer one")

// schemaIs refuses another kind of document and a newer major version of this one.
func schemaIs(got, want string) error {
	kind, version, ok := strings.Cut(got, "/v")
	wantKind, wantVersion, _ := strings.Cut(want, "/v")
	n, err := strconv.Atoi(version)
	newest, _ := strconv.Atoi(wantVersion)
	switch {
	case !ok || err != nil || kind != wantKind:
		return fmt.Errorf("it is no %s (schema %q)", strings.TrimPrefix(wantKind, "meshsync."), safe(got))
	case n > newest:
		return fmt.Errorf("schema %s: %w", got, ErrNewer)
	default:
		return nil
	}
}

// decode reads one document whose schema is checked before the rest.
func decode(r io.Reader, want string, into any) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return fmt.Errorf("it is no JSON: %w", err)
	}
	if err := schemaIs(head.Schema, want); err != nil {
		return err
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("it does not hold what its schema says: %w", err)
	}
	return nil
}

// normalise brings a tree that came from JSON into form: numbers, and secrets, which
// are known by their mask only.
func normalise(t *mesh.Tree) error {
	if *t == nil {
		return nil
	}
	masked(map[string]any(*t))
	got, err := mesh.NewTree(*t)
	if err == nil {
		*t = got
	}
	return err
}

func masked(v any) any {
	switch v := v.(type) {
	case string:
		if v == secret.Mask {
			return secret.New("")
		}
	case map[string]any:
		for k, x := range v {
			v[k] = masked(x)
		}
	case []any:
		for i, x := range v {
			v[i] = masked(x)
		}
	}
	return v
}
