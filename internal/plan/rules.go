package plan

import (
	"cmp"
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// ruleSpec is one numeric rule of policy: its safe default, what policy says, and
// what the plan comes to.
type ruleSpec struct {
	name    string
	standby int  // the default
	said    *int // by policy
	actual  func(b *builder) int
	one     string // of what the number counts
	many    string
	why     string // it is refused, where the number does not say it by itself
}

// counted is "1 outage" or "2 outages".
func (s ruleSpec) counted(n int) string {
	if n == 1 {
		return "1 " + s.one
	}
	return fmt.Sprintf("%d %s", n, s.many)
}

// ruleSpecs is the one place where policy's defaults live.
func ruleSpecs(p mesh.Policy) []ruleSpec {
	return []ruleSpec{
		{"limits.deletions", 20, p.Limits.Deletions, func(b *builder) int { return b.plan.Summary.Deletes }, "deletion", "deletions", ""},
		{"limits.taskRestarts", 200, p.Limits.TaskRestarts, func(b *builder) int { return b.count(TaskRestart) }, "task restart", "task restarts", ""},
		{"limits.hosts", 250, p.Limits.Hosts, func(b *builder) int { return b.plan.Summary.Hosts }, "host changed", "hosts changed", ""},
		{"limits.outages", 0, p.Limits.Outages, func(b *builder) int { return b.count(Outage) }, "outage", "outages", ""},
		{
			"limits.identityChanges", 0, p.Limits.IdentityChanges, (*builder).identityChanges, "member of an ensemble with another identity", "members of ensembles with another identity",
			"who comes back as another member votes with data that is not its own; stop it for good instead, and let the other one join without data",
		},
		{"unreachable.max", 0, p.Unreachable.Max, (*builder).unseen, "target that could not be observed", "targets that could not be observed", ""},
		{"unreachable.quorumRoles", 0, p.Unreachable.QuorumRoles, (*builder).unseenMembers, "member of an ensemble that could not be observed", "members of an ensemble that could not be observed", ""},
	}
}

// RuleNames returns the names that --override takes, in the order of the plan.
func RuleNames() []string {
	var out []string
	for _, r := range ruleSpecs(mesh.Policy{}) {
		out = append(out, r.name)
	}
	return out
}

// rules compares the plan with the policy. A rule that is broken is a refusal,
// unless the user named exactly the plan's number.
func (b *builder) rules() {
	for _, spec := range ruleSpecs(b.in.Policy) {
		r := Rule{Name: spec.name, Value: spec.standby, Actual: spec.actual(b), Source: b.source(spec.name)}
		if spec.said != nil {
			r.Value = *spec.said
		}
		accepted, named := b.in.Overrides[spec.name]
		r.OK = r.Actual <= r.Value
		r.Override = !r.OK && named && accepted == r.Actual
		b.plan.Rules = append(b.plan.Rules, r)
		if r.OK || r.Override {
			continue
		}
		text := fmt.Sprintf("%s, and policy allows %d", spec.counted(r.Actual), r.Value)
		if spec.why != "" {
			text += ": " + spec.why
		}
		if named {
			text += fmt.Sprintf("; --override %s=%d names another number, so the plan is not the one that was looked at", r.Name, accepted)
		}
		b.plan.Refusals = append(b.plan.Refusals, Refusal{
			Code: r.Name, Subject: b.in.Mesh.Name,
			Message: text,
			Hint:    fmt.Sprintf("if that is meant: --override %s=%d, or raise policy.%s in a commit", r.Name, r.Actual, r.Name),
			Source:  r.Source,
		})
	}
}

func (b *builder) source(rule string) string {
	return cmp.Or(b.in.Policy.Origin[rule].String(), "default")
}

func (b *builder) count(k EffectKind) int {
	n := 0
	for _, e := range b.plan.Effects {
		if e.Kind == k {
			n += e.Count
		}
	}
	return n
}

// unseen counts the targets of which something could not be observed.
func (b *builder) unseen() int {
	targets := map[mesh.Target]bool{}
	for _, u := range b.plan.Unknown {
		targets[u.Target] = true
	}
	return len(targets)
}

func (b *builder) unseenMembers() int {
	n := 0
	for _, u := range b.plan.Unknown {
		member := u.Addr == nil && slices.ContainsFunc(b.in.Mesh.Roles, func(r mesh.RoleSpec) bool {
			return r.Ensemble != nil && u.Target.Kind == mesh.HostTarget && slices.Contains(r.Ensemble.Members, u.Target.Name)
		})
		if member {
			n++
		}
	}
	return n
}
