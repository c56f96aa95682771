package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/apply"
	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/secret"
)

// The names and major versions of the JSON documents beside plan.Schema.
const (
	DriftSchema    = "meshsync.drift/v1"
	ReportSchema   = "meshsync.report/v1"
	SnapshotSchema = "meshsync.snapshot/v1"
	ErrorSchema    = "meshsync.error/v1"
)

// encode writes one document, indented, without escaping of HTML.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// PlanJSON writes a plan. Changes of files carry a unified diff where both sides are known.
func PlanJSON(w io.Writer, p plan.Plan) error { return encode(w, withDiffs(p)) }

// withDiffs is the plan with the diffs of file contents filled in.
func withDiffs(p plan.Plan) plan.Plan {
	p.Stages = slices.Clone(p.Stages)
	for i := range p.Stages {
		p.Stages[i].Batches = slices.Clone(p.Stages[i].Batches)
		for j := range p.Stages[i].Batches {
			b := &p.Stages[i].Batches[j]
			b.Changes = changesWithDiffs(b.Changes)
		}
	}
	return p
}

func changesWithDiffs(in []diff.Change) []diff.Change {
	out := make([]diff.Change, 0, len(in))
	for _, c := range in {
		c.Diff = contentDiff(c)
		out = append(out, c)
	}
	return out
}

func contentDiff(c diff.Change) string {
	if c.Diff != "" {
		return c.Diff
	}
	if c.Addr.Kind != mesh.File || c.Before != nil && c.BeforeText == nil || c.After != nil && c.AfterText == nil {
		return ""
	}
	if mesh.ConfidentialAttrs(c.Before) || mesh.ConfidentialAttrs(c.After) {
		return ""
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return unified(text(c.BeforeText), text(c.AfterText), 2)
}

// DriftDocument is the JSON of a drift report.
type DriftDocument struct {
	Schema     string             `json:"schema"`
	Version    string             `json:"meshsync"`
	Mesh       string             `json:"mesh"`
	Source     mesh.Source        `json:"source"`
	Sandbox    bool               `json:"sandbox"`
	Drifted    bool               `json:"drifted"`
	Complete   bool               `json:"complete"`
	Moved      []diff.Change      `json:"moved"`   // without git
	Pending    []diff.Change      `json:"pending"` // wanted by git, not applied yet
	Stale      []plan.Evidence    `json:"stale"`
	Unsure     []plan.Evidence    `json:"unsure"`
	NotServing []plan.Evidence    `json:"not_serving"`
	Unknown    []plan.Unknown     `json:"unknown"`
	Unmanaged  []mesh.Address     `json:"unmanaged"`
	NotCompare []plan.NotCompared `json:"not_compared"`
	Notes      []string           `json:"notes"`
}

// DriftJSON writes the plan as a drift report.
func DriftJSON(w io.Writer, p plan.Plan) error {
	return encode(w, DriftDocument{
		Schema: DriftSchema, Version: p.Version, Mesh: p.Mesh, Source: p.Source, Sandbox: p.Sandbox,
		Drifted: p.Moved(), Complete: p.Complete, Moved: changesWithDiffs(p.MovedChanges()), Pending: changesWithDiffs(p.PendingChanges()),
		Stale: orEmpty(p.Stale), Unsure: orEmpty(p.Unsure), NotServing: orEmpty(p.NotServing), Unknown: orEmpty(p.Unknown), Unmanaged: orEmpty(p.Unmanaged),
		NotCompare: orEmpty(p.NotCompared), Notes: orEmpty(p.Notes),
	})
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// ReportDocument is the JSON of a run.
type ReportDocument struct {
	Schema string `json:"schema"`
	apply.Report
}

// ReportJSON writes the report of a run's events.
func ReportJSON(w io.Writer, events []apply.Event) error {
	r := apply.Fold(events)
	if len(events) == 0 {
		r.Code = apply.CodeDone // nothing was to be done
	}
	return encode(w, ReportDocument{Schema: ReportSchema, Report: r})
}

// ErrorDocument is the JSON of a command that failed.
type ErrorDocument struct {
	Schema  string `json:"schema"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// ErrorJSON writes an error.
func ErrorJSON(w io.Writer, code, message, hint string) error {
	return encode(w, ErrorDocument{Schema: ErrorSchema, Code: code, Message: message, Hint: hint})
}

// Snapshot is a saved observation.
type Snapshot struct {
	Schema   string        `json:"schema"`
	Version  string        `json:"meshsync"`
	Mesh     string        `json:"mesh"`
	At       string        `json:"at"` // RFC 3339 in UTC
	Sandbox  bool          `json:"sandbox"`
	Observed mesh.Observed `json:"observed"`
}

// SnapshotJSON writes a snapshot. Secrets appear as their mask.
func SnapshotJSON(w io.Writer, s Snapshot) error {
	s.Schema = SnapshotSchema
	return encode(w, s)
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

// ReadSnapshot reads what SnapshotJSON wrote.
func ReadSnapshot(r io.Reader) (Snapshot, error) {
	var s Snapshot
	if err := decode(r, SnapshotSchema, &s); err != nil {
		return s, err
	}
	for i := range s.Observed.Targets {
		t := &s.Observed.Targets[i]
		for _, rs := range [][]mesh.Resource{t.Resources, t.Strays} {
			for j := range rs {
				if err := normalise(&rs[j].Attrs); err != nil {
					return s, fmt.Errorf("%s: %w", rs[j].Addr, err)
				}
			}
		}
	}
	return s, nil
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

// ReadPlan reads what PlanJSON wrote, to show it again.
func ReadPlan(r io.Reader) (plan.Plan, error) {
	var d plan.Plan
	if err := decode(r, plan.Schema, &d); err != nil {
		return d, err
	}
	for i := range d.Stages {
		for j := range d.Stages[i].Batches {
			cs := d.Stages[i].Batches[j].Changes
			for k := range cs {
				if err := errors.Join(normalise(&cs[k].Before), normalise(&cs[k].After)); err != nil {
					return d, err
				}
				for f := range cs[k].Fields {
					cs[k].Fields[f].Before, cs[k].Fields[f].After = masked(cs[k].Fields[f].Before), masked(cs[k].Fields[f].After)
				}
			}
		}
	}
	return d, nil
}
