package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/observe"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/render"
	"meshsync.dev/meshsync/internal/unseal"
)

// planFlags narrow and feed a plan; plan, apply and drift share them.
type planFlags struct {
	only, exclude []string
	policyRef     string
	overrides     []string
	machines      []string
	from          string
	out           outputs
	full          bool
	noSudo        bool
	// refreshSecrets writes secrets anew whose sources git does not hold; identities are
	// files to decrypt others with, which only apply does.
	refreshSecrets bool
	identities     []string
	trusted        bool   // see access
	restart        string // the role or service whose restart is planned, and nothing else
}

// register adds the flags; formats are those of the command.
func (p *planFlags) register(f *pflag.FlagSet, formats string) {
	f.StringArrayVar(&p.only, "only", nil, "only addresses that match the `GLOB` (repeatable), such as 'host/m1/*' or '*/app:/www'")
	f.StringArrayVar(&p.exclude, "exclude", nil, "leave out addresses that match the `GLOB` (repeatable)")
	f.StringArrayVarP(&p.out.specs, "output", "o", nil, "`FORMAT[=FILE]`: "+formats+" (repeatable)")
	f.BoolVar(&p.full, "full", false, "show everything, equal hosts and long diffs too")
}

// registerPolicy adds the flags about policy, which plan and apply have.
func (p *planFlags) registerPolicy(f *pflag.FlagSet) {
	f.StringVar(&p.policyRef, "policy-ref", "", "revision whose policy limits the plan (default: the CI job's base branch, else this commit)")
	f.StringArrayVar(&p.overrides, "override", nil, "accept `RULE=NUMBER`, where NUMBER is just what the plan comes to")
	f.StringArrayVar(&p.machines, "accept-machine", nil, "take `HOST=MACHINE-ID` for that host, although it was reinstalled or copied; apply records it (repeatable)")
	f.BoolVar(&p.refreshSecrets, "refresh-secrets", false, "write secret files anew that come from env or command, whose values are not compared")
}

// registerTrusted adds the flag of the commands that only look.
func registerTrusted(f *pflag.FlagSet, to *bool) {
	f.BoolVar(to, "trusted", false, "run the commands that this commit names as sources of a Marathon's credentials")
}

// planned is a plan with what it was made from.
type planned struct {
	plan    plan.Plan
	desired *desired
	targets *targets // nil when planned against a snapshot
	secrets *unseal.Resolver
	access  access
	input   plan.Input
	more    bool // once it is applied, another plan goes on: git could not be had at once
}

func (p *planned) close() {
	if p.targets != nil {
		p.targets.close()
	}
	p.desired.close()
}

// makePlan reads, observes and plans.
func makePlan(ctx context.Context, e *environment, g *globals, f *planFlags) (*planned, error) {
	overrides, err := parseOverrides(f.overrides)
	if err != nil {
		return nil, err
	}
	d, err := loadDesired(e, g)
	if err != nil {
		return nil, err
	}
	p := &planned{desired: d, secrets: newResolver(e, f.identities)}
	if err := p.build(ctx, e, g, f, overrides); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *planned) build(ctx context.Context, e *environment, g *globals, f *planFlags, overrides map[string]int) error {
	b, err := baseOf(e, p.desired, f.policyRef)
	if err != nil {
		return err
	}
	p.access = access{base: b, secrets: p.secrets, trusted: f.trusted}
	in := plan.Input{
		Mesh: p.desired.mesh, Version: programVersion(), Source: p.desired.source,
		Policy: b.mesh.Policy, PolicyFrom: b.from, Overrides: overrides, Snapshot: f.from, RefreshSecrets: f.refreshSecrets,
		Date: today(e),
	}
	if in.Machines, err = parseMachines(f.machines, p.desired.mesh); err != nil {
		return err
	}
	if f.restart != "" {
		in.Restart = f.restart
		if f.only, err = servicesOf(p.desired.mesh, f.restart); err != nil {
			return err
		}
	}
	if len(f.only)+len(f.exclude) > 0 {
		in.Filter = &plan.Filter{Only: f.only, Exclude: f.exclude}
	}
	if err := p.observe(ctx, e, g, f, &in); err != nil {
		return err
	}
	if err := p.waypoint(&in); err != nil {
		return err
	}
	in.AppEffect = appEffects(in.Seen)
	if in.Apps, in.NotCompared, err = desiredApps(p.desired.mesh, in.Seen); err != nil {
		return err
	}
	if idle := in.Filter.Idle(in.Mesh, in.Apps, in.Seen); len(idle) > 0 {
		return usage("--only %s matches nothing; addresses look like host/m1/file:/etc/hosts and marathon/main/app:/www, and host/m1 is all of that host", shellWord(idle[0]))
	}
	in.AppRefusals = appRefusals(in.Mesh, in.Seen)
	p.ancestry(&in)
	p.plan, p.input = plan.Build(in), in
	return nil
}

// waypoint makes the plan one for the next state on the way, where git cannot be had at once.
func (p *planned) waypoint(in *plan.Input) error {
	later := map[string][]string{}
	for _, w := range plan.Waypoints(in.Mesh, in.Seen) {
		p.more = true
		in.Notes = append(in.Notes, w.Text())
		later[w.Role] = w.Later
	}
	if len(later) == 0 {
		return nil
	}
	m, err := p.desired.before(later)
	if err != nil {
		return fmt.Errorf("the mesh before all members have joined: %w", err)
	}
	in.Mesh = m
	return nil
}

// observe fills in what is live: from a snapshot or from the targets.
func (p *planned) observe(ctx context.Context, e *environment, g *globals, f *planFlags, in *plan.Input) error {
	if f.from != "" {
		snap, err := readSnapshot(f.from)
		if err != nil {
			return err
		}
		if snap.Mesh != p.desired.mesh.Name {
			return &failure{
				exit: exitError, code: "wrong_snapshot",
				err:  fmt.Errorf("%s is a snapshot of the mesh %q, not of %q", f.from, snap.Mesh, p.desired.mesh.Name),
				hint: "observe this mesh: meshsync observe -C " + p.desired.source.Dir + " -o json=FILE",
			}
		}
		in.Seen, in.Sandbox = snap.Observed, snap.Sandbox
		return nil
	}
	t, err := newTargets(e, g, p.desired.mesh, targetOptions{apps: in.Policy.Apps, noSudo: f.noSudo, secrets: p.secrets.Value, access: p.access})
	if err != nil {
		return err
	}
	if p.targets, in.Sandbox = t, t.sandbox; !t.sandbox {
		in.Notes = append(in.Notes, p.access.notes(p.desired.mesh)...)
	}
	needed := in.Filter
	if f.restart != "" { // how many of a role may be down counts those, too, that are left out
		needed = &plan.Filter{Only: f.only}
	}
	in.Seen = observeAll(ctx, e, g, t.observers(needed, p.desired.mesh))
	return interrupted(e)
}

// observeAll asks all targets at once and shows progress.
func observeAll(ctx context.Context, e *environment, g *globals, ts []observe.Target) mesh.Observed {
	line := newStatusLine(e, "observe", len(ts))
	defer line.done()
	ctx, cancel := untilStopped(ctx, e)
	defer cancel()
	return observe.All(ctx, ts, max(1, g.parallel), func(s mesh.TargetState) { line.step(s.Target.String()) })
}

// untilStopped is a context that the first signal ends: nothing is under way that a look
// would leave half-done.
func untilStopped(ctx context.Context, e *environment) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-e.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// interrupted is the end of a command that a signal ended while it only looked.
func interrupted(e *environment) error {
	if !stopped(e) {
		return nil
	}
	return interruption()
}

func interruption() error {
	return &failure{exit: exitInterrupted, code: "interrupted", err: errors.New("interrupted: nothing was changed")}
}

func readSnapshot(file string) (render.Snapshot, error) {
	f, err := os.Open(file)
	if err != nil {
		return render.Snapshot{}, err
	}
	defer f.Close()
	snap, err := render.ReadSnapshot(f)
	if err != nil {
		return snap, fmt.Errorf("%s: %w", file, err)
	}
	return snap, nil
}

// desiredApps brings the desired apps of all Marathons that were observed into
// canonical form, completed by what only the live ones can say.
func desiredApps(m *mesh.Mesh, seen mesh.Observed) ([]mesh.Resource, []plan.NotCompared, error) {
	out := make([]mesh.Resource, 0, len(m.Apps))
	var left []plan.NotCompared
	byTarget := map[mesh.Target]*liveApps{}
	mask := definition.NewMasker(m.Policy.Secrets())
	for _, a := range m.Apps {
		t := mesh.Marathon(a.Marathon)
		live, ok := byTarget[t]
		if !ok {
			live = newLiveApps(seen, t, mask)
			byTarget[t] = live
		}
		if live == nil {
			continue
		}
		r, fields, err := live.forms.Desired(a, live.at[a.ID])
		if err != nil {
			return nil, nil, err
		}
		out = append(out, r)
		for _, f := range fields {
			left = append(left, plan.NotCompared{Addr: a.Address(), Field: f.Field, Reason: f.Reason})
		}
	}
	return out, left, nil
}

// liveApps are the apps of one Marathon by their ids.
type liveApps struct {
	forms *definition.Forms
	at    map[string]*mesh.Resource
}

// newLiveApps is nil when the Marathon was not seen.
func newLiveApps(seen mesh.Observed, t mesh.Target, mask definition.Masker) *liveApps {
	s, ok := seen.Of(t)
	if !ok || s.Outcome != mesh.OK || s.Marathon == nil {
		return nil
	}
	l := &liveApps{forms: definition.NewForms(s.Marathon.Config, mask), at: make(map[string]*mesh.Resource, len(s.Resources))}
	for i := range s.Resources {
		l.at[s.Resources[i].Addr.Name] = &s.Resources[i]
	}
	return l
}

// ancestry compares the commit with those in the records: an older or unrelated one
// is refused, and what a shallow clone cannot tell is said.
func (p *planned) ancestry(in *plan.Input) {
	if in.Source.Commit == "" || in.Source.Worktree {
		return
	}
	notes := map[string]bool{}
	for _, applied := range appliedCommits(in.Seen) {
		rel, err := p.desired.repo.Ancestry(applied, in.Source.Commit)
		text, refuse := ancestryText(rel, err, applied, in.Source.Commit)
		switch {
		case text == "" || notes[text]:
		case refuse:
			in.Refusals = append(in.Refusals, plan.Refusal{
				Code: "ancestry", Subject: in.Source.Commit, Message: text,
				Hint: "that is a rollback: if it is meant, meshsync apply takes --rollback", Source: "built in",
			})
		default:
			in.Notes = append(in.Notes, text)
		}
		notes[text] = true
	}
}

// parseOverrides reads RULE=NUMBER.
func parseOverrides(specs []string) (map[string]int, error) {
	out := map[string]int{}
	for _, s := range specs {
		name, number, ok := strings.Cut(s, "=")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 0 {
			return nil, usage("--override %s: want RULE=NUMBER, such as limits.outages=1", s)
		}
		known := false
		for _, r := range plan.RuleNames() {
			known = known || r == name
		}
		if !known {
			return nil, usage("--override %s: there is no rule %q; there are %s", s, name, joined(plan.RuleNames()))
		}
		out[name] = n
	}
	return out, nil
}

// parseMachines reads HOST=MACHINE-ID.
func parseMachines(specs []string, m *mesh.Mesh) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range specs {
		name, id, ok := strings.Cut(s, "=")
		if !ok || id == "" {
			return nil, usage("--accept-machine %s: want HOST=MACHINE-ID, as the refusal names them", s)
		}
		if _, known := m.Host(name); !known {
			return nil, usage("--accept-machine %s: the mesh has no host %s", s, name)
		}
		out[name] = id
	}
	return out, nil
}
