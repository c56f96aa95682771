package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// startTimeout is how long a sandbox may take to boot; 200 hosts take a few seconds.
const startTimeout = 2 * time.Minute

// Spawn starts a program that calls Serve for a folder, apart from this process and its
// terminal, and returns when the sandbox accepts connections. What the program prints goes
// to DIR/log; when it does not come up, the log's last lines are in the error.
func Spawn(exe string, args []string, dir string) error {
	dir, err := prepare(dir)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if _, err := Status(dir); err == nil {
		return fmt.Errorf("a sandbox runs in %s already; end it with: meshsync sandbox down --dir %s", dir, dir)
	}
	// Of one that was killed; it would be taken for the new one's.
	if err := os.Remove(filepath.Join(dir, ConnectFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	logFile := filepath.Join(dir, "log")
	log, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer log.Close()
	c := exec.CommandContext(context.Background(), exe, args...)
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return fmt.Errorf("start the sandbox: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	if err := await(dir, ended); err != nil {
		_ = c.Process.Kill()
		return fmt.Errorf("the sandbox does not come up: %w\n%s", err, lastLines(logFile, 20))
	}
	return nil
}

// await polls until the sandbox answers, its program ends, or it takes too long.
func await(dir string, ended <-chan error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	for {
		select {
		case err := <-ended:
			if err == nil {
				err = errors.New("its program ended without an error")
			}
			return err
		case <-late.C:
			return fmt.Errorf("it takes longer than %s", startTimeout)
		case <-tick.C:
		}
		if _, err := os.Stat(filepath.Join(dir, ConnectFile)); err == nil {
			if _, err := Status(dir); err == nil {
				return nil
			}
		}
	}
}

func lastLines(file string, n int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
