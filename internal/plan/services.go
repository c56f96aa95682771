package plan

import (
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// plannedStep is a service step with what brings it about.
type plannedStep struct {
	ServiceStep
	role     string
	because  []string
	observed bool // the cause was seen, not brought about by this plan
}

// serviceSteps derives what happens to services: from changes of the services
// themselves, from changes of what they read, and from processes that already run
// with old input. It is derived from what is seen, so a restart that an
// interrupted run owed is found again.
func (b *builder) serviceSteps() {
	changed := map[mesh.Address]diff.Change{}
	for _, c := range b.changes {
		changed[c.Addr] = c
	}
	for _, r := range b.in.Mesh.Resources {
		if r.Addr.Kind != mesh.Service || r.Service == nil {
			continue
		}
		state, ok := b.in.Seen.Of(r.Addr.Target)
		if !ok || state.Outcome != mesh.OK || state.Host == nil {
			continue
		}
		if c, ok := changed[r.Addr]; ok {
			b.stateSteps(r, c)
		}
		switch {
		case !slices.Contains(b.diff.Equal, r.Addr) && !keepsRunning(changed[r.Addr]):
		case b.in.Restart != "":
			b.askedStep(r, state)
		default:
			b.inputStep(r, state)
		}
	}
}

// keepsRunning reports whether a change of a service leaves it running as it was
// (only enabled differs).
func keepsRunning(c diff.Change) bool {
	return c.Before != nil && c.After != nil && c.Before["running"] == true && c.After["running"] == true
}

// stateSteps turns a change of enabled or running into operations.
func (b *builder) stateSteps(r mesh.Resource, c diff.Change) {
	for _, f := range c.Fields {
		op := map[string]map[any]Op{
			"enabled": {true: OpEnable, false: OpDisable},
			"running": {true: OpStart, false: OpStop},
			"masked":  {true: OpMask, false: OpUnmask},
		}[f.Path][f.After]
		if op != "" {
			b.addStep(r, op, []string{c.Addr.String()}, false)
		}
	}
}

// askedStep restarts a running service because somebody wants it, whatever policy says of restarts by themselves.
func (b *builder) askedStep(r mesh.Resource, s mesh.TargetState) {
	if _, running := s.Host.Processes[r.Addr.Name]; running && b.in.Filter.Match(r.Addr.String()) {
		b.addStep(r, OpRestart, []string{"it is asked for"}, true)
	}
}

// inputStep adds the restart or reload of a running service whose input differs
// from what the process runs with, now or once the plan's changes are done.
func (b *builder) inputStep(r mesh.Resource, s mesh.TargetState) {
	fresh := judge(r.Addr.Name, *r.Service, s)
	if _, running := s.Host.Processes[r.Addr.Name]; !running {
		return
	}
	because := b.causes(r, s, fresh)
	if !b.in.Filter.Match(r.Addr.String()) {
		if len(because) > 0 {
			b.plan.Notes = append(b.plan.Notes, r.Addr.String()+": it takes in what changes here, and is left out of this plan, so it will run with old input until a later one restarts it")
		}
		return
	}
	seen := false
	if len(because) == 0 && fresh.stale != "" && !b.mends(r, s, fresh) {
		because, seen = []string{fresh.why}, true
		b.plan.Stale = append(b.plan.Stale, Evidence{Target: r.Addr.Target, Unit: r.Addr.Name, Message: fresh.why, Owed: owed(s, fresh)})
	}
	if fresh.unread && len(because) == 0 {
		b.plan.Notes = append(b.plan.Notes, r.Addr.String()+": systemd has yet to read its unit again, which is as it was when it started; systemctl daemon-reload does it, and so does the next step of it")
	}
	if fresh.unsure != "" && len(because) == 0 {
		b.plan.Unsure = append(b.plan.Unsure, Evidence{
			Target: r.Addr.Target, Unit: r.Addr.Name,
			Message: fresh.unsure,
		})
	}
	if len(because) == 0 {
		return
	}
	if b.in.Policy.Restart == "manual" {
		if !seen {
			b.plan.Notes = append(b.plan.Notes, r.Addr.String()+": policy says restart: \"manual\", so it will go on with its old input until somebody restarts it")
		}
		return
	}
	op := OpRestart
	if r.Service.On == mesh.OnReload && !b.startsAnew(r, s, fresh, because) {
		op = OpReload
	}
	b.addStep(r, op, because, seen)
}

// causes names the changes of this plan that make the process's input differ from
// what it runs with.
func (b *builder) causes(r mesh.Resource, s mesh.TargetState, fresh freshness) []string {
	var because []string
	here := b.changesOf(r.Addr.Target)
	rec := s.Record.Services[r.Addr.Name]
	for _, path := range r.Service.Reads {
		after, touched := afterwards(path, s.Host.Reads[path], here)
		if !touched || after.Digest == s.Host.Reads[path].Digest {
			continue // a mode or an owner is nothing that it reads
		}
		if was, ok := rec.Reads[path]; fresh.known && ok && was == after.Digest {
			continue // the process runs with just that: the change puts back what it was started with
		}
		because = append(because, path)
	}
	return because
}

// startsAnew reports whether a reload would not do: nothing but a new process takes in another unit,
// or the program of another package.
func (b *builder) startsAnew(r mesh.Resource, s mesh.TargetState, fresh freshness, because []string) bool {
	here := b.changesOf(r.Addr.Target)
	rec := s.Record.Services[r.Addr.Name]
	return fresh.unit || slices.ContainsFunc(r.Service.Reads, func(read string) bool {
		if _, pkg := mesh.PackageRead(read); !pkg && !slices.Contains(primitive.UnitReads(r.Addr.Name), read) {
			return false
		}
		after, _ := afterwards(read, s.Host.Reads[read], here)
		putBack := fresh.known && rec.Reads[read] == after.Digest
		return slices.Contains(because, read) || slices.Contains(fresh.older, read) && !putBack
	})
}

// mends reports whether the plan's changes put every path back to what the process
// runs with, so that a stale process becomes a fresh one without a restart.
func (b *builder) mends(r mesh.Resource, s mesh.TargetState, fresh freshness) bool {
	if !fresh.known || fresh.reported {
		return false
	}
	here := b.changesOf(r.Addr.Target)
	rec := s.Record.Services[r.Addr.Name]
	for _, path := range r.Service.Reads {
		after, _ := afterwards(path, s.Host.Reads[path], here)
		if was, ok := rec.Reads[path]; ok && was != after.Digest {
			return false
		}
	}
	return true
}

func (b *builder) changesOf(t mesh.Target) []diff.Change {
	var out []diff.Change
	for _, c := range b.changes {
		if c.Addr.Target == t {
			out = append(out, c)
		}
	}
	return out
}

func (b *builder) addStep(r mesh.Resource, op Op, because []string, observed bool) {
	b.steps = append(b.steps, plannedStep{
		ServiceStep: ServiceStep{Target: r.Addr.Target, Unit: r.Addr.Name, Op: op, Spec: *r.Service},
		role:        r.Role, because: because, observed: observed,
	})
}

// stops reports whether the step takes a running service down, if only for a moment.
func (s plannedStep) stops() bool { return s.Op == OpRestart || s.Op == OpStop }
