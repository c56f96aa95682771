package hostd

import (
	"context"
	"os/exec"
	"syscall"
)

// command prepares a process of the host, as root or as the user who logs in.
func (h *Host) command(root bool, path string, args ...string) *exec.Cmd {
	c := exec.CommandContext(context.Background(), path, args...)
	c.Dir = "/"
	c.Env = h.environment(root)
	h.cage.attach(c, root)
	return c
}

// environment is what a command finds: little, as under sudo.
func (h *Host) environment(root bool) []string {
	user, home := h.user, "/"
	if root {
		user, home = "root", "/root"
	}
	return []string{
		"R=" + h.root, "MESHSYNC_ROOT=" + h.root, "PATH=" + h.world.dir + "/bin:" + systemPath, "HOME=" + home, "USER=" + user, "LOGNAME=" + user,
		"SHELL=/bin/sh", "LANG=C.UTF-8", sudoVariable + "=" + user,
		hostVariable + "=" + h.run, ownersVariable + "=" + h.owners,
	}
}

// start starts a process of the host and notes it, so that it ends with the host.
func (h *Host) start(c *exec.Cmd) error {
	return h.cage.do(func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.ended {
			return errEnded
		}
		if err := c.Start(); err != nil {
			return err
		}
		h.running[c.Process.Pid] = struct{}{}
		return nil
	})
}

// wait waits for a process that start started. Without namespaces what it left behind in
// its group ends with it: it could not be found later.
func (h *Host) wait(c *exec.Cmd) error {
	err := c.Wait()
	if !h.cage.private() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.running, c.Process.Pid)
	return err
}

// killAll ends the process groups of all commands and units that still run.
func (h *Host) killAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for pid := range h.running {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}
