package config

import (
	"maps"
	"strings"
	"testing"
)

// TestWhoHoldsYieldsToTheContract: it is left to the kit only where the kit is the one that this
// program ships and nothing else can make out.
func TestWhoHoldsYieldsToTheContract(t *testing.T) {
	t.Parallel()
	const vendored = "cue.mod/pkg/meshsync.dev/"
	shipped := example(t)
	for _, x := range []struct {
		name, file, text string
		held             bool
	}{
		{"as shipped", "prod/more.cue", "package prod\n", true},
		{"a role that reads what the kit calls out", "roles/more.cue", "package roles\n_x: {in: 1}\n_y: _x.out\n", true},
		{"a word in an app", "prod/apps/web/more.cue", "package web\n// out\n", true},
		{"another kit", vendored + "kit/kit.cue", string(shipped[vendored+"kit/kit.cue"]) + "\n", false},
		{"another contract", vendored + "mesh/resources.cue", strings.Replace(string(shipped[vendored+"mesh/resources.cue"]), "=~\"^0[0-7]{3}$\"", "string", 1), false},
		{"a file more in the contract", vendored + "mesh/own.cue", "package mesh\n#Mode: _\n", false},
		{"a package laid over the kit", "cue.mod/usr/meshsync.dev/kit/own.cue", "package kit\n", false},
		{"a field out in the mesh", "prod/more.cue", "package prod\nout: a1: {}\n", false},
		{"a field out in quotes", "prod/more.cue", "package prod\n\"out\": a1: {}\n", false},
		{"a field out in what a mesh may embed", "common/more.cue", "package common\n#More: out: {...}\n", false},
		{"a field without a name", "prod/more.cue", "package prod\n\"\\(_o)ut\": a1: {}\n_o: \"o\"\n", false},
		{"fields of a loop", "prod/more.cue", "package prod\nfor n in [\"o\"] {\"\\(n)ut\": a1: {}}\n", false},
	} {
		files := maps.Clone(shipped)
		files[x.file] = []byte(x.text)
		if l := newLoader(files, "prod"); l.kitHoldsYields() != x.held {
			t.Errorf("%s: held by the kit: %v", x.name, !x.held)
		}
	}
	delete(shipped, vendored+"mesh/owners.cue")
	if newLoader(shipped, "prod").kitHoldsYields() {
		t.Error("a file of the contract is missing, and the kit is taken for the one of this program")
	}
}

// TestWrongYieldsAreRefused: what a role yields is refused where the kit holds it to the contract, where
// it no longer does, and where it is no role that yields it.
func TestWrongYieldsAreRefused(t *testing.T) {
	t.Parallel()
	const kit = "cue.mod/pkg/meshsync.dev/kit/kit.cue"
	for name, yield := range map[string]string{
		"a field that is missing":   `files: "/etc/x": {content: "", mode: "0644", owner: "root"}`,
		"a field too many":          `files: "/etc/x": {content: "", mode: "0644", owner: "root", group: "root", more: 1}`,
		"a kind that is not known":  `filez: "/etc/x": {content: "", mode: "0644", owner: "root", group: "root"}`,
		"a wrong type":              `sysctls: "vm.swappiness": value: 1`,
		"a wrong value":             `files: "/etc/x": {content: "", mode: "644", owner: "root", group: "root"}`,
		"a wrong name":              `modules: "br netfilter": {}`,
		"a value that is open":      `sysctls: "vm.swappiness": value: string`,
		"a wrong check":             `services: x: {enabled: true, running: true, reads: [], on: "restart", check: {kind: "icmp", port: 1}}`,
		"a path that is not one":    `absent: "etc/x": {}`,
		"a field of a wrong struct": `rollout: {layer: 1, max: 2}`,
	} {
		files := example(t)
		files["prod/wrong.cue"] = []byte("package prod\n#roles: logshipper: yield: {" + yield + "}\n")
		if _, err := Load(files, "prod"); err == nil {
			t.Errorf("%s is taken where the kit holds yields", name)
		}
		loose := strings.Replace(string(files[kit]), "yield: mesh.#Resources", "yield: {...}", 1)
		files[kit] = []byte(loose + "\n_used: mesh.#Name\n")
		if _, err := Load(files, "prod"); err == nil {
			t.Errorf("%s is taken where the kit holds nothing", name)
		}
		files = example(t)
		files["prod/wrong.cue"] = []byte("package prod\nout: a1: own: yield: {" + yield + "}\n")
		if _, err := Load(files, "prod"); err == nil {
			t.Errorf("%s is taken where a mesh makes out itself", name)
		}
	}
}
