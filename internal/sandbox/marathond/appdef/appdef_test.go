package appdef

import (
	"encoding/json"
	"testing"
)

func rootRoles(string, string) ([]string, string) { return []string{"*"}, "*" }

func TestDoublesPrintAsJavaPrintsThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0.0", "1": "1.0", "0.1": "0.1", "1.15": "1.15", "1e2": "100.0", "0.001": "0.001", "0.0001": "1.0E-4", "0.00025": "2.5E-4",
		"1e7": "1.0E7", "9999999": "9999999.0", "12345678.5": "1.23456785E7", "1e400": `"Infinity"`, "0.30000000000000004": "0.30000000000000004",
	} {
		got, err := json.Marshal(Double(parseFloat(text)))
		if err != nil || string(got) != want {
			t.Errorf("%s prints as %s, want %s (%v)", text, got, want, err)
		}
	}
}

func TestIntegersMayBeWrittenWithAFraction(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{"2": 2, "2.0": 2, "1e0": 1, "20e-1": 2, "2.5": nil, "2147483648": nil, `"2"`: nil, "1e99999999": nil, "true": nil} {
		var problems []Problem
		got := natural()(json.RawMessage(text), "/x", &problems)
		if got != want || (want == nil) != (len(problems) == 1) {
			t.Errorf("%s reads as %v with %v", text, got, problems)
		}
	}
}

func TestWhatIsAnEdit(t *testing.T) {
	t.Parallel()
	base := Object{"cpus": Double(1), "instances": 1, "constraints": []any{[]any{"a", "UNIQUE"}, []any{"b", "UNIQUE"}}, "args": []any{"x", "y"}}
	for name, c := range map[string]struct {
		change Object
		want   Change
	}{
		"nothing":                 {Object{}, Same},
		"one in another form":     {Object{"cpus": 1}, Same},
		"a set in another order":  {Object{"constraints": []any{[]any{"b", "UNIQUE"}, []any{"a", "UNIQUE"}}}, Same},
		"executor resources":      {Object{"executorResources": Object{"cpus": Double(1)}}, Same},
		"instances":               {Object{"instances": 2}, Scaling},
		"a list in another order": {Object{"args": []any{"y", "x"}}, Config},
		"false for nothing":       {Object{"tty": false}, Config},
	} {
		after := Clone(base)
		for k, v := range c.change {
			after[k] = v
		}
		if got := Compare(base, after); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A definition that was taken by a full PUT is, sent again as it is shown, no change. (That
// the echo may be refused is Marathon's own way: some of what it shows breaks its rules.)
func FuzzReplaceIsIdempotent(f *testing.F) {
	for _, s := range []string{
		`{"cmd": "run it"}`, `{"args": ["a"], "ports": [0, 80], "healthChecks": [{}]}`, `{"container": {"docker": {"image": "w"}}, "networks": [{"mode": "container/bridge"}]}`,
		`{"cmd": "run it", "container": {"type": "MESOS", "volumes": [{"containerPath": "a", "hostPath": "/b", "mode": "RW"}]}, "requirePorts": true}`,
		`{"cmd": "run it", "uris": ["http://h/a.tgz", ""], "constraints": [["a", "LIKE", "x"], ["a", "LIKE", "x"]], "dependencies": ["../x", "/y"]}`,
		`{"cmd": "run it", "check": {"tcp": {}}, "readinessChecks": [{"portName": "default"}], "unreachableStrategy": "x", "killSelection": "oldest_first"}`,
		`{"container": {"docker": {"image": "w", "network": "USER"}}, "ipAddress": {"networkName": "n", "labels": {"a": "b"}}, "portDefinitions": [{"port": 1}]}`,
		`{"cmd": "run it", "env": {"A": {"secret": "k"}}, "secrets": {"k": {"source": "s"}}, "resourceLimits": {"cpus": "unlimited"}, "tty": false}`, `[]`, `{"cmd": 1}`,
	} {
		f.Add(s)
	}
	r := New(Settings{Features: []string{"secrets", "external_volumes", "gpu_resources"}})
	f.Fuzz(func(t *testing.T, body string) {
		if !json.Valid([]byte(body)) {
			return
		}
		first, refusal := r.Replace("/a", Existing{}, json.RawMessage(body), rootRoles)
		if refusal != nil {
			if refusal.Status < 400 || refusal.Status == 422 && len(refusal.Details) == 0 {
				t.Fatalf("%v", refusal)
			}
			return
		}
		echo, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		second, refusal := r.Replace("/a", Existing{}, echo, rootRoles)
		if refusal == nil && Compare(first, second) != Same {
			again, _ := json.Marshal(second)
			t.Errorf("%s\nbecomes %s\nand then %s", body, echo, again)
		}
		if update, refusal := r.ReadUpdate(json.RawMessage(body)); refusal == nil {
			_, _ = r.Merge("/a", first, update, false, rootRoles)
		}
		_, _ = r.Create(json.RawMessage(body), "/g", rootRoles)
	})
}
