package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"path/filepath"
	"slices"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/recorded"
)

// bodies are app definitions that were sent to a Marathon 1.11.26, right and wrong ones.
func bodies(t *testing.T) []map[string]any {
	t.Helper()
	var out []map[string]any
	for _, name := range []string{"normalisation", "canonical-cases"} {
		var cases []struct{ Put any }
		recorded.Read(t, filepath.Join(recordings, name+".json.gz"), &cases)
		for _, c := range cases {
			if body, ok := c.Put.(map[string]any); ok {
				out = append(out, body)
			}
		}
	}
	return out
}

// The shape of #App and the contract's #App must judge alike: the shape never accepts
// what the contract refuses, and accepts all that the contract does, or validation is
// slow without anybody noticing.
func TestTheShapeOfAnAppIsTheContracts(t *testing.T) {
	t.Parallel()
	ctx := cuecontext.New()
	con := newContract(ctx)
	app, err := structOf(con.def("#App"))
	if err != nil {
		t.Fatal(err)
	}
	judges := &judges{t: t, ctx: ctx, con: con, app: app, reader: newShapeReader(ctx)}
	seen := map[string]bool{}
	for _, body := range bodies(t) {
		judges.agree(body)
		for _, changed := range spoilt("", body, seen) {
			judges.agree(changed.(map[string]any))
		}
	}
	if judges.accepted < 300 || judges.refused < 300 {
		t.Errorf("%d accepted, %d refused: too few to say anything", judges.accepted, judges.refused)
	}
	t.Logf("%d accepted, %d refused by both", judges.accepted, judges.refused)
}

type judges struct {
	t                 *testing.T
	ctx               *cue.Context
	con               contract
	app               *structure
	reader            *shapeReader
	accepted, refused int
}

// agree compares what shape and contract say of a body.
func (j *judges) agree(body map[string]any) {
	j.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		j.t.Fatal(err)
	}
	v := j.ctx.CompileBytes(text)
	got, ok := j.app.read(j.reader, v)
	u := j.con.def("#App").Unify(v)
	precise := u.Validate(cue.Concrete(true), cue.Final())
	if ok != (precise == nil) {
		j.t.Errorf("%s\nthe shape accepts it: %v; the contract says: %v", text, ok, precise)
		return
	}
	if !ok {
		j.refused++
		return
	}
	j.accepted++
	b, err := u.MarshalJSON()
	if err != nil {
		j.t.Fatal(err)
	}
	want, err := decodeJSON(b)
	if d := cmp.Diff(want, got); err != nil || d != "" {
		j.t.Errorf("%s\n%v\n%s", text, err, d)
	}
}

// spoilt returns copies of a value, each with another value or one field more at a path
// that is not in seen yet.
func spoilt(at string, v any, seen map[string]bool) map[string]any {
	out := map[string]any{}
	put := func(name string, changed any) { out[at+name] = changed }
	if !seen[at] {
		seen[at] = true
		if at != "" {
			for _, other := range []any{
				"x", "", json.Number("-1"), json.Number("1.5"), json.Number("70000"), json.Number("2147483648"), true, nil,
				[]any{},
				[]any{json.Number("7")},
				map[string]any{},
				map[string]any{"a": json.Number("7")},
			} {
				put(fmt.Sprintf("=%v", other), other)
			}
		}
		if m, ok := v.(map[string]any); ok {
			more := maps.Clone(m)
			more["notAField"] = "x"
			put(".notAField", more)
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for name, f := range v {
			for path, changed := range spoilt(at+"."+name, f, seen) {
				m := maps.Clone(v)
				m[name] = changed
				out[path] = m
			}
		}
	case []any:
		for i, e := range v {
			for path, changed := range spoilt(at+"[]", e, seen) {
				l := slices.Clone(v)
				l[i] = changed
				out[path] = l
			}
		}
	}
	return out
}

// FuzzShape writes an app as CUE. Whatever it is, the shape must not accept what the
// contract refuses, nor read another value.
func FuzzShape(f *testing.F) {
	for _, text := range []string{
		`{cmd: "x", cpus: 0.1, instances: int | *2}`, `{id: "/a", env: {A: "b", B: {secret: "c"}}}`, `close({cmd: "x"})`,
		`{constraints: [["a", "UNIQUE"], ["b", "CLUSTER", "c", "d"]]}`, `{#x: 1, _y: 2, cmd: "\(#x)"}`, `{healthChecks: [{protocol: "TCP" | *"HTTP"}]}`,
		`{unreachableStrategy: "disabled"}`, `{upgradeStrategy: {minimumHealthCapacity: 1, maximumOverCapacity: 1e-400}}`, `{cpus: 1.0, instances: 1.0}`,
		`{labels: {a: "x" | "y"}}`, `{ipAddress: {groups: [1, null, {}]}}`, `{cmd?: "x", args!: ["y"]}`, `{[string]: "x", cmd: _}`, `{ports: [1e3, 0x10, 1K]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 500 {
			return
		}
		ctx := cuecontext.New()
		v := ctx.CompileString(text)
		if v.Err() != nil {
			return
		}
		con := newContract(ctx)
		app, err := structOf(con.def("#App"))
		if err != nil {
			t.Fatal(err)
		}
		reader := newShapeReader(ctx)
		for range 2 { // the second time by the fields of the first
			got, ok := app.read(reader, v)
			if !ok {
				return
			}
			u := con.def("#App").Unify(v)
			if err := u.Validate(cue.Concrete(true), cue.Final()); err != nil {
				t.Fatalf("the contract: %v", err)
			}
			b, err := u.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			want, err := decodeJSON(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got, cmp.Comparer(sameNumber)); d != "" {
				t.Fatal(d)
			}
		}
	})
}

// sameNumber allows 1000 for 1E+3.
func sameNumber(a, b json.Number) bool {
	x, okX := new(big.Rat).SetString(a.String())
	y, okY := new(big.Rat).SetString(b.String())
	return a == b || okX && okY && x.Cmp(y) == 0
}
