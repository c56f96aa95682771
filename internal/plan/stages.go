package plan

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// Defaults of a rollout, used where neither role nor policy says otherwise.
const (
	DefaultMaxUnavailable = 1
	DefaultGateTimeout    = 2 * time.Minute
	DefaultAppTimeout     = 10 * time.Minute
)

// part is what one role has to do.
type part struct {
	role    mesh.RoleSpec // zero for what no role owns
	changes []diff.Change
	steps   []plannedStep
}

// stages groups the changes and steps by role, in ascending layers, apps last.
func (b *builder) stages() {
	parts := map[string]*part{}
	at := func(role string) *part {
		if parts[role] == nil {
			parts[role] = &part{role: b.rollout(role)}
		}
		return parts[role]
	}
	var apps []diff.Change
	for _, c := range b.changes {
		if c.Addr.Kind == mesh.App {
			apps = append(apps, c)
			continue
		}
		p := at(b.stageRole(c))
		p.changes = append(p.changes, c)
	}
	for _, s := range b.steps {
		p := at(s.role)
		p.steps = append(p.steps, s)
	}
	for _, p := range sortedParts(parts) {
		b.plan.Stages = append(b.plan.Stages, b.hostStage(*p))
	}
	if len(apps) > 0 {
		b.plan.Stages = append(b.plan.Stages, b.appStage(apps))
	}
	for i := range b.plan.Stages {
		b.plan.Stages[i].N = i + 1
	}
}

func sortedParts(parts map[string]*part) []*part {
	var out []*part
	for _, p := range parts {
		out = append(out, p)
	}
	slices.SortFunc(out, func(x, y *part) int {
		return cmp.Or(
			cmp.Compare(cleanup(x.role), cleanup(y.role)),
			cmp.Compare(x.role.Rollout.Layer, y.role.Rollout.Layer),
			cmp.Compare(x.role.Name, y.role.Name))
	})
	return out
}

// cleanup ranks what no role owns behind everything else.
func cleanup(r mesh.RoleSpec) int {
	if r.Name == "" {
		return 1
	}
	return 0
}

// rollout returns the role with defaults and the policy's overrides filled in.
func (b *builder) rollout(name string) mesh.RoleSpec {
	r := b.byRole[name]
	ro := &r.Rollout
	o := b.in.Policy.Rollout[name]
	if o.MaxUnavailable != nil {
		ro.MaxUnavailable = *o.MaxUnavailable
	}
	if o.Canary != nil {
		ro.NoCanary = !*o.Canary
	}
	if o.OnFailure != nil {
		ro.OnFailure = *o.OnFailure
	}
	if o.Settle != nil {
		ro.Settle = *o.Settle
	}
	if o.Timeout != nil {
		ro.Timeout = *o.Timeout
	}
	ro.MaxUnavailable = cmp.Or(max(ro.MaxUnavailable, 0), DefaultMaxUnavailable)
	ro.Timeout = cmp.Or(ro.Timeout, DefaultGateTimeout)
	return r
}

// stageRole is the role in whose stage a change is done: a file is written in the
// batch of the first service that takes it in, never earlier.
func (b *builder) stageRole(c diff.Change) string {
	best, found := "", false
	for _, s := range b.steps {
		name := c.Addr.Name
		if c.Addr.Kind == mesh.Package {
			name = mesh.ReadOfPackage(name)
		}
		if s.Target != c.Addr.Target || !readsPath(s.Spec.Reads, name) {
			continue
		}
		if !found || b.byRole[s.role].Rollout.Layer < b.byRole[best].Rollout.Layer {
			best, found = s.role, true
		}
	}
	switch {
	case found:
		return best
	case c.Role != "":
		return c.Role
	default:
		return b.purgingRole(c)
	}
}

// purgingRole is the role whose purged directory a removed entry lies in.
func (b *builder) purgingRole(c diff.Change) string {
	for _, r := range b.in.Mesh.Resources {
		if r.Addr.Target == c.Addr.Target && r.Purge && r.Addr.Name == path.Dir(c.Addr.Name) {
			return r.Role
		}
	}
	return ""
}

// readsPath reports whether a path is among what is read: by itself, or as, or in, a directory.
func readsPath(reads []string, name string) bool {
	name = primitive.ReadName(name)
	for _, r := range reads {
		r = primitive.ReadName(r)
		if r == name || (strings.HasSuffix(r, "/") && strings.HasPrefix(name+"/", r)) {
			return true
		}
	}
	return false
}

func (b *builder) hostStage(p part) Stage {
	s := Stage{Title: p.role.Name, Role: p.role.Name, Settle: p.role.Rollout.Settle}
	if s.Title == "" {
		s.Title, s.Why = "clean up", "what git no longer names goes last"
	}
	quiet, active := p.split()
	if len(quiet) > 0 {
		s.Batches = append(s.Batches, p.batch(quiet))
	}
	switch {
	case len(active) == 0:
		s.Why = cmp.Or(s.Why, "nothing restarts, so all hosts at once")
	case p.role.Ensemble != nil:
		b.ensembleBatches(p, active, &s)
	default:
		b.rollingBatches(p, active, &s)
	}
	aloneFirst(&s)
	sayConfirm(&s)
	if p.role.Rollout.OnFailure == OnFailureRollBack {
		sayUndo(&s)
	}
	return s
}

// split parts the hosts of a stage into those on which no service is touched and the others, each sorted.
func (p part) split() (quiet, active []mesh.Target) {
	steps := map[mesh.Target]bool{}
	for _, s := range p.steps {
		steps[s.Target] = true
	}
	seen := map[mesh.Target]bool{}
	for _, c := range p.changes {
		if t := c.Addr.Target; !seen[t] && !steps[t] {
			seen[t] = true
			quiet = append(quiet, t)
		}
	}
	for t := range steps {
		active = append(active, t)
	}
	slices.SortFunc(quiet, mesh.Target.Compare)
	slices.SortFunc(active, mesh.Target.Compare)
	return quiet, active
}

// batch collects what the part does on the given targets.
func (p part) batch(targets []mesh.Target) Batch {
	out := Batch{Targets: slices.Clone(targets), Changes: []diff.Change{}}
	slices.SortFunc(out.Targets, mesh.Target.Compare)
	for _, c := range p.changes {
		if slices.Contains(targets, c.Addr.Target) {
			out.Changes = append(out.Changes, c)
		}
	}
	for _, s := range p.steps {
		if slices.Contains(targets, s.Target) {
			out.Service = append(out.Service, s.ServiceStep)
		}
	}
	slices.SortStableFunc(out.Service, func(x, y ServiceStep) int {
		return cmp.Or(x.Target.Compare(y.Target), cmp.Compare(opRank(x.Op), opRank(y.Op)), cmp.Compare(x.Unit, y.Unit))
	})
	return out
}

// opRank orders the operations on one host: enabling and disabling before the process is
// touched, masking behind it, for a masked unit cannot be disabled.
func opRank(o Op) int {
	return slices.Index([]Op{OpUnmask, OpDisable, OpEnable, OpStop, OpReload, OpRestart, OpStart, OpMask}, o)
}
