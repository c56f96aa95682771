package main

import (
	"cmp"
	"context"
	"io"
	"regexp"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"meshsync.dev/meshsync/internal/doctor"
	"meshsync.dev/meshsync/internal/host"
	"meshsync.dev/meshsync/internal/marathon"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/render"
)

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	trusted        bool
	out            outputs
	noSudo         bool
	sudoers        bool
	reader, writer string
}

func newDoctor(e *environment, g *globals) *cobra.Command {
	f := &doctorFlags{}
	c := &cobra.Command{
		Use:   "doctor [DIR]",
		Short: "Say what is reachable, readable and writable, and what to fix",
		Long: `Look at the way to each target of the mesh: whether it can be reached and logged
into, which tools are there, whether clocks agree, what sudo allows, which resources
can be read and by whom the others could, and whether the record can be written.
Nothing is written. A Marathon is sent a write that is no JSON, to see whether the account may.

With --sudoers no target is asked: the lines for sudoers are printed, for an account
that only reads and for one that applies.

  meshsync doctor -C prod
  meshsync doctor -C prod --sudoers --reader watch --writer deploy
` + exitCodeHelp,
		Args: dirArg(g),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.out.check(g, "text", "json"); err != nil {
				return err
			}
			return doctorCommand(c.Context(), e, g, f)
		},
	}
	c.Flags().StringArrayVarP(&f.out.specs, "output", "o", nil, "`FORMAT[=FILE]`: text, json (repeatable)")
	registerNoSudo(c.Flags(), &f.noSudo)
	registerTrusted(c.Flags(), &f.trusted)
	c.Flags().BoolVar(&f.sudoers, "sudoers", false, "print the lines for sudoers and ask no target")
	c.Flags().StringVar(&f.reader, "reader", "", "`ACCOUNT` that only reads, for --sudoers (default meshsync-reader)")
	c.Flags().StringVar(&f.writer, "writer", "", "`ACCOUNT` that applies, for --sudoers (default: the user that the mesh names, else meshsync)")
	return c
}

func doctorCommand(ctx context.Context, e *environment, g *globals, f *doctorFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	d, err := loadDesired(e, g)
	if err != nil {
		return err
	}
	defer d.close()
	dirtyWarning(e, g, d)
	if f.sudoers {
		text := host.Sudoers(d.mesh.Name, cmp.Or(f.reader, "meshsync-reader"), cmp.Or(f.writer, writerOf(d.mesh), "meshsync"))
		_, err := io.WriteString(e.stdout, text)
		return err
	}
	way, err := accessTo(e, d, f.trusted)
	if err != nil {
		return err
	}
	t, err := newTargets(e, g, d.mesh, targetOptions{noSudo: f.noSudo, access: way})
	if err != nil {
		return err
	}
	defer t.close()
	doc := render.DoctorDocument{Version: programVersion(), Mesh: d.mesh.Name, Sandbox: t.sandbox, Targets: t.examine(ctx, e, g, d.mesh)}
	if err := interrupted(e); err != nil {
		return err
	}
	ws := writers{
		"text": func(w io.Writer) error { return render.Doctor(w, doc, textOptions(e, "", false)) },
		"json": func(w io.Writer) error { return render.DoctorJSON(w, doc) },
	}
	if err := f.out.write(e, ws); err != nil {
		return err
	}
	for _, x := range doc.Targets {
		if x.Troubled() {
			return result(exitIncomplete)
		}
	}
	return nil
}

// account is a name that means just itself in sudoers.
var account = regexp.MustCompile(`^[a-z_][a-z0-9_-]*$`)

func (f *doctorFlags) check() error {
	if f.sudoers && len(f.out.specs) > 0 {
		return usage("--sudoers prints lines for sudoers, and no other format")
	}
	for flag, name := range map[string]string{"--reader": f.reader, "--writer": f.writer} {
		switch {
		case name != "" && !f.sudoers:
			return usage("%s goes with --sudoers", flag)
		case name != "" && (!account.MatchString(name) || name == "root"):
			return usage("%s %s: want the name of an account other than root, of lower-case letters, digits, _ and -", flag, name)
		}
	}
	if f.reader != "" && f.reader == f.writer {
		return usage("--reader and --writer are the same account")
	}
	return nil
}

// writerOf is the user that applies to most hosts, as far as the mesh names one.
func writerOf(m *mesh.Mesh) string {
	hosts := map[string]int{}
	best := ""
	for _, h := range m.Hosts {
		if h.User == "root" || h.Sudo != mesh.SudoAll || !account.MatchString(h.User) {
			continue
		}
		hosts[h.User]++
		if hosts[h.User] > hosts[best] {
			best = h.User
		}
	}
	return best
}

// examine looks at the ways to all targets, at most so many at once as are asked otherwise.
func (t *targets) examine(ctx context.Context, e *environment, g *globals, m *mesh.Mesh) []doctor.Diagnosis {
	line := newStatusLine(e, "examine", len(m.Targets()))
	defer line.done()
	ctx, cancel := untilStopped(ctx, e)
	defer cancel()
	out := make([]doctor.Diagnosis, len(m.Targets()))
	var all errgroup.Group
	all.SetLimit(max(1, g.parallel))
	for i, x := range m.Targets() {
		all.Go(func() error {
			if x.Kind == mesh.HostTarget {
				f := t.hosts[x.Name].Examine(ctx, e.now)
				f.Blind = blindSpots(m.Policy.Blind, f.State)
				out[i] = doctor.Host(f)
			} else {
				out[i] = examineMarathon(ctx, t.marathons[x.Name])
			}
			line.step(x.String())
			return nil
		})
	}
	_ = all.Wait() // the functions return no error
	return out
}

func examineMarathon(ctx context.Context, m *marathon.Marathon) doctor.Diagnosis {
	s, a := m.Observe(ctx), doctor.Account{}
	if s.Outcome == mesh.OK {
		a.Writes, a.Refused = m.MayWrite(ctx)
	}
	return doctor.Marathon(s, a)
}

// blindSpots are what could not be seen on a host and policy declares to be a blind spot.
func blindSpots(globs []string, s mesh.TargetState) map[mesh.Address]bool {
	out := map[mesh.Address]bool{}
	blind := &plan.Filter{Only: globs}
	for _, u := range s.Unknown {
		out[u.Addr] = len(globs) > 0 && blind.Match(u.Addr.String())
	}
	return out
}
