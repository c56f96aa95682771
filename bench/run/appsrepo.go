//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// writeApps makes a git repository in dir: the example's production mesh with folders ×
// perFolder apps in place of its own, a file each, that take the example's template as its
// own app does. The staging mesh is left out, so that both programs read the same files.
func writeApps(ctx context.Context, s settings, dir string, folders, perFolder int) error {
	if _, err := measure(ctx, command{dir: "", args: []string{s.meshsync, "init", dir}}); err != nil {
		return err
	}
	apps := filepath.Join(dir, clusterMesh, "apps")
	for _, gone := range []string{apps, filepath.Join(dir, "staging")} {
		if err := need(gone, "meshsync init"); err != nil {
			return err
		}
		if err := os.RemoveAll(gone); err != nil {
			return err
		}
	}
	for i := range folders * perFolder {
		folder := fmt.Sprintf("team%d", i/perFolder)
		if err := os.MkdirAll(filepath.Join(apps, folder), 0o755); err != nil {
			return err
		}
		file := filepath.Join(apps, folder, fmt.Sprintf("app%d.cue", i%perFolder))
		if err := os.WriteFile(file, []byte(appFile(folder, i, i%perFolder)), 0o644); err != nil {
			return err
		}
	}
	return commit(ctx, dir)
}

// appFile is the n-th app of a folder, and the i-th of all: ids, ports and host names are its own.
func appFile(folder string, i, n int) string {
	return fmt.Sprintf(`package %[1]s

import (
	"example.com/infra/facts"
	"example.com/infra/templates"
)

apps: "/%[1]s/app%[2]d": templates.#Web & {
	#image: "registry.\(facts.domain)/%[1]s/app%[2]d:1.%[4]d.0"
	#host:  "app%[2]d.%[1]s.\(facts.domain)"
	instances: %[5]d
	env: TEAM: "%[1]s"
	container: portMappings: [{servicePort: %[3]d}]
}
`, folder, n, 10000+i, i%10, 1+i%4)
}
