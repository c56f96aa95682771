package mesh

import "testing"

func TestDependency(t *testing.T) {
	t.Parallel()
	old, unknown := Release{1, 4, 13}, Release{}
	for _, x := range []struct {
		on      string
		r       Release
		want    string
		because string
	}{
		{"db", Release{1, 5, 0}, "/db", "against the root"},
		{"db", Release{1, 11, 26}, "/db", "against the root"},
		{"db", unknown, "/db", "what is not known counts as the newest"},
		{"../mq", Release{1, 11, 26}, "/mq", "above the root is the root"},
		{"db", old, "/shop/cart/db", "against the app's own id"},
		{"../mq", old, "/shop/mq", "against the app's own id"},
		{"/a/../b/", old, "/b", "it is absolute"},
		{" /a ", unknown, "/a", "blanks are cut"},
	} {
		if got := Dependency("/shop/cart", x.on, x.r); got != x.want {
			t.Errorf("%q of %v is %s, want %s: %s", x.on, x.r, got, x.want, x.because)
		}
	}
}
