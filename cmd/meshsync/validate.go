package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

func newValidate(e *environment, g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "validate [DIR]",
		Short: "Check the repository: CUE, cross checks, policy; asks no host",
		Long: `Evaluate the mesh and check it against the contract and across files. No host and
no Marathon is asked, no network is used. All errors are shown, with file and line,
and warnings, which do not make it fail.

  meshsync validate
  meshsync validate prod --worktree
` + exitCodeHelp,
		Args: dirArg(g),
		RunE: func(*cobra.Command, []string) error {
			d, err := loadDesired(e, g)
			if err != nil {
				return err
			}
			defer d.close()
			dirtyWarning(e, g, d)
			m := d.mesh
			over := expired(e, m)
			showWarnings(e, d)
			if over != nil {
				return over
			}
			fmt.Fprintf(e.stdout, "%s is valid: %s, %s, %s, %s\n", m.Name,
				counted(len(m.Hosts), "host"), counted(len(m.Resources), "resource"),
				counted(len(m.Marathons), "Marathon"), counted(len(m.Apps), "app"))
			return nil
		},
	}
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// dirArg accepts the mesh's folder as the argument in place of -C.
func dirArg(g *globals) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) > 1:
			return usage("one mesh at a time: got %s", joined(args))
		case len(args) == 1 && g.dir != "":
			return usage("the mesh is named twice: -C %s and %s", g.dir, args[0])
		case len(args) == 1:
			g.dir = args[0]
		}
		return nil
	}
}

// showWarnings says on stderr what is right and somebody will regret.
func showWarnings(e *environment, d *desired) {
	for _, w := range d.mesh.Warnings {
		fmt.Fprintf(e.stderr, "warning: %s\n", w.Line())
		if w.Hint != "" {
			fmt.Fprintf(e.stderr, "    hint: %s\n", w.Hint)
		}
	}
}

// dirtyWarning says on stderr that the commit is read and not the files.
func dirtyWarning(e *environment, g *globals, d *desired) {
	if g.worktree || len(d.dirty) == 0 {
		return
	}
	shown := d.dirty
	more := ""
	if len(shown) > 3 {
		more = fmt.Sprintf(" and %d more", len(shown)-3)
		shown = shown[:3]
	}
	fmt.Fprintf(e.stderr, "note: %s%s differ from the commit and are not read; --worktree reads them\n", joined(shown), more)
}

// today is the day, in UTC.
func today(e *environment) string { return e.now().UTC().Format(time.DateOnly) }

// expired adds to the warnings of a mesh those of its rules that expired or are about to; the error is that of
// the first one whose time of grace is over, too.
func expired(e *environment, m *mesh.Mesh) error {
	var over error
	for _, x := range plan.Expiries(m.Owned, today(e)) {
		if x.Over && over == nil {
			over = &failure{exit: exitError, code: x.Code, err: errors.New(x.Owned.Origin.String() + ": " + x.Text), hint: x.Hint}
			continue
		}
		m.Warnings = append(m.Warnings, mesh.Warning{Pos: x.Owned.Origin, Msg: x.Text, Hint: x.Hint})
	}
	return over
}
