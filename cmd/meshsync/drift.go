package main

import (
	"io"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/render"
)

func newDrift(e *environment, g *globals) *cobra.Command {
	f := &planFlags{}
	c := &cobra.Command{
		Use:   "drift [DIR]",
		Short: "Say what moved without git; for a schedule",
		Long: `Observe the live cluster and report what is no longer as meshsync left it: files
and services that somebody changed by hand, apps that were changed through the API,
processes that run with old input, hosts that are another machine than they were. What git wants to change is shown apart from that
and raises no alarm. Nothing is written.

Exit code 2 says that something moved; it wins over 3 (something could not be
observed), so that one dead host does not hide an alarm: the JSON has both.

  meshsync drift
  meshsync drift -C prod -o json
` + exitCodeHelp,
		Args: dirArg(g),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.out.check(g, "text", "json"); err != nil {
				return err
			}
			p, err := makePlan(c.Context(), e, g, f)
			if err != nil {
				return err
			}
			defer p.close()
			dirtyWarning(e, g, p.desired)
			ws := writers{
				"text": func(w io.Writer) error { return render.Drift(w, p.plan, textOptions(e, again(c, g), f.full)) },
				"json": func(w io.Writer) error { return render.DriftJSON(w, p.plan) },
			}
			if err := f.out.write(e, ws); err != nil {
				return err
			}
			return driftResult(p.plan)
		},
	}
	f.register(c.Flags(), "text, json")
	registerNoSudo(c.Flags(), &f.noSudo)
	registerTrusted(c.Flags(), &f.trusted)
	return c
}

func driftResult(p plan.Plan) error {
	switch {
	case p.Moved():
		return result(exitDiffers)
	case !p.Complete:
		return result(exitIncomplete)
	default:
		return nil
	}
}
