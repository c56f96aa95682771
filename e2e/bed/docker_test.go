//go:build linux

package bed_test

import (
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
)

// TestDockerRunsAContainer is what agents are there for. There is no registry in reach, so
// the image is made of the host's own BusyBox.
func TestDockerRunsAContainer(t *testing.T) {
	b := bed.Start(t, bed.Options{Hosts: 1, Bare: true})
	h := b.Hosts[0]
	h.Must(t, "apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io busybox-static")
	eventually(t, "the Docker daemon", func() string {
		if r := h.Exec(t, "docker info"); r.Exit != 0 {
			return r.Stderr + h.Exec(t, "systemctl status --no-pager docker").Stdout
		}
		return ""
	})
	h.Must(t, "mkdir -p /tmp/image/bin && cp /bin/busybox /tmp/image/bin/sh && tar -C /tmp/image -c . | docker import - box")
	if got := h.Must(t, "docker run --rm box /bin/sh -c 'echo inside'"); got != "inside\n" {
		t.Errorf("the container says %q", got)
	}
}
