package rules

import (
	"fmt"
	"slices"
	"strings"
)

// A feature is what a Marathon takes only when it runs with --enable_features NAME. Others that
// there are (vips, task_killing) change what it does, and nothing that it takes.
type feature struct{ name, path string }

func features() []feature {
	return []feature{
		{"secrets", "secrets"},
		{"secrets", "env.*.secret"},
		{"secrets", "container.docker.pullConfig"},
		{"secrets", "container.volumes.*.secret"},
		{"gpu_resources", "gpus"},
		{"external_volumes", "container.volumes.*.external"},
	}
}

// features refuses what needs a feature that the Marathon does not run with: once for each. Only
// one that was asked says which it has.
func (c *checker) features() {
	if !c.marathon.Asked {
		return
	}
	told := map[string]bool{}
	for _, f := range features() {
		if told[f.name] || slices.Contains(c.marathon.Features, f.name) {
			continue
		}
		for _, at := range places(c.def, strings.Split(f.path, "."), nil) {
			if told[f.name] || c.isNothing(at) {
				continue
			}
			told[f.name] = true
			c.refuse(Finding{
				Path: at.path, Rule: "app-feature",
				Msg:  fmt.Sprintf("has %s, and this Marathon runs without the feature %s", strings.ReplaceAll(f.path, ".*", ""), f.name),
				Hint: c.enabling(f.name),
			})
		}
	}
}

func (c *checker) enabling(name string) string {
	all := strings.Join(append(slices.Clone(c.marathon.Features), name), ",")
	return "start it with --enable_features " + all + ", or leave that out"
}

// isNothing reports whether what is written needs no feature: no gpus, no secrets, a volume that
// is persistent and so nothing else.
func (c *checker) isNothing(p place) bool {
	switch p.path[len(p.path)-1] {
	case "gpus":
		n, _ := asNumber(p.value)
		return n <= 0
	case "secrets":
		return len(asFields(p.value)) == 0
	case "external", "secret":
		if p.path[0] != "container" {
			return false
		}
		for i, v := range volumesOf(c.def) {
			if p.path[2] == fmt.Sprint(i) {
				kind := kindOf(v)
				return kind != kindExternal && kind != kindSecret
			}
		}
	}
	return false
}
