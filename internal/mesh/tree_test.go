package mesh_test

import (
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestATreeThatIsUsedAgainHoldsTheNewOneAlone(t *testing.T) {
	t.Parallel()
	room := mesh.Tree{}
	for _, m := range []map[string]any{
		{"a": map[string]any{"x": 1, "y": map[string]any{"z": []any{1}}}, "l": []any{map[string]any{"p": 1}}},
		{"a": map[string]any{"y": map[string]any{}}, "l": []any{map[string]any{"q": 1.0}}, "n": nil},
		{"a": []any{}, "l": map[string]any{"l": "l"}},
		{"a": map[string]any{"x": "1"}},
		{},
	} {
		if err := room.Reset(m); err != nil || !mesh.EqualValues(room, mesh.MustTree(m)) {
			t.Errorf("%v: %v, want %v", err, room, m)
		}
	}
	if err := room.Reset(map[string]any{"a": map[string]any{"b": make(chan int)}}); err == nil || !strings.HasPrefix(err.Error(), "a: b: ") {
		t.Error(err)
	}
}
