//go:build linux

package bed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A process is a host's systemd-nspawn.
type process struct {
	ended chan struct{} // closed when it has ended
	err   error         // how; to be read after that
}

// wantsReboot is what systemd-nspawn ends with when the host was rebooted from inside.
const wantsReboot = 133

// boot starts the host and waits for its sshd.
func (h *Host) boot(ctx context.Context) error {
	h.mu.Lock()
	err := h.launch() //nolint:contextcheck // a host outlives the test that boots it, until it is killed
	h.mu.Unlock()
	if err == nil {
		err = await(ctx, bootLimit, "wait for the greeting of its sshd", h.greets)
	}
	if err != nil {
		return fmt.Errorf("boot %s: %w; %s", h.Name, err, consoleTail(h.console()))
	}
	return nil
}

func (h *Host) console() string { return filepath.Join(h.dir, "console") }

// launch starts systemd-nspawn. The host's lock is held.
func (h *Host) launch() error {
	if h.closed {
		return errors.New("it was removed")
	}
	if h.runs != nil {
		return errors.New("it runs already")
	}
	if err := h.group.below(execGroup).create(); err != nil {
		return err
	}
	console, err := os.OpenFile(h.console(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer console.Close()
	// Not bound to any test's context: a host ends by its group, which leaves nothing of it.
	cmd := nspawn(context.Background(), h.machine, "--boot", "--hostname="+h.Name,
		"--network-namespace-path="+namespacePath(hostSpace(h.scope, h.Name)), "--console=pipe")
	cmd.Stdout, cmd.Stderr = console, console
	if err := h.group.start(cmd); err != nil {
		return err
	}
	p := &process{ended: make(chan struct{})}
	h.runs = p
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.runs != p {
			return // it was killed
		}
		h.runs = nil
		if code, ok := exitCode(p.err); ok && code == wantsReboot && !h.closed {
			if err := h.launch(); err != nil {
				_ = os.WriteFile(h.console(), []byte("reboot: "+err.Error()), 0o644)
			}
		}
	}()
	return nil
}

// kill ends the host. A host that is off stays so.
func (h *Host) kill(ctx context.Context) error {
	h.mu.Lock()
	p := h.runs
	h.runs = nil
	h.mu.Unlock()
	if err := h.group.remove(ctx); err != nil {
		return fmt.Errorf("kill %s: %w", h.Name, err)
	}
	if p == nil {
		return nil
	}
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("kill %s: %w", h.Name, ctx.Err())
	}
}

// greets reports as an error why the host's sshd does not greet.
func (h *Host) greets(ctx context.Context) error {
	h.mu.Lock()
	off := h.runs == nil
	h.mu.Unlock()
	if off {
		return errNever
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(h.Address, "22"))
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	greeting := make([]byte, 4)
	if _, err := conn.Read(greeting); err != nil {
		return err
	}
	if string(greeting) != "SSH-" {
		return fmt.Errorf("port 22 greets with %q", greeting)
	}
	return nil
}

// leader finds the host's first process: in the host's own count its number is 1.
func (h *Host) leader() (string, error) {
	pids, err := h.group.members()
	if err != nil {
		return "", err
	}
	for _, pid := range pids {
		status, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(status)) {
			if counts, ok := strings.CutPrefix(line, "NSpid:"); ok {
				if f := strings.Fields(counts); len(f) > 1 && f[len(f)-1] == "1" {
					return pid, nil
				}
			}
		}
	}
	return "", fmt.Errorf("%s is off", h.Name)
}
