//go:build linux

package bed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec" //nolint:depguard // the bed is made of programs of the machine, and is part of tests only
	"strings"
	"syscall"
)

// A program is one that is prepared or runs.
type program = exec.Cmd

// command prepares a program of the machine. Its messages are in English, whoever runs it.
func command(ctx context.Context, name string, args ...string) *program {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive")
	return cmd
}

// installed reports whether a program is found.
func installed(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// run waits for a program and returns what it wrote to standard output.
func run(cmd *program) (string, error) {
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, tail(errOut.String()+out.String()))
	}
	return out.String(), nil
}

// exitCode tells the code that a program ended with from a program that did not run. One
// that a signal ended has the code that a shell gives it.
func exitCode(err error) (int, bool) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, true
	case !errors.As(err, &exit):
		return 0, false
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), true
	}
	return exit.ExitCode(), true
}

// tail keeps the end of a program's output, where it says why it failed.
func tail(text string) string {
	const most = 2000
	text = strings.TrimSpace(text)
	if len(text) > most {
		return "…" + text[len(text)-most:]
	}
	return text
}
