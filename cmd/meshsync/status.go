package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync/internal/render"
	"meshsync.dev/meshsync/internal/status"
)

// statusFlags are the flags of status.
type statusFlags struct {
	out     outputs
	full    bool
	noSudo  bool
	trusted bool
}

func newStatus(e *environment, g *globals) *cobra.Command {
	f := &statusFlags{}
	c := &cobra.Command{
		Use:   "status [DIR]",
		Short: "Say how the cluster is: quorum, leaders, agents, apps, leases",
		Long: `Look at all that git wants to run and say how it is: how many members of each ensemble
serve and who leads them, services and their checks, agents, each Marathon with its
leader, apps and deployments, who holds leases, processes that run with old input.
What is wrong comes first. Nothing is written and nothing is compared with git but
what is meant to run: that is what plan and drift do.

It ends with 0 only when all is healthy: with 2 when something is wrong, with 3 when
nothing that was seen is wrong and something could not be seen.

  meshsync status -C prod
  meshsync status -C prod -o json
` + exitCodeHelp,
		Args: dirArg(g),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.out.check(g, "text", "json"); err != nil {
				return err
			}
			return statusCommand(c.Context(), e, g, f, again(c, g))
		},
	}
	c.Flags().StringArrayVarP(&f.out.specs, "output", "o", nil, "`FORMAT[=FILE]`: text, json (repeatable)")
	c.Flags().BoolVar(&f.full, "full", false, "show each member and each app, healthy ones too")
	registerNoSudo(c.Flags(), &f.noSudo)
	registerTrusted(c.Flags(), &f.trusted)
	return c
}

func statusCommand(ctx context.Context, e *environment, g *globals, f *statusFlags, flags string) error {
	d, err := loadDesired(e, g)
	if err != nil {
		return err
	}
	defer d.close()
	dirtyWarning(e, g, d)
	way, err := accessTo(e, d, f.trusted)
	if err != nil {
		return err
	}
	t, err := newTargets(e, g, d.mesh, targetOptions{leases: true, noSudo: f.noSudo, access: way})
	if err != nil {
		return err
	}
	defer t.close()
	seen := observeAll(ctx, e, g, t.observers(nil, d.mesh))
	if err := interrupted(e); err != nil {
		return err
	}
	s := status.Of(d.mesh, seen)
	for i, l := range s.Leases {
		s.Leases[i].Ended = ended(l.Process)
	}
	doc := render.StatusDocument{
		Version: programVersion(), Mesh: d.mesh.Name, At: e.now().UTC().Format(time.RFC3339),
		Sandbox: t.sandbox, Status: s,
	}
	ws := writers{
		"text": func(w io.Writer) error { return render.Status(w, doc, textOptions(e, flags, f.full)) },
		"json": func(w io.Writer) error { return render.StatusJSON(w, doc) },
	}
	if err := f.out.write(e, ws); err != nil {
		return err
	}
	return statusResult(doc.Status)
}

// statusResult is 2 over 3, as of drift: one dead host does not hide what is wrong elsewhere.
func statusResult(s status.Status) error {
	switch {
	case !s.Healthy:
		return result(exitDiffers)
	case !s.Complete:
		return result(exitIncomplete)
	default:
		return nil
	}
}
