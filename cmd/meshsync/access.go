package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/marathon"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/secret"
	"meshsync.dev/meshsync/internal/unseal"
)

// access says where each Marathon is asked, and with which credentials. A commit must not be able to send
// what it can have meshsync read to a place that it chooses itself: what the base says of a Marathon that takes
// credentials holds until the change of it is in the base.
type access struct {
	base    base
	secrets *unseal.Resolver
	trusted bool // commands that only this commit names are run, too
}

// accessTo is the access of a command that only looks and has no policy.
func accessTo(e *environment, d *desired, trusted bool) (access, error) {
	b, err := baseOf(e, d, "")
	return access{base: b, secrets: newResolver(e, nil), trusted: trusted}, err
}

// to is how a Marathon is asked. base says that the hosts which it is asked through are those of the base, too.
func (a access) to(m *mesh.Mesh, x mesh.MarathonSpec) (_ mesh.MarathonSpec, _ marathon.Credentials, base bool) {
	if !x.Secret() {
		return x, nil, false
	}
	was, known := a.base.marathon(x.Name)
	switch {
	case a.base.lost != "":
		return x, withheld("the base " + a.base.lost + " cannot be read, so nobody can tell whether it approves of where they would go: fetch it"), false
	case a.base.own:
		return x, a.credentials(a.trusted), false
	case !known:
		return x, withheld(a.base.from + " does not know this Marathon: they are given once it does"), false
	case a.elsewhere(m, x):
		was.Version, was.Origin, was.VersionOrigin = x.Version, x.Origin, x.VersionOrigin
		return was, a.credentials(true), true
	default:
		return x, a.credentials(true), false
	}
}

// elsewhere reports whether a Marathon with credentials, which the base knows, is asked elsewhere, or otherwise, than the
// base says: by other URLs, another proxy, another role's hosts, or by hosts of that role which the base has not, or elsewhere.
func (a access) elsewhere(m *mesh.Mesh, x mesh.MarathonSpec) bool {
	was, known := a.base.marathon(x.Name)
	if !x.Secret() || !known {
		return false
	}
	return !x.SameConnection(was) || slices.ContainsFunc(through(m.Hosts, x.Via), func(h mesh.HostSpec) bool {
		return !slices.ContainsFunc(through(a.base.mesh.Hosts, x.Via), h.SameConnection)
	})
}

// through lists the hosts of a role by way of which a Marathon is asked; none for "".
func through(hosts []mesh.HostSpec, role string) []mesh.HostSpec {
	var out []mesh.HostSpec
	for _, h := range hosts {
		if role != "" && slices.Contains(h.Roles, role) {
			out = append(out, h)
		}
	}
	return out
}

func (b base) marathon(name string) (mesh.MarathonSpec, bool) {
	for _, x := range b.mesh.Marathons {
		if x.Name == name {
			return x, true
		}
	}
	return mesh.MarathonSpec{}, false
}

// moved lists the Marathons that this commit and the base have in different places.
func (a access) moved(m *mesh.Mesh) []mesh.MarathonSpec {
	var out []mesh.MarathonSpec
	for _, x := range m.Marathons {
		if a.elsewhere(m, x) {
			out = append(out, x)
		}
	}
	return out
}

// notes tell of what this commit changes in how Marathons are asked.
func (a access) notes(m *mesh.Mesh) []string {
	var out []string
	for _, x := range a.moved(m) {
		out = append(out, fmt.Sprintf("marathon/%s: this commit changes how it is asked (%s); it was asked as %s says, so that no credentials go elsewhere before the change is approved", x.Name, x.Origin, a.base.from))
	}
	return out
}

// moves refuses to carry out a plan that was made in another place than the commit says.
func (p *planned) moves() {
	if p.plan.Sandbox {
		return
	}
	for _, x := range p.access.moved(p.desired.mesh) {
		p.plan.Refusals = append(p.plan.Refusals, plan.Refusal{
			Code: "marathon.moved", Subject: mesh.Marathon(x.Name).String(), Source: x.Origin.String(),
			Message: fmt.Sprintf("this commit asks the Marathon %s elsewhere, or otherwise, than %s does", x.Name, p.access.base.from),
			Hint:    "have the change approved, then apply without --policy-ref, or with one that has it",
		})
	}
	p.plan.Applicable = len(p.plan.Refusals) == 0
}

func withheld(why string) marathon.Credentials {
	return func(context.Context, mesh.SecretSource) (secret.Value, error) {
		return secret.Value{}, errors.New(why)
	}
}

// credentials asks for what a Marathon is asked with, each source once. commands says whether those are
// run: a plan of a commit that nobody approved runs nobody's code.
func (a access) credentials(commands bool) marathon.Credentials {
	return func(ctx context.Context, s mesh.SecretSource) (secret.Value, error) {
		if len(s.Command) > 0 && !commands {
			return secret.Value{}, fmt.Errorf("they come from %s, and what only looks runs no command of a commit: add --trusted where you trust it, or name a revision that has it with --policy-ref", s)
		}
		err := askSource(ctx, a.secrets, s)
		if errors.Is(err, unseal.ErrNoIdentity) {
			err = fmt.Errorf("%w: name a file of identities in MESHSYNC_AGE_IDENTITY", err)
		}
		if err != nil {
			return secret.Value{}, err
		}
		return a.secrets.Value(s)
	}
}
