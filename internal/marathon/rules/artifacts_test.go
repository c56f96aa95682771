package rules

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestArtifacts(t *testing.T) {
	t.Parallel()
	long := "http://h/" + strings.Repeat("a", maxURI-9)
	checkCases(t, []ruleCase{
		{`"uris": [], "fetch": [{"uri": "x"}]`, ""},
		{`"uris": ["x", ""]`, "uris.1: fetches an empty URI: Marathon takes it in uris, and refuses it in fetch"},
		{`"uris": ["x"], "fetch": []`, ""},
		{`"uris": ["` + long + `"]`, ""},
		{`"fetch": [{"uri": "http://x/a"}, {"uri": "http://x/a"}]`, ""},
		{`"uris": ["x"], "fetch": [{"uri": "x"}]`, "uris: has uris and fetch"},
		{`"uris": ["` + long + `a"]`, "uris.0: fetches a URI of 1025 characters"},
		{`"fetch": [{"uri": "x"}, {"uri": "a b"}]`, "fetch.1.uri: fetches what is no URI: ' ' cannot"},
	})
	if got := verdict(t, "/x", `"fetch": [{"uri": "http://u:hunter2@h/a b"}]`, ""); strings.Contains(got, "hunter2") {
		t.Errorf("it shows a password: %s", got)
	}
}

func TestURIs(t *testing.T) {
	t.Parallel()
	for uri, right := range map[string]bool{
		"http://h/a.zip": true, "a/b.tgz": true, "/a": true, "//h/a": true, "http:///a": true, "http:/a": true, "http://h_x/a": true, "http://h:x/a": true,
		"c:/a": true, "http://[::1]/a": true, "http://[::1]:80/a": true, "http://u:p@[::1]/a": true, "mailto:x": true, "docker:a.zip": true,
		"http://h/a?f=[1]#b": true, "http://h/a?": true, "#f": true, "http://h/ä": true, "http://h/%7A": true, "http://h/a;v=1": true, "x": true, "?q": true,
		"http://?q": true, "http://#f": true, "hdfs://n1:8020/x": true, "file:///etc/a.tar.gz": true, "s3n://a/b": true, "http://h/a:b": true,
		"http://h/a b": false, "http://h/%zz": false, "http://h/%": false, "http://h/%a": false, "http://h/{a}": false, "http://h/a|b": false, `http://h/a\b`: false,
		":a": false, "1http://h/a": false, "http://": false, "http:": false, "http://h/a[1]": false, "http://[a]/": false, "http://[::1": false, "[a]@": false,
		"h_x:80": false, "http://h/a^b": false, "http://h/<a>": false, `http://h/"`: false, "http://h/a\u00a0b": false, "http://h/#a#b": false, "http://h\n": false,
	} {
		wrong, hint := uriFault(uri)
		if (wrong == "") != right || !right && hint == "" {
			t.Errorf("%q: %q, %q", uri, wrong, hint)
		}
	}
}

func FuzzURI(f *testing.F) {
	for _, s := range []string{"http://h/a", "[a]@", "://", "a:#", "//[::1]%", "http://[", "%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		wrong, hint := uriFault(s)
		if !utf8.ValidString(wrong) || wrong != "" && hint == "" {
			t.Errorf("%q: %q, %q", s, wrong, hint)
		}
	})
}
