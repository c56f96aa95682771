package config

import (
	"errors"
	"maps"
	"testing"
	"time"
)

// loadTime is how long a small mesh may take under the fuzzer on a busy machine: far more
// than the tenth of a second that one takes, far less than for ever.
const loadTime = 30 * time.Second

// FuzzLoad replaces the whole mesh of the example. Whatever the bytes are, Load comes to
// an end, and its error is a list of things that are wrong in the repository.
func FuzzLoad(f *testing.F) {
	files := example(f)
	f.Add(string(files["prod/mesh.cue"]))
	f.Add(string(files["staging/mesh.cue"]))
	f.Add("package prod\n\nimport \"example.com/infra/common\"\n\ncommon\nhosts: [string]: hosts\n")
	f.Add("{{{")
	for _, more := range []string{
		"settings: zookeeper: tickTime: \"fast\"", "settings: zookeeper: dataDir: null", "hosts: m1: roles: \"mesos-agent\": attributes: a: [1]",
		"#roles: x: {yield: files: \"/x\": {}}\nhosts: m1: roles: x: {}", "apps: \"/x\": {cmd: \"x 1\", env: A: 1}", "policy: limits: outages: -1",
	} {
		f.Add(string(files["prod/mesh.cue"]) + more + "\n")
	}
	f.Add("package prod\n#a: {b: #a}\nx: #a\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4000 {
			return
		}
		mine := maps.Clone(files)
		mine["prod/mesh.cue"] = []byte(text)
		done := make(chan error, 1)
		go func() {
			_, err := Load(mine, "prod")
			done <- err
		}()
		select {
		case err := <-done:
			namesRules(t, err)
		case <-time.After(loadTime):
			t.Fatal("Load does not come to an end")
		}
	})
}

// namesRules wants an error to be a list of things with a rule, none of them a bug.
func namesRules(t *testing.T, err error) {
	t.Helper()
	var invalid *Errors
	if err != nil && (!errors.As(err, &invalid) || len(invalid.List) == 0) {
		t.Fatalf("%T: %v", err, err)
	}
	if err == nil {
		return
	}
	for _, e := range invalid.List {
		if e.Rule == "" || e.Rule == "internal" || e.Msg == "" {
			t.Errorf("%#v", e)
		}
	}
}
