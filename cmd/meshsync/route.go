package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync/internal/haproxy"
	"meshsync.dev/meshsync/internal/marathon"
	"meshsync.dev/meshsync/internal/mesh"
)

// routeFlags are the flags of route.
type routeFlags struct {
	urls                  []string
	out                   string
	check, reload, socket string
	watch, allowEmpty     bool
	every, confirm        time.Duration
	trusted               bool
}

func newRoute(e *environment, g *globals) *cobra.Command {
	f := &routeFlags{}
	c := &cobra.Command{
		Use:   "route [DIR]",
		Short: "Lead requests by host name to the tasks on Marathon, by HAProxy",
		Long: `Read apps and tasks from the Marathons of the mesh and make HAProxy's backends of
them: www.example.com leads to the healthy tasks of /www. Without --out they are
printed. With it they go to a file, beside it the map of names, once HAProxy has said
that it takes them; a running HAProxy is led there through its socket, and reloaded
only when names or backends are others. A Marathon that does not answer, or has
nothing, empties no backend. docs/route.md has the frontend that goes with it.

  meshsync route -C prod
  meshsync route --url http://localhost:8080 --out /etc/haproxy/meshsync-route.cfg \
    --socket /run/haproxy/admin.sock --reload 'systemctl reload haproxy' --watch
` + exitCodeHelp,
		Args: dirArg(g),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.complete(e, g); err != nil {
				return err
			}
			return routeCommand(c.Context(), e, g, f)
		},
	}
	c.Flags().StringArrayVar(&f.urls, "url", nil, "ask the Marathon at `URL` and read no repository; repeated, its other nodes")
	c.Flags().StringVar(&f.out, "out", "", "`FILE` for the backends, such as /etc/haproxy/meshsync-route.cfg; the map of names is beside it, as .map")
	c.Flags().StringVar(&f.check, "check", "haproxy -c -f /etc/haproxy/haproxy.cfg -f %s", "`COMMAND` that says whether HAProxy takes the file in place of %s; words are parted by blanks; empty: none")
	c.Flags().StringVar(&f.reload, "reload", "", "`COMMAND` that has HAProxy read its files anew, such as 'systemctl reload haproxy'")
	c.Flags().StringVar(&f.socket, "socket", "", "`PATH` of HAProxy's socket of level admin: tasks come and go without a reload")
	c.Flags().BoolVar(&f.watch, "watch", false, "go on, woken by Marathon's events, until a signal")
	c.Flags().DurationVar(&f.every, "every", time.Minute, "with --watch, read also without an event")
	c.Flags().DurationVar(&f.confirm, "confirm-loss", 10*time.Second, "for how long more than half of the servers have to be gone before that is taken for true")
	c.Flags().BoolVar(&f.allowEmpty, "allow-empty", false, "take it for true that no task is left")
	registerTrusted(c.Flags(), &f.trusted)
	return c
}

// complete refuses what does not go together, and makes paths absolute.
func (f *routeFlags) complete(e *environment, g *globals) error {
	switch {
	case f.out == "" && (f.watch || f.reload != "" || f.socket != ""):
		return usage("--watch, --reload and --socket go with --out FILE")
	case f.every < time.Second:
		return usage("--every %s is too often: events tell what happens between", f.every)
	case len(f.urls) > 0 && (g.dir != "" || g.ref != "" || g.worktree || g.connect != ""):
		return usage("--url reads no repository, so -C, --ref, --worktree and --connect have no meaning with it")
	case f.out == "":
		return nil
	}
	if !filepath.IsAbs(f.out) {
		f.out = filepath.Join(e.wd, f.out)
	}
	if info, err := os.Stat(dirOf(f.out)); err != nil || !info.IsDir() {
		return usage("--out %s: there is no folder %s", f.out, dirOf(f.out))
	}
	return nil
}

func routeCommand(ctx context.Context, e *environment, g *globals, f *routeFlags) error {
	r := &router{e: e, g: g, f: f, agents: newAgents(nil, e.now), said: map[string]string{}}
	done, err := r.connect(e, g, f)
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := untilStopped(ctx, e)
	defer cancel()
	if f.out == "" {
		err = r.print(ctx)
	} else {
		r.installer = haproxy.New(haproxy.Options{
			File: f.out, Check: strings.Fields(f.check), Reload: strings.Fields(f.reload), Socket: f.socket, Run: runProgram,
		})
		err = r.run(ctx)
	}
	if err != nil && stopped(e) {
		return &failure{exit: exitInterrupted, code: "interrupted", err: fmt.Errorf("interrupted: %w", err), hint: "the next run goes on from here"}
	}
	return err
}

// connect finds the Marathons: those of the mesh, or the one that the command line names.
func (r *router) connect(e *environment, g *globals, f *routeFlags) (done func(), err error) {
	if len(f.urls) > 0 {
		m := marathon.New(marathon.Options{
			Spec: mesh.MarathonSpec{Name: "main", URLs: f.urls}, HTTP: &http.Client{Timeout: g.timeout}, Now: e.now, Poll: routePoll,
		})
		r.marathons = []routeSource{m}
		return func() { _ = m.Close() }, nil
	}
	d, err := loadDesired(e, g)
	if err != nil {
		return nil, err
	}
	dirtyWarning(e, g, d)
	way, err := accessTo(e, d, f.trusted)
	if err != nil {
		d.close()
		return nil, err
	}
	t, err := newTargets(e, g, marathonsOnly(d.mesh), targetOptions{access: way, poll: routePoll})
	if err != nil {
		d.close()
		return nil, err
	}
	for _, x := range d.mesh.Marathons {
		r.marathons = append(r.marathons, t.marathons[x.Name])
	}
	r.agents = newAgents(d.mesh.Hosts, e.now)
	return func() { t.close(); d.close() }, nil
}

// marathonsOnly is a mesh with the hosts through which its Marathons are asked, and no others: nobody is asked for the
// passphrase of a key that is not used.
func marathonsOnly(m *mesh.Mesh) *mesh.Mesh {
	of := *m
	of.Hosts = slices.DeleteFunc(slices.Clone(m.Hosts), func(h mesh.HostSpec) bool {
		return !slices.ContainsFunc(m.Marathons, func(x mesh.MarathonSpec) bool { return x.Via != "" && slices.Contains(h.Roles, x.Via) })
	})
	return &of
}
