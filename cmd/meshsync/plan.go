package main

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/render"
)

func newPlan(e *environment, g *globals) *cobra.Command {
	f := &planFlags{}
	detailed := false
	c := &cobra.Command{
		Use:   "plan [DIR]",
		Short: "Show what would change, restart, and in what order; changes nothing",
		Long: `Observe the live cluster, compare it with the repository, and print what apply
would do: effects first, then stages with their gates, then details. Nothing is
written anywhere, and no command that the repository names is run.

  meshsync plan
  meshsync plan -C prod --only 'host/m*'
  meshsync plan --ref origin/main -o json=plan.json -o markdown=plan.md
  meshsync plan --from snapshot.json      plan against a saved observation
` + exitCodeHelp,
		Args: dirArg(g),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.out.check(g, "text", "json", "markdown"); err != nil {
				return err
			}
			p, err := makePlan(c.Context(), e, g, f)
			if err != nil {
				return err
			}
			defer p.close()
			dirtyWarning(e, g, p.desired)
			showWarnings(e, p.desired)
			if err := f.out.write(e, planWriters(e, p.plan, p.desired.mesh.Warnings, again(c, g), f.full)); err != nil {
				return err
			}
			return planResult(p.plan, detailed)
		},
	}
	f.register(c.Flags(), "text, json, markdown")
	registerNoSudo(c.Flags(), &f.noSudo)
	registerTrusted(c.Flags(), &f.trusted)
	f.registerPolicy(c.Flags())
	c.Flags().StringVar(&f.from, "from", "", "plan against a `SNAPSHOT` that meshsync observe wrote; no target is asked")
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when there are changes")
	return c
}

// planWriters write a plan. Whoever reads JSON or Markdown does not see stderr: there the
// warnings of the repository are notes.
func planWriters(e *environment, p plan.Plan, warnings []mesh.Warning, flags string, full bool) writers {
	noted := p
	noted.Notes = slices.Clone(p.Notes)
	for _, w := range warnings {
		noted.Notes = append(noted.Notes, "warning: "+w.String())
	}
	return writers{
		"text":     func(w io.Writer) error { return render.Plan(w, p, textOptions(e, flags, full)) },
		"json":     func(w io.Writer) error { return render.PlanJSON(w, noted) },
		"markdown": func(w io.Writer) error { return render.PlanMarkdown(w, noted, render.CommentLimit) },
	}
}

// planResult is the exit code of a plan: 4 over 3 over 2. What could not be observed
// is incompleteness and not a refusal as long as nobody wants to apply.
func planResult(p plan.Plan, detailed bool) error {
	switch {
	case refusesMoreThanUnseen(p):
		return result(exitRefused)
	case !p.Complete:
		return result(exitIncomplete)
	case detailed && !p.Empty:
		return result(exitDiffers)
	default:
		return nil
	}
}

func refusesMoreThanUnseen(p plan.Plan) bool {
	for _, r := range p.Refusals {
		if !strings.HasPrefix(r.Code, "unreachable.") {
			return true
		}
	}
	return false
}
