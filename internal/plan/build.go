package plan

import (
	"path"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// Input is all that a plan depends on. Build reads nothing else.
type Input struct {
	Mesh *mesh.Mesh
	Seen mesh.Observed
	// Apps are the desired apps in canonical form, completed from what is live;
	// apps of a Marathon that could not be observed are left out.
	Apps        []mesh.Resource
	NotCompared []NotCompared

	Version    string // of the program
	Source     mesh.Source
	Policy     mesh.Policy // usually Mesh.Policy; another revision's with --policy-ref
	PolicyFrom string
	Sandbox    bool
	Snapshot   string
	// Date is the day on which the plan is made, in UTC: "2027-01-31". It tells which rules expired.
	Date   string
	Filter *Filter
	// Restart is the role or service that somebody wants restarted; "" for none. Each running service that the filter
	// lets pass is, whether or not there is a reason.
	Restart string
	// RefreshSecrets writes the secret files anew whose sources git does not hold.
	RefreshSecrets bool
	Overrides      map[string]int // rule name → the number that the user accepts
	// Machines are the machine ids that the user accepts for hosts that were reinstalled.
	Machines  map[string]string
	Notes     []string
	Refusals  []Refusal // found before planning, such as an older commit
	AppEffect func(diff.Change) AppEffect
	// AppRefusals says what its Marathon refuses of an app that is written; plan says of which.
	AppRefusals func(diff.Change) []Refusal
}

// builder carries one Build; it lives no longer.
type builder struct {
	in      Input
	diff    diff.Result
	changes []diff.Change
	byRole  map[string]mesh.RoleSpec
	steps   []plannedStep
	graphs  map[mesh.Target]*appGraph
	uses    map[mesh.Address][]string // ids of changed apps that an app depends on
	plan    Plan
}

// Build makes the plan. It cannot fail: what is wrong is in Refusals and Unknown.
func Build(in Input) Plan {
	b := &builder{in: in, byRole: map[string]mesh.RoleSpec{}, graphs: map[mesh.Target]*appGraph{}}
	for _, r := range in.Mesh.Roles {
		b.byRole[r.Name] = r
	}
	b.plan = Plan{
		Schema: Schema, Version: in.Version, Mesh: in.Mesh.Name, Digest: in.Mesh.Digest,
		Source: in.Source, Policy: in.PolicyFrom, Sandbox: in.Sandbox, Snapshot: in.Snapshot, Restart: in.Restart,
		Effects: []Effect{}, Rules: []Rule{}, Warnings: []Warning{}, Refusals: slices.Clone(in.Refusals), Stages: []Stage{}, Apps: []AppVerdict{},
		Unknown: []Unknown{}, Unsure: []Evidence{}, Stale: []Evidence{}, NotServing: []Evidence{}, Unmanaged: []mesh.Address{},
		NotCompared: in.NotCompared, Notes: slices.Clone(in.Notes),
	}
	b.marathons()
	b.diff = diff.Diff(Desired(in), in.Seen)
	b.plan.Unmanaged = append(b.plan.Unmanaged, b.diff.Unmanaged...)
	b.pods()
	b.volatileSecrets()
	b.ownedRemarks()
	b.expiredRules()
	b.unseenResources()
	b.unknown()
	b.missingRecords()
	b.withoutRecords()
	b.filter()
	b.moves()
	b.renamesUnsaid()
	b.blind()
	b.identities()
	b.otherSystems()
	b.otherReleases()
	b.sameMarathons()
	b.takenIDs()
	b.foreignRoles()
	b.circles()
	b.refusedApps()
	b.missingUnits()
	b.missingParents()
	b.strandedServices()
	b.serviceSteps()
	b.checksOfWaysIn()
	b.stages()
	b.verifyStage()
	b.effects()
	b.summary()
	b.rules()
	b.conclude()
	return b.plan
}

// Desired is all that is compared with what was seen.
func Desired(in Input) []mesh.Resource {
	return append(knownSecrets(settled(in.Mesh.Resources, in.Seen), in), keptApps(in)...)
}

// settled are the desired resources with what they leave open filled in from what is there.
func settled(desired []mesh.Resource, seen mesh.Observed) []mesh.Resource {
	out := slices.Clone(desired)
	have := map[mesh.Address]mesh.Tree{}
	for _, t := range seen.Targets {
		for _, r := range t.Resources {
			have[r.Addr] = r.Attrs
		}
	}
	for i, r := range out {
		kind, _ := primitive.Of(r.Addr.Kind)
		if kind.Settle == nil {
			continue
		}
		state, _ := seen.Of(r.Addr.Target)
		if state.Host == nil {
			continue
		}
		out[i].Open = kind.Open(r.Attrs)
		out[i].Attrs = kind.Settle(r.Attrs, have[r.Addr], state.Host.Offers[r.Addr.String()])
	}
	return out
}

func (b *builder) conclude() {
	p := &b.plan
	p.Complete = len(p.Unknown) == 0
	p.Applicable = len(p.Refusals) == 0
	p.Empty = len(b.changes) == 0 && len(b.steps) == 0
	if p.Refusals == nil {
		p.Refusals = []Refusal{}
	}
	if p.NotCompared == nil {
		p.NotCompared = []NotCompared{}
	}
	if p.Notes == nil {
		p.Notes = []string{}
	}
}

func (b *builder) summary() {
	s := &b.plan.Summary
	hosts := map[mesh.Target]bool{}
	for _, c := range b.changes {
		switch c.Action {
		case diff.Create:
			s.Creates++
		case diff.Update, diff.Replace:
			s.Updates++
		case diff.Delete:
			s.Deletes++
		case diff.Release:
			s.Releases++
		case diff.Finish:
			s.Finishes++
		case diff.Restart:
			s.Restarts++
		}
		switch c.Class {
		case diff.Pending:
			s.Pending++
		case diff.Drift:
			s.Drift++
		case diff.Both:
			s.Both++
		case diff.Differs:
			s.Differs++
		case diff.Stale:
			s.Stale++
		}
		if c.Addr.Target.Kind == mesh.HostTarget {
			hosts[c.Addr.Target] = true
		}
	}
	for _, st := range b.steps {
		hosts[st.Target] = true
	}
	s.Hosts, s.Unchanged = len(hosts), len(b.diff.Equal)
}

// unknown lists what could not be observed.
func (b *builder) unknown() {
	for _, t := range b.in.Mesh.Targets() {
		state, asked := b.in.Seen.Of(t)
		switch {
		case !asked:
			b.plan.Unknown = append(b.plan.Unknown, Unknown{
				Target: t, Outcome: "not_in_snapshot",
				Message: "the observation that was planned against does not know it; observe again",
			})
		case state.Outcome != mesh.OK:
			b.plan.Unknown = append(b.plan.Unknown, Unknown{Target: t, Outcome: state.Outcome, Message: state.Message})
		default:
			for _, u := range state.Unknown {
				b.plan.Unknown = append(b.plan.Unknown, Unknown{Target: t, Addr: &u.Addr, Outcome: mesh.Unreadable, Message: u.Reason})
			}
			b.recordNote(state)
		}
	}
}

func (b *builder) recordNote(s mesh.TargetState) {
	switch s.RecordState {
	case mesh.RecordCorrupt:
		b.plan.Notes = append(b.plan.Notes, s.Target.String()+": its record cannot be read, so nobody can tell drift from pending there; the next apply that changes something there writes it anew, and so does apply --adopt")
	case mesh.RecordNewer:
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: "record.newer", Subject: s.Target.String(),
			Message: "the record of " + s.Target.String() + " was written by a newer meshsync, which this version must not overwrite",
			Hint:    "use that version or a newer one", Source: "built in",
		})
	case mesh.RecordOK, mesh.RecordNone:
	}
}

// missingUnits refuses services whose unit the host does not have, unless the plan brings
// one: a package, or the unit's file.
func (b *builder) missingUnits() {
	for _, c := range b.changes {
		state, _ := b.in.Seen.Of(c.Addr.Target)
		if c.Addr.Kind != mesh.Service || c.After == nil || state.Host == nil || !slices.Contains(state.Host.NoUnit, c.Addr.Name) {
			continue
		}
		if c.After["enabled"] != true && c.After["running"] != true || b.bringsUnit(c.Addr) {
			continue
		}
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: "service.missing", Subject: c.Addr.String(),
			Message: "the host " + c.Addr.Target.Name + " has no unit " + c.Addr.Name,
			Hint:    "declare the package that brings it, or take the role off the host",
			Source:  c.Origin.String(),
		})
	}
}

// bringsUnit reports whether the plan may bring the unit, or the template of which it is an instance, to its host.
func (b *builder) bringsUnit(service mesh.Address) bool {
	is := func(name string) bool {
		return slices.ContainsFunc(primitive.UnitFiles(service.Name), func(file string) bool { return path.Base(file) == path.Base(name) })
	}
	return slices.ContainsFunc(b.changesOf(service.Target), func(c diff.Change) bool {
		return c.Addr.Kind == mesh.Package && c.After != nil ||
			c.Addr.Kind == mesh.File && c.After != nil && is(c.Addr.Name)
	})
}

// missingParents refuses what lies in a directory that is not there and that nobody makes.
// A directory makes those above it.
func (b *builder) missingParents() {
	for _, c := range b.changes {
		if c.Action != diff.Create || !c.Addr.IsPath() || c.Addr.Kind == mesh.Directory {
			continue
		}
		state, _ := b.in.Seen.Of(c.Addr.Target)
		dir := path.Dir(c.Addr.Name)
		if b.bringsPackage(c.Addr.Target) || state.Host == nil || !slices.Contains(state.Host.Missing, dir) {
			continue
		}
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: "parent.missing", Subject: c.Addr.String(),
			Message: "on " + c.Addr.Target.Name + " there is no directory " + dir + " for " + c.Addr.Name,
			Hint:    "declare it beside the file: directories: \"" + dir + "\": {mode: \"0755\", owner: \"root\", group: \"root\"}",
			Source:  c.Origin.String(),
		})
	}
}

// strandedServices notes services that are let go and go on without what they read.
func (b *builder) strandedServices() {
	for _, c := range b.changes {
		if c.Addr.Kind != mesh.Service || c.Action != diff.Release || c.Before["running"] != true {
			continue
		}
		state, _ := b.in.Seen.Of(c.Addr.Target)
		for _, d := range b.changesOf(c.Addr.Target) {
			if _, reads := state.Record.Services[c.Addr.Name].Reads[d.Addr.Name]; reads && d.Action == diff.Delete {
				b.plan.Notes = append(b.plan.Notes, c.Addr.String()+": git no longer names it, so it runs on, and "+d.Addr.Name+
					" is deleted, which it reads; to stop it, apply it once with running: false and enabled: false")
				break
			}
		}
	}
}

// bringsPackage reports whether the plan installs something on the host: a package makes
// directories that nobody sees before.
func (b *builder) bringsPackage(t mesh.Target) bool {
	return slices.ContainsFunc(b.changesOf(t), func(c diff.Change) bool { return c.Addr.Kind == mesh.Package && c.After != nil })
}
