package main

import (
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/render"
)

func newObserve(e *environment, g *globals) *cobra.Command {
	out, noSudo, trusted := outputs{}, false, false
	c := &cobra.Command{
		Use:   "observe [DIR]",
		Short: "Save what is live as a snapshot without secrets",
		Long: `Observe all targets of the mesh and print what is live: file contents of what git
names, services, processes, health answers, apps. A snapshot holds no secrets; it can
be planned against (meshsync plan --from), attached to a bug report, and used on pull
requests from forks, which get no credentials.

  meshsync observe -o json=snapshot.json
` + exitCodeHelp,
		Args: dirArg(g),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := out.check(g, "text", "json"); err != nil {
				return err
			}
			d, err := loadDesired(e, g)
			if err != nil {
				return err
			}
			defer d.close()
			dirtyWarning(e, g, d)
			way, err := accessTo(e, d, trusted)
			if err != nil {
				return err
			}
			t, err := newTargets(e, g, d.mesh, targetOptions{texts: true, noSudo: noSudo, access: way})
			if err != nil {
				return err
			}
			defer t.close()
			seen := observeAll(c.Context(), e, g, t.observers(nil, d.mesh))
			if err := interrupted(e); err != nil {
				return err
			}
			snap := render.Snapshot{
				Version: programVersion(), Mesh: d.mesh.Name, At: e.now().UTC().Format(time.RFC3339),
				Sandbox: t.sandbox, Observed: seen,
			}
			ws := writers{
				"text": func(w io.Writer) error { return render.SnapshotText(w, snap, textOptions(e, "", false)) },
				"json": func(w io.Writer) error { return render.SnapshotJSON(w, snap) },
			}
			if err := out.write(e, ws); err != nil {
				return err
			}
			return observedResult(seen, d.mesh.Policy.Blind)
		},
	}
	c.Flags().StringArrayVarP(&out.specs, "output", "o", nil, "`FORMAT[=FILE]`: text, json (repeatable)")
	registerNoSudo(c.Flags(), &noSudo)
	registerTrusted(c.Flags(), &trusted)
	return c
}

// observedResult is exitIncomplete when a target, or something on one that is no blind spot
// by policy, could not be seen.
func observedResult(seen mesh.Observed, globs []string) error {
	for _, t := range seen.Targets {
		blind := blindSpots(globs, t)
		open := func(u mesh.UnknownResource) bool { return !u.Denied || !blind[u.Addr] }
		if t.Outcome != mesh.OK || slices.ContainsFunc(t.Unknown, open) {
			return result(exitIncomplete)
		}
	}
	return nil
}
