package rules

import (
	"strings"
	"testing"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"/a": "", "/a/b-c/1": "", "/a.b/c.d.e": "", "/a/restart/b": "", "/restarts": "", "/" + strings.Repeat("a", 300): "",
		"/": "no", "/A": "no", "/a_b": "no", "/-a": "no", "/a-": "no", "/a..b": "no", "/a./b": "no", "/a/./b": "no", "/a/../b": "no", "/a//b": "no", "/ä": "no",
		"/a/restart": "ends in", "/tasks": "ends in", "/a/b/versions": "ends in",
	} {
		got := verdict(t, id, "", "")
		if want == "no" {
			want = "id: has an id that Marathon does not take"
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	on := func(d string) string { return `"dependencies": ["` + d + `"]` }
	checkCases(t, []ruleCase{
		{`"dependencies": []`, ""},
		{on("/db"), ""},
		{on("/shop/db"), ""},
		{on("/shop/web/below"), ""},
		{on("/other"), ""},
		{on("/a/./b"), ""},
		{on("/shop/webs"), ""},
		{on("db"), `warning: dependencies.0: depends on "db", which is /db and not in the app's group`},
		{on("../x"), `warning: dependencies.0: depends on "../x", which is /x`},
		{on("./x"), "warning: "},
		{on("y/../z"), "warning: "},
		{on("/shop/web"), "dependencies.0: depends on itself"},
		{on("shop/web"), "dependencies.0: depends on itself"},
		{on("/shop//web/"), "dependencies.0: depends on itself"},
		{on("/shop"), "depends on the group /shop, in which it is itself"},
		{on("/"), "depends on the group /,"},
		{on(""), "depends on the group /,"},
		{on("/Shop"), `depends on "/Shop", which can be no id`},
		{on("a b"), "can be no id"},
		{on("/a/../b"), `depends on "/a/../b", which Marathon does not resolve`},
		{on(".."), "depends on the group /,"},
		{on("x/y/.."), "does not resolve"},
		{on("/a/."), "does not resolve"},
		{on("/a/restart"), `no app may end in "restart"`},
	})
	if got := verdict(t, "/web", on("db"), ""); got != "" {
		t.Errorf("an app that is in no group: %s", got)
	}
	if got := verdict(t, "/web", on("/a/restart"), "1.7"); got != "" {
		t.Errorf("1.7 knows no reserved words: %s", got)
	}
}
