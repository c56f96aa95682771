package main

import (
	"errors"
	"fmt"

	"meshsync.dev/meshsync/internal/config"
	"meshsync.dev/meshsync/internal/repo"
)

// The exit codes, the same for all commands.
const (
	exitOK          = 0
	exitError       = 1   // usage, invalid repository, bug
	exitDiffers     = 2   // drift found something; status is not healthy; plan --detailed-exitcode has changes
	exitIncomplete  = 3   // something could not be observed
	exitRefused     = 4   // policy, stale plan, lease, limit
	exitPartial     = 5   // apply stopped part-way, resumable
	exitRolledBack  = 6   // apply failed, and what failed was rolled back
	exitInterrupted = 130 // journal closed
)

// exitCodeHelp is the table that every command's help ends with.
const exitCodeHelp = `
Exit codes:
  0    done
  1    error: usage, an invalid repository, a bug
  2    differs: drift found something, status is not healthy, or plan
       --detailed-exitcode has changes
  3    incomplete: something could not be observed
  4    refused: by policy, by a limit, or by whoever was asked
  5    apply stopped part-way; run it again to go on
  6    apply failed, and all that failed was rolled back
  130  interrupted; the journal is closed
`

// result is an exit code that is no error of its own: everything was already said.
type result int

func (r result) Error() string { return fmt.Sprintf("exit code %d", int(r)) }

// failure is an error with its exit code, a stable code for machines and a hint.
type failure struct {
	exit int
	code string
	err  error
	hint string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usage returns an error about the command line. run adds the command whose help tells more.
func usage(format string, args ...any) error {
	return &failure{exit: exitError, code: "usage", err: fmt.Errorf(format, args...)}
}

// exitCode is the only place that turns an error into an exit code.
func exitCode(err error) int {
	var r result
	var f *failure
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &r):
		return int(r)
	case errors.As(err, &f):
		return f.exit
	default:
		return exitError
	}
}

// errorCode is the stable word for machines.
func errorCode(err error) string {
	var f *failure
	var invalid *config.Errors
	switch {
	case errors.As(err, &f):
		return f.code
	case errors.As(err, &invalid):
		return "invalid"
	case errors.Is(err, repo.ErrNoRepository):
		return "no_repository"
	default:
		return "error"
	}
}
