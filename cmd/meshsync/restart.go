package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync/internal/mesh"
)

func newRestart(e *environment, g *globals) *cobra.Command {
	f, a := &planFlags{}, &applyFlags{}
	c := &cobra.Command{
		Use:   "restart ROLE|SERVICE",
		Short: "Restart a service on its hosts, behind the same gates as apply",
		Long: `Plan the restart of all running services of a role, or of one service, show the plan,
ask (on a terminal; elsewhere --yes is required) and carry it out as apply would: in
the same stages and batches, behind the same gates, one member of an ensemble at a
time and the leader last, with the same limits, leases and journal. What of these
services is stopped, and that git wants to run, is started. Nothing else is changed:
what git wants anew waits for an apply.

A run that is stopped part-way leaves what it did as it is; another one restarts all again.

  meshsync restart zookeeper -C prod
  meshsync restart mesos-agent -C prod --yes --exclude 'host/a1/*'
` + exitCodeHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("name one role or one service to restart; the mesh is named by -C")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.out.check(g, "text", "json", "markdown"); err != nil {
				return err
			}
			if !a.yes && !e.stdinTTY {
				return usage("standard input is no terminal, so nobody can be asked: review the plan and add --yes")
			}
			f.restart, a.again = args[0], again(c, g)
			return applyCommand(c.Context(), e, g, f, a)
		},
	}
	flags := c.Flags()
	flags.StringArrayVar(&f.exclude, "exclude", nil, "leave out addresses that match the `GLOB` (repeatable), such as 'host/a1/*'")
	flags.StringArrayVarP(&f.out.specs, "output", "o", nil, "`FORMAT[=FILE]`: text, json, markdown (repeatable)")
	flags.BoolVar(&f.full, "full", false, "show everything, long lists of hosts too")
	flags.StringVar(&f.policyRef, "policy-ref", "", "revision whose policy limits the plan (default: the CI job's base branch, else this commit)")
	flags.StringArrayVar(&f.overrides, "override", nil, "accept `RULE=NUMBER`, where NUMBER is just what the plan comes to")
	flags.BoolVarP(&a.yes, "yes", "y", false, "do not ask")
	flags.StringVar(&a.journal, "journal", "", "`FILE` for the events of the run (default below $XDG_STATE_HOME/meshsync)")
	return c
}

// servicesOf are globs for the services that git wants to run of a role, else of a unit: one for each unit where it means
// all services of that name, else one for each service.
func servicesOf(m *mesh.Mesh, what string) ([]string, error) {
	unit := strings.TrimSuffix(what, ".service")
	ofRole := func(r mesh.Resource) bool { return r.Role == what }
	ofUnit := func(r mesh.Resource) bool { return r.Addr.Name == unit }
	for _, wanted := range []func(mesh.Resource) bool{ofRole, ofUnit} {
		if globs := serviceGlobs(m, wanted); len(globs) > 0 {
			return globs, nil
		}
	}
	return nil, usage("there is neither a role nor a service %q in the mesh that runs anything; there are %s", what, joined(running(m)))
}

func serviceGlobs(m *mesh.Mesh, wanted func(mesh.Resource) bool) []string {
	others := map[string]bool{} // units of which not all services are wanted
	for _, r := range m.Resources {
		if meantToRun(r) && !wanted(r) {
			others[r.Addr.Name] = true
		}
	}
	var globs []string
	for _, r := range m.Resources {
		if !meantToRun(r) || !wanted(r) {
			continue
		}
		glob := r.Addr.String()
		if !others[r.Addr.Name] {
			glob = "host/*/service:" + r.Addr.Name
		}
		if !slices.Contains(globs, glob) {
			globs = append(globs, glob)
		}
	}
	return globs
}

func meantToRun(r mesh.Resource) bool { return r.Service != nil && r.Attrs["running"] == true }

// running lists the roles that run something, and their units; sorted.
func running(m *mesh.Mesh) []string {
	var out []string
	for _, r := range m.Resources {
		if meantToRun(r) {
			out = append(out, r.Role, r.Addr.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
