package mesh

import "testing"

func TestReleasesAreOrdered(t *testing.T) {
	t.Parallel()
	for text, before18 := range map[string]bool{
		"1.7.203": true, "1.8.0": false, "1.8.244-SNAPSHOT": false, "0.15.3": true, "1.11.26": false, "1.4": true,
		"": false, "latest": false, // unknown counts as the newest
	} {
		if ParseRelease(text).Before(1, 8) != before18 {
			t.Errorf("%q before 1.8: %v", text, !before18)
		}
	}
}

func TestAReleaseIsThatWhichWasDeclared(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		declared, is string
		same         bool
	}{
		{"1.11", "1.11.26", true},
		{"1.11.26", "1.11.26-SNAPSHOT", true},
		{"1.1", "1.11.26", false},
		{"1.11.2", "1.11.26", false},
		{"", "1.8.244", true},
		{"1.8", "", false},
	} {
		if SameRelease(x.declared, x.is) != x.same {
			t.Errorf("%q is %q: %v", x.is, x.declared, !x.same)
		}
	}
}
