package mesh

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"meshsync.dev/meshsync/internal/secret"
)

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"host/m1/file:/etc/mesos/zk", "marathon/main/app:/www", "host/m1/service:a@b.c", "host//file:x", "x", "host/m1/file:a:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err == nil && a.String() != s {
			t.Fatalf("%q became %q", s, a.String())
		}
	})
}

func TestAddressesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "host/m1", "host/m1/file:", "host/m1/What:/x", "cluster/m1/file:/x", "host//file:/x"} {
		if a, err := ParseAddress(s); err == nil {
			t.Errorf("%q is taken for %v", s, a)
		}
	}
}

func TestNumbersAreEqualByValue(t *testing.T) {
	t.Parallel()
	a := MustTree(map[string]any{"n": 1, "l": []any{json.Number("2.0"), int32(3)}, "f": 0.5})
	b := MustTree(map[string]any{"n": 1.0, "l": []any{2, json.Number("3")}, "f": json.Number("0.5")})
	if !EqualValues(a, b) || Digest(a) != Digest(b) {
		t.Errorf("%v %v", a, b)
	}
	if EqualValues(a, MustTree(map[string]any{"n": "1"})) || EqualValues(map[string]any{}, []any{}) || EqualValues(nil, map[string]any{}) {
		t.Error("what is different is held equal")
	}
	if _, err := NewTree(map[string]any{"x": make(chan int)}); err == nil {
		t.Error("a channel got into a tree")
	}
}

func TestADigestIsOfNoSecret(t *testing.T) {
	t.Parallel()
	a, b := MustTree(map[string]any{"p": secret.New("a")}), MustTree(map[string]any{"p": secret.New("b")})
	if Digest(a) != Digest(b) || EqualValues(a, b) || !EqualValues(a, a.Clone()) {
		t.Error("a digest tells secrets apart, or comparison does not")
	}
}

func TestDirDigestTellsListingsApart(t *testing.T) {
	t.Parallel()
	gen := rapid.MapOf(rapid.StringMatching(`[a-c]{1,2}`), rapid.StringMatching(`[a-c]{1,2}`))
	rapid.Check(t, func(t *rapid.T) {
		a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
		same := len(a) == len(b)
		for k, v := range a {
			same = same && b[k] == v
		}
		if (DirDigest(a) == DirDigest(b)) != same {
			t.Fatalf("%v %v", a, b)
		}
	})
	if !strings.HasPrefix(DirDigest(nil), "sha256:") {
		t.Error("an empty directory has no digest")
	}
}
