package mesh

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"meshsync.dev/meshsync/internal/secret"
)

// alike writes a tree in both ways.
func alike(t *testing.T, v any) {
	t.Helper()
	want, err := json.Marshal(v)
	got, gotErr := AppendJSON([]byte("before "), v)
	if (err == nil) != (gotErr == nil) || err == nil && string(got) != "before "+string(want) {
		t.Errorf("%v %v\ngot  %s\nwant %s", err, gotErr, got, want)
	}
}

func TestJSONOfATreeIsThatOfEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		nil, Tree(nil),
		Tree{},
		map[string]any(nil), []any(nil),
		[]any{},
		true, int64(math.MinInt64), 1e21, 0.1, -1e-7, "", "\x00\b\f\n\x1f\x7f",
		"a\"\\/<>&'", "é\u2028\u2029😀", "\xff", secret.New("hidden"),
		[]string{"a"},
		math.NaN(), make(chan int),
		Tree{"b": []any{nil, Tree{"<": false}}, "a": map[string]any{"é": int64(1), "e": "x"}, "": secret.New("")},
	} {
		alike(t, v)
	}
}

func FuzzJSONOfATreeIsThatOfEncodingJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,"x",null,{"b":true}]}`, `{"\u2028":"<\u0000","z":{},"y":[]}`, `{"é":1e300,"a":"\ud800"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var m map[string]any
		if d.Decode(&m) != nil {
			t.Skip("no object")
		}
		tree, err := NewTree(m)
		if err != nil {
			t.Skip("no tree")
		}
		alike(t, tree)
	})
}
