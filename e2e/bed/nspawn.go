//go:build linux

package bed

import (
	"context"
	"path/filepath"
)

// A machine is what systemd-nspawn is told of one.
type machine struct {
	name string // one per machine that runs, on this computer
	root string
	repo string // the folder of the apt repository
	pool string // the tree with the repository's packages
}

// nspawn prepares systemd-nspawn. It registers nowhere, since there may be no systemd
// outside, and stays in the group that it is started in. Docker needs the system calls, and
// as any firewall the say over the network, which is the host's own.
func nspawn(ctx context.Context, m machine, args ...string) *program {
	cmd := command(ctx, "systemd-nspawn", append([]string{
		"--quiet", "--machine=" + m.name, "--directory=" + m.root,
		"--register=no", "--keep-unit", "--link-journal=no", "--resolv-conf=off", "--timezone=off",
		"--bind-ro=" + m.repo + ":/srv/apt",
		"--bind-ro=" + filepath.Join(m.pool, poolDir) + ":/srv/apt/" + poolDir,
		"--system-call-filter=add_key keyctl bpf", "--capability=CAP_NET_ADMIN",
	}, args...)...)
	// Hosts see version 2 of control groups, as today's servers do, whatever the machine
	// mounts; and of the kernel's settings they may change those of their own network.
	cmd.Env = append(cmd.Env, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1", "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network")
	return cmd
}
