//go:build linux

package bed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// What Main tells Start, by the environment: the one thing that a program which executes
// itself can hand over, and that a test binary has without a global variable.
const (
	insideVariable  = "MESHSYNC_BED_INSIDE"  // the tests run in the control namespace of this, in JSON
	withoutVariable = "MESHSYNC_BED_WITHOUT" // this machine cannot have a bed, and why
	brokenVariable  = "MESHSYNC_BED_BROKEN"  // it should have one, and what failed
)

// inside is what Start needs of the scope that the tests run in.
type inside struct {
	Scope string
	Dir   string
	Trees Trees
}

// Main runs a package's tests where their hosts answer, see Inside; it is called by TestMain,
// whose exit code it returns. Where no bed can be, the tests run all the same, and Start
// skips; where one should be and could not be made, Start fails.
func Main(m *testing.M) int {
	if listsOnly() {
		return m.Run()
	}
	return Inside(context.Background(), m.Run)
}

// Inside runs the rest of this program where the hosts of its beds answer, and removes what
// it leaves; it returns the exit code. It builds the trees first and clears what killed runs
// have left. To get there it executes the program again with the same arguments, so it is the
// first thing that a program does. A signal is passed on to it and does not end ctx. Where no bed can be made the rest runs all the same, and
// Open fails with the reason.
func Inside(ctx context.Context, rest func() int) int {
	if os.Getenv(insideVariable) != "" {
		return rest()
	}
	// Debian has these in the PATH of a login only.
	setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	if reason := unavailable(); reason != "" {
		setenv(withoutVariable, reason)
		return rest()
	}
	code, err := runInside(ctx)
	switch {
	case err == nil:
		return code
	case code != notRun:
		fmt.Fprintln(os.Stderr, "bed: clear up:", err)
		return max(code, 1)
	}
	setenv(brokenVariable, err.Error())
	return rest()
}

// notRun is the code of a program that did not begin.
const notRun = -1

// setenv sets what cannot be refused: the names are good and no value has a zero byte.
func setenv(name, value string) {
	if err := os.Setenv(name, value); err != nil {
		panic(err)
	}
}

// listsOnly reports whether no test will run.
func listsOnly() bool {
	return slices.ContainsFunc(os.Args[1:], func(arg string) bool { return strings.HasPrefix(arg, "-test.list") })
}

// runInside runs this program again in a scope of its own, and returns its exit code.
// An error with another code than notRun is about what was left behind.
func runInside(ctx context.Context) (code int, err error) {
	dir, err := cacheDir()
	if err != nil {
		return notRun, err
	}
	if err := sweep(ctx, dir); err != nil {
		return notRun, fmt.Errorf("clear what an earlier run has left: %w", err)
	}
	trees, err := Build(ctx)
	if err != nil {
		return notRun, err
	}
	defer trees.Release()
	s, err := openScope(ctx, dir, scopeName())
	if err != nil {
		return notRun, fmt.Errorf("open the scope %s: %w", scopeName(), err)
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	g, err := groupOf(s.name)
	if err != nil {
		return notRun, err
	}
	if err := errors.Join(g.create(), makeControl(ctx, s.name)); err != nil {
		return notRun, err
	}
	setting, err := json.Marshal(inside{Scope: s.name, Dir: s.dir, Trees: *trees})
	if err != nil {
		return notRun, err
	}
	return again(ctx, s.name, string(setting))
}

// again runs this program within the control namespace. Signals are for the tests; this
// process outlives them, to clear up.
func again(ctx context.Context, scope, setting string) (int, error) {
	program, err := os.Executable()
	if err != nil {
		return notRun, err
	}
	args := append([]string{"--net=" + namespacePath(control(scope)), "--", program}, os.Args[1:]...)
	cmd := command(ctx, "nsenter", args...)
	cmd.Env = append(os.Environ(), insideVariable+"="+setting)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return notRun, err
	}
	ended := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				_ = cmd.Process.Signal(s) // it may have ended meanwhile
			case <-ended:
				return
			}
		}
	}()
	err = cmd.Wait()
	close(ended)
	code, ok := exitCode(err)
	if !ok {
		return notRun, err
	}
	return code, nil
}
