package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync/internal/render"
)

// environment is everything that reaches the program from outside.
type environment struct {
	stdin                          io.Reader
	stdout, stderr                 io.Writer
	getenv                         func(string) string
	now                            func() time.Time
	wd                             string
	stdinTTY, stdoutTTY, stderrTTY bool
	width                          int
	stop                           <-chan struct{} // closed by the first signal
}

// globals are the flags that all commands share.
type globals struct {
	dir      string
	ref      string
	worktree bool
	connect  string
	parallel int
	timeout  time.Duration
	format   string // of errors; set by the commands that take -o
	ssh      sshFlags
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, e *environment, args []string) int {
	g := &globals{}
	root := newRoot(e, g, args)
	root.SetArgs(args)
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	c, err := root.ExecuteContextC(ctx)
	var f *failure
	if errors.As(err, &f) && f.code == "usage" && f.hint == "" {
		f.hint = c.CommandPath() + " --help says what it takes"
	}
	code := exitCode(err)
	var r result
	if err != nil && !errors.As(err, &r) {
		printError(e, g, err)
	}
	return code
}

func newRoot(e *environment, g *globals, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "meshsync",
		Short: "Reconcile a Mesos cluster with a git repository",
		Long: `meshsync keeps a Mesos cluster as a git repository says: hosts (ZooKeeper,
mesos-master, mesos-agent, your own roles) over SSH, and Marathon apps.

  meshsync validate            is the repository right? asks no host
  meshsync plan                what would change, restart, and in what order
  meshsync apply               do just that, behind the same gates
  meshsync drift               what moved without git
  meshsync status              how is the cluster: quorum, leaders, agents, apps
` + exitCodeHelp,
		SilenceUsage:               true,
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				return usage("there is no command %q: did you mean %s?", args[0], near[0])
			}
			return usage("there is no command %q", args[0])
		},
		PersistentPreRunE: func(*cobra.Command, []string) error { return g.check() },
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%w", err) })
	g.register(root)
	for _, c := range wantedCommands(args) {
		root.AddCommand(c.make(e, g))
	}
	return root
}

// command is a row of the table of commands.
type command struct {
	name string
	make func(*environment, *globals) *cobra.Command
}

// commands is the table of all commands, in the order of the help.
func commands() []command {
	return []command{
		{"init", newInit},
		{"validate", newValidate},
		{"plan", newPlan},
		{"apply", newApply},
		{"restart", newRestart},
		{"drift", newDrift},
		{"status", newStatus},
		{"observe", newObserve},
		{"route", newRoute},
		{"doctor", newDoctor},
		{"show", newShow},
		{"sandbox", newSandbox},
		{"demo", newDemo},
		{"version", newVersion},
	}
}

// wantedCommands are the commands to build for a command line: the one that it begins
// with, else all, for the help, for suggestions, and where flags come first. To build all
// of them takes longer than what the short ones do.
func wantedCommands(args []string) []command {
	all := commands()
	if len(args) > 0 {
		if i := slices.IndexFunc(all, func(c command) bool { return c.name == args[0] }); i >= 0 {
			return all[i : i+1]
		}
	}
	return all
}

func (g *globals) register(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVarP(&g.dir, "chdir", "C", "", "the mesh: a folder with a mesh.cue (default: this folder, else the only one below the module)")
	f.StringVar(&g.ref, "ref", "", "revision to read the desired state from (default HEAD)")
	f.BoolVar(&g.worktree, "worktree", false, "read the files as they are instead of a commit")
	f.StringVar(&g.connect, "connect", "", "`FILE` that says where hosts and Marathons are (written by meshsync sandbox up)")
	f.IntVar(&g.parallel, "parallel", 64, "targets asked or changed at once")
	f.DurationVar(&g.timeout, "timeout", 30*time.Second, "for the answer of one host or Marathon")
	g.ssh.register(f)
}

// check refuses values that no command can do anything with.
func (g *globals) check() error {
	switch {
	case g.timeout <= 0:
		return usage("--timeout %s leaves no time for an answer", g.timeout)
	case g.parallel < 1:
		return usage("--parallel %d asks no target at all", g.parallel)
	default:
		return g.ssh.check()
	}
}

// printError writes an error for its reader: text with a hint, or JSON where the
// command's output is JSON.
func printError(e *environment, g *globals, err error) {
	var f *failure
	hint := ""
	if errors.As(err, &f) {
		hint = f.hint
	}
	if g.format == "json" {
		_ = render.ErrorJSON(e.stdout, errorCode(err), err.Error(), hint)
		return
	}
	text := strings.TrimRight(err.Error(), "\n")
	fmt.Fprintln(e.stderr, "meshsync: "+text)
	if hint != "" {
		fmt.Fprintln(e.stderr, "  hint: "+hint)
	}
}
