// Command meshsync reconciles a Mesos cluster with a git repository: it plans,
// applies and watches for drift. Each command stands in a file of its own; the
// packages below internal do the work.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

func main() {
	os.Exit(mainCode())
}

// mainCode runs the command line of this process and returns its exit code. The
// process's streams, clock, environment and signals enter here and nowhere else.
func mainCode() int {
	ctx, first := context.Background(), (<-chan struct{})(nil)
	if !isBrief(os.Args[1:]) {
		var stop func()
		ctx, stop, first = signals(ctx)
		defer stop()
	}
	wd, err := os.Getwd()
	if err != nil {
		wd = "."
	}
	e := &environment{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv: os.Getenv, now: time.Now, wd: wd,
		stdinTTY: term.IsTerminal(int(os.Stdin.Fd())), stdoutTTY: term.IsTerminal(int(os.Stdout.Fd())),
		stderrTTY: term.IsTerminal(int(os.Stderr.Fd())), width: terminalWidth(os.Stderr),
		stop: first,
	}
	return run(ctx, e, os.Args[1:])
}

// isBrief reports whether the command ends at once, so that a signal may end it as it ends any
// program: to listen for signals takes a twentieth of its time.
func isBrief(args []string) bool { return len(args) == 1 && args[0] == "version" }

func terminalWidth(f *os.File) int {
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil || w < 40 {
		return 100
	}
	return w
}

// signals returns a channel that the first SIGINT, SIGTERM or SIGHUP (a terminal that is
// closed) closes, and a context that the second one cancels. A third ends the process at
// once. SIGPIPE does nothing: whoever reads the output may leave, and a write fails, but a
// run is not given up amid a batch for that.
func signals(parent context.Context) (ctx context.Context, stop func(), first <-chan struct{}) {
	ctx, cancel := context.WithCancel(parent)
	ch := make(chan os.Signal, 3)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // Ignore would be inherited by children
	closed := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		select {
		case <-ch:
			close(closed)
		case <-ended:
			return
		}
		select {
		case <-ch:
			cancel()
			signal.Stop(ch) // the next one has its default effect
		case <-ended:
		}
	}()
	return ctx, func() { close(ended); signal.Stop(ch); cancel() }, closed
}
