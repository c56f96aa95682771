package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"meshsync.dev/meshsync/internal/diff"
)

// told writes keys in short: "a:1>2 -b:3 +c:4".
func told(keys []Key) string {
	var out []string
	for _, k := range keys {
		switch {
		case k.Before == nil:
			out = append(out, "+"+k.Key+":"+*k.After)
		case k.After == nil:
			out = append(out, "-"+k.Key+":"+*k.Before)
		default:
			out = append(out, k.Key+":"+*k.Before+">"+*k.After)
		}
	}
	return strings.Join(out, " ")
}

func TestOnlyWhatDiffersInKeysIsToldByKey(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ name, file, before, after, want string }{
		{"a value", "/x/zoo.cfg", "a=1\nb=2\n", "a=1\nb=3\n", "b:2>3"},
		{"one more, one less", "/x/zoo.cfg", "a=1\nb=2\n", "c=3\na=1\n", "-b:2 +c:3"},
		{"comments that stay", "/x/zoo.cfg", "# c\n\na=1\n", "# c\n\na=2\n", "a:1>2"},
		{"an empty value", "/x/zoo.cfg", "a=1\n", "a=\n", "a:1>"},
		{"one way to separate", "/x/y.properties", "a = 1\nb = 2\n", "a = 1\nb = 3\n", "b:2>3"},
		{"a server", "/x/zoo.cfg", "server.1=h:1:2\n", "server.1=h:1:2\nserver.2=i:1:2\n", "+server.2:i:1:2"},
		{"by its folder", "/etc/default/mesos", "ULIMIT=\"-n 1\"\n", "ULIMIT=\"-n 2\"\n", `ULIMIT:"-n 1">"-n 2"`},
		{"line ends in all lines", "/x/zoo.cfg", "a=1\r\nb=2\r\n", "a=1\r\nb=3\r\n", "b:2\r>3\r"},

		{"another order", "/x/zoo.cfg", "a=1\nb=2\n", "b=2\na=1\n", ""},
		{"another order and a value", "/x/zoo.cfg", "a=1\nb=2\n", "b=2\na=3\n", ""},
		{"another comment", "/x/zoo.cfg", "# c\na=1\n", "# d\na=2\n", ""},
		{"an empty line more", "/x/zoo.cfg", "a=1\nb=1\n", "a=2\n\nb=1\n", ""},
		{"another way to separate", "/x/zoo.cfg", "a=1\nb=2\n", "a=2\nb = 2\n", ""},
		{"a new key set apart", "/x/zoo.cfg", "a=1\n", "a=1\nb = 2\n", ""},
		{"the last line's end", "/x/zoo.cfg", "a=1\n", "a=2", ""},
		{"the end of one line", "/x/zoo.cfg", "# c\na=1\n", "# c\r\na=2\n", ""},
		{"a key that stands twice", "/x/zoo.cfg", "a=1\na=2\n", "a=1\na=3\n", ""},
		{"a line that goes on", "/x/y.properties", "a=1\\\nb=2\n", "a=1\\\nb=3\n", ""},
		{"a quote that stays open", "/etc/default/x", "A=\"1\nB=2\"\n", "A=\"1\nB=3\"\n", ""},
		{"a command", "/etc/default/x", "export A=1\n", "export A=2\n", ""},
		{"a format that the name does not tell", "/x/y.conf", "a=1\n", "a=2\n", ""},
		{"no text", "/x/zoo.cfg", "a=\x00\n", "a=1\n", ""},

		{"a member", "/x.json", `{"a":1,"b":2}`, `{"a":1,"b":3}`, "b:2>3"},
		{"a member more", "/x.json", `{"a":1}`, `{"b":"x","a":1}`, `+b:"x"`},
		{"null is no absence", "/x.json", `{"a":null}`, `{"b":null}`, "-a:null +b:null"},
		{"deep down", "/x.json", "{\n  \"a\": {\n    \"b\": [\n      1,\n      2\n    ]\n  }\n}\n", "{\n  \"a\": {\n    \"b\": [\n      1,\n      3\n    ]\n  }\n}\n", "a.b[1]:2>3"},
		{"a longer list", "/x.json", `{"a":[1]}`, `{"a":[1,2]}`, "a:[1]>[1,2]"},
		{"a name with a dot", "/x.json", `{"a.b":1,"a":{"b":1}}`, `{"a.b":2,"a":{"b":1}}`, `"a.b":1>2`},
		{"spelling is a value", "/x.json", `{"a":1.0}`, `{"a":1}`, "a:1.0>1"},
		{"a list of objects", "/x.json", `[{"a":1},{"a":2}]`, `[{"a":1},{"a":3}]`, "[1].a:2>3"},

		{"members in another order", "/x.json", `{"a":1,"b":2}`, `{"b":2,"a":1}`, ""},
		{"other blanks", "/x.json", `{"a":1}`, `{"a": 2}`, ""},
		{"another indent", "/x.json", "{\n  \"a\": 1\n}\n", "{\n    \"a\": 2\n}\n", ""},
		{"the last line's end in JSON", "/x.json", "{\n  \"a\": 1\n}\n", "{\n  \"a\": 2\n}", ""},
		{"a name that stands twice", "/x.json", `{"a":1,"a":2}`, `{"a":1,"a":3}`, ""},
		{"a name spelt in another way", "/x.json", `{"a":1}`, `{"\u0061":2}`, ""},
		{"another document altogether", "/x.json", `{"a":1}`, `[1]`, ""},
		{"nested too deep", "/x.json", strings.Repeat("[", 5000) + "1" + strings.Repeat("]", 5000), strings.Repeat("[", 5000) + "2" + strings.Repeat("]", 5000), ""},
		{"no JSON", "/x.json", `{"a":1}`, `{"a":`, ""},
	} {
		if got := told(keysBetween(x.file, x.before, x.after)); got != x.want {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}

// settingsRest is a text of settings without what keys tell of it: an independent reading.
func settingsRest(text string, keys []Key, side func(Key) *string) string {
	var out []string
	for l := range strings.SplitSeq(text, "\n") {
		kept := true
		for _, k := range keys {
			v := side(k)
			if v == nil || strings.HasPrefix(l, "#") || strings.HasPrefix(l, "!") {
				continue
			}
			name, value, ok := strings.Cut(l, "=")
			if ok && strings.TrimSpace(name) == k.Key && strings.TrimLeft(value, " ") == *v {
				kept = k.Before != nil && k.After != nil
				l = name + "="
			}
		}
		if kept {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// leaves lists what is at each path of a JSON value: every value with all, else those
// without members.
func leaves(at string, v any, all bool, out map[string]any) {
	inner := 0
	switch v := v.(type) {
	case map[string]any:
		inner = len(v)
		for name, x := range v {
			quoted, _ := json.Marshal(name)
			p := string(quoted)
			if isPlainName(name) && name != "" {
				p = name
			}
			leaves(strings.TrimPrefix(at+"."+p, "."), x, all, out)
		}
	case []any:
		inner = len(v)
		for i, x := range v {
			leaves(fmt.Sprintf("%s[%d]", at, i), x, all, out)
		}
	}
	if all || inner == 0 {
		out[at] = v
	}
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// jsonRest checks the values of keys against a document and returns what is beside them.
func jsonRest(t *testing.T, text string, keys []Key, side func(Key) *string) map[string]any {
	t.Helper()
	all, rest := map[string]any{}, map[string]any{}
	leaves("", decoded(t, text), true, all)
	leaves("", decoded(t, text), false, rest)
	for _, k := range keys {
		if v := side(k); v != nil && !reflect.DeepEqual(all[k.Key], decoded(t, *v)) {
			t.Fatalf("%s: %s is not %s", text, k.Key, *v)
		}
		maps.DeleteFunc(rest, func(p string, _ any) bool {
			return p == k.Key || strings.HasPrefix(p, k.Key+".") || strings.HasPrefix(p, k.Key+"[")
		})
	}
	maps.DeleteFunc(rest, func(_ string, v any) bool { // what lost its only member
		m, ok := v.(map[string]any)
		return ok && len(m) == 0
	})
	return rest
}

// FuzzKeysAndTheRestAreAll holds that beside the keys nothing differs.
func FuzzKeysAndTheRestAreAll(f *testing.F) {
	f.Add("a=1\n#c\nb=2\n", "a=1\n#c\nb=3\nc=4\n")
	f.Add("a = 1\nb = 2\n", "b = 2\n")
	f.Add(`{"a":{"b":[1,{"c":null}]},"d":""}`, `{"a":{"b":[1,{"c":1}]},"e":{}}`)
	f.Add("{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\n  \"b\": \"\\u0041\"\n}\n")
	f.Add("[[],{}]", "[[],{\"a\":0}]")
	f.Fuzz(func(t *testing.T, before, after string) {
		old, now := func(k Key) *string { return k.Before }, func(k Key) *string { return k.After }
		if keys := keysBetween("/x/zoo.cfg", before, after); len(keys) > 0 {
			if a, b := settingsRest(before, keys, old), settingsRest(after, keys, now); a != b {
				t.Fatalf("%q and %q differ in more than %s: %q, %q", before, after, told(keys), a, b)
			}
		}
		if keys := keysBetween("/x.json", before, after); len(keys) > 0 {
			if a, b := jsonRest(t, before, keys, old), jsonRest(t, after, keys, now); !reflect.DeepEqual(a, b) {
				t.Fatalf("%q and %q differ in more than %s: %v, %v", before, after, told(keys), a, b)
			}
		}
		for _, name := range []string{"/x/zoo.cfg", "/x.json"} {
			back := keysBetween(name, after, before)
			for i, k := range back {
				back[i].Before, back[i].After = k.After, k.Before
			}
			if there := keysBetween(name, before, after); told(there) != told(back) {
				t.Fatalf("%q and %q: %s there, %s back", before, after, told(there), told(back))
			}
		}
	})
}

// TestRandomSettingsAndDocuments draws texts that are of a known format, or nearly.
func TestRandomSettingsAndDocuments(t *testing.T) {
	t.Parallel()
	old, now := func(k Key) *string { return k.Before }, func(k Key) *string { return k.After }
	line := rapid.SampledFrom([]string{"a=1", "a=2", "b=1", "b=", "c=x", "c=y ", "d=1", "d = 1", "# c", "", "a=1\r"})
	leaf := rapid.SampledFrom([]any{nil, true, "x", "y", 1, 2.5, map[string]any{}, []any{}})
	name := rapid.SampledFrom([]string{"a", "b", "c.d", "e[0]", "é", ""})
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		if depth == 0 {
			return leaf
		}
		return rapid.OneOf(leaf,
			rapid.Map(rapid.MapOfN(name, value(depth-1), 1, 4), func(m map[string]any) any { return m }),
			rapid.Map(rapid.SliceOfN(value(depth-1), 0, 3), func(l []any) any { return l }))
	}
	byKey := 0
	rapid.Check(t, func(rt *rapid.T) {
		lines := rapid.SliceOfN(line, 0, 6)
		a, b := strings.Join(lines.Draw(rt, "a"), "\n")+"\n", strings.Join(lines.Draw(rt, "b"), "\n")+"\n"
		if keys := keysBetween("/x/zoo.cfg", a, b); len(keys) > 0 {
			byKey++
			if x, y := settingsRest(a, keys, old), settingsRest(b, keys, now); x != y {
				rt.Fatalf("%q and %q differ in more than %s", a, b, told(keys))
			}
		}
		document := rapid.MapOfN(name, value(3), 1, 4)
		c, err1 := json.MarshalIndent(document.Draw(rt, "c"), "", "  ")
		d, err2 := json.MarshalIndent(document.Draw(rt, "d"), "", "  ")
		if err1 != nil || err2 != nil {
			rt.Fatal(err1, err2)
		}
		keys := keysBetween("/x.json", string(c), string(d))
		if len(keys) == 0 && string(c) != string(d) {
			rt.Fatalf("%s and %s are not told by key", c, d)
		}
		if x, y := jsonRest(t, string(c), keys, old), jsonRest(t, string(d), keys, now); !reflect.DeepEqual(x, y) {
			rt.Fatalf("%s and %s differ in more than %s", c, d, told(keys))
		}
	})
	if byKey == 0 {
		t.Error("no settings were told by key: the draws show nothing")
	}
}

// FuzzValuesThatDifferLookDifferent also holds that a key's line is one line.
func FuzzValuesThatDifferLookDifferent(f *testing.F) {
	f.Add("", "(empty)")
	f.Add("a ", "a")
	f.Add("\x1b", `\x1b`)
	f.Add(strings.Repeat("a", 300), strings.Repeat("a", 301))
	f.Fuzz(func(t *testing.T, a, b string) {
		if a == b || binary(a) || binary(b) {
			return
		}
		for _, full := range []bool{false, true} {
			if x, y := literals(a, b, full); x == y || strings.ContainsAny(x+y, "\n\r\x1b") {
				t.Fatalf("%q and %q are shown as %q and %q", a, b, x, y)
			}
		}
	})
}

func TestKeysAreFoldedWithTheirCount(t *testing.T) {
	t.Parallel()
	for n := range 60 {
		p := onHosts(1)
		p.Stages[0].Batches[0].Changes[0] = change("a1", "/x/zoo.cfg", numbered("k%d=a", n+1), numbered("k%d=b", n+1))
		out := plain(t, p, Options{})
		hidden := 0
		if _, rest, ok := strings.Cut(out, "… "); ok {
			if _, err := fmt.Sscanf(rest, "%d more keys (--full shows them)", &hidden); err != nil || hidden < 3 {
				t.Fatalf("%v: %s", err, out)
			}
		}
		if shown := strings.Count(out, ": a → b\n"); shown+hidden != n+1 {
			t.Errorf("%d shown and %d hidden of %d", shown, hidden, n+1)
		}
		if full := plain(t, p, Options{Full: true}); strings.Count(full, ": a → b\n") != n+1 || strings.Contains(full, "…") {
			t.Errorf("--full hides something:\n%s", full)
		}
	}
}

func TestAPlanReadBackKeepsItsKeys(t *testing.T) {
	t.Parallel()
	var a, b bytes.Buffer
	if err := PlanJSON(&a, allKinds()); err != nil {
		t.Fatal(err)
	}
	p, err := ReadPlan(bytes.NewReader(a.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := PlanJSON(&b, p); err != nil {
		t.Fatal(err)
	}
	if a.String() != b.String() {
		t.Error("the document is another one")
	}
	x, y := strings.Split(plain(t, allKinds(), Options{Full: true}), "\n"), strings.Split(plain(t, p, Options{Full: true}), "\n")
	slices.Sort(x)
	slices.Sort(y)
	if !slices.Equal(x, y) {
		t.Errorf("the text is another one:\n%s", plain(t, p, Options{Full: true}))
	}
}

func TestOfAFileThatNotEverybodyMayReadNothingIsTold(t *testing.T) {
	t.Parallel()
	p := onHosts(1)
	c := flag(change("a1", "/etc/mesos-slave/credential", "hunter1\n", "hunter2\n"))
	d := change("a1", "/x/zoo.cfg", "password=hunter1\n", "password=hunter2\n")
	p.Stages[0].Batches[0].Changes = []diff.Change{
		private(c), private(d), private(created("a1", "/new", "hunter2\n")), private(deleted("a1", "/old", "hunter1\n")),
		flag(private(created("a1", "/etc/mesos-slave/new", "hunter2\n"))), flag(private(deleted("a1", "/etc/mesos-slave/old", "hunter1\n"))),
	}
	for i := range p.Stages[0].Batches[0].Changes { // as if it were read all the same
		if c := &p.Stages[0].Batches[0].Changes[i]; c.Before != nil {
			c.BeforeText = text("password=hunter1\n")
		}
	}
	p.Stages[0].Batches[0].Changes[1].Diff = "@@ -1 +1 @@\n-password=hunter1\n+password=hunter2\n" // as if a document said so
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return PlanJSON(b, p) },
		func(b *bytes.Buffer) error { return DriftJSON(b, p) },
		func(b *bytes.Buffer) error { return PlanMarkdown(b, p, CommentLimit) },
		func(b *bytes.Buffer) error { return Plan(b, p, Options{Full: true}) },
		func(b *bytes.Buffer) error { return Drift(b, p, Options{Full: true}) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "hunter") || strings.Contains(b.String(), "sha256:") {
			t.Errorf("%s", b.String())
		}
	}
}
