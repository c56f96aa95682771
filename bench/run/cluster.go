//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// clusterMesh is the mesh of the example that is grown.
	clusterMesh = "prod"
	// exampleHosts is how many hosts it has: three masters and two agents.
	exampleHosts = 5
)

// writeCluster makes a git repository in dir: the example, with as many more agents as
// make n hosts.
func writeCluster(ctx context.Context, s settings, dir string, n int) error {
	if _, err := measure(ctx, command{dir: "", args: []string{s.meshsync, "init", dir}}); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, clusterMesh, "bench.cue"), []byte(moreAgents(n)), 0o644); err != nil {
		return err
	}
	return commit(ctx, dir)
}

// moreAgents is a CUE file that adds agents a3, a4, … until the mesh has n hosts. The
// example gives every host whose name begins with an a the agent's roles.
func moreAgents(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n\n", clusterMesh)
	// All agents are begun at once, since what is measured comes after that.
	fmt.Fprintf(&b, "policy: {limits: hosts: %[1]d, rollout: {\"mesos-agent\": maxUnavailable: %[1]d, logshipper: maxUnavailable: %[1]d}}\n", n)
	for i := 3; i <= n-exampleHosts+2; i++ {
		fmt.Fprintf(&b, "hosts: a%d: address: \"10.0.%d.%d\"\n", i, 1+i/200, 1+i%200)
	}
	return b.String()
}
