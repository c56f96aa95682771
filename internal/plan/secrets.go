package plan

import (
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// knownSecrets gives secret files the keyed digest that their source came to when it was
// last applied, where the record says so: with it they compare like any other file. A
// source that the record does not know is another content, whatever it comes to. The
// resources are the caller's to change, their attributes are not.
func knownSecrets(desired []mesh.Resource, in Input) []mesh.Resource {
	for i, r := range desired {
		if r.Secret == nil || in.RefreshSecrets && r.Secret.Volatile() {
			continue
		}
		state, _ := in.Seen.Of(r.Addr.Target)
		e := state.Record.Entries[r.Addr.String()]
		if state.RecordState == mesh.RecordOK && e.Keyed != "" && e.Source == r.Secret.ID() {
			desired[i].Attrs = withContent(r.Attrs, e.Keyed)
		}
	}
	return desired
}

func withContent(attrs mesh.Tree, content string) mesh.Tree {
	attrs = attrs.Clone()
	attrs["content"] = content
	return attrs
}

// volatileSecrets is about sources that git does not hold. Nobody knows what they give
// until they are asked, which a plan does not do: a file that is written for another
// reason may get another content, and one that is not written is not compared.
func (b *builder) volatileSecrets() {
	for i, c := range b.diff.Changes {
		if c.Secret == nil || !c.Secret.Volatile() || c.After == nil {
			continue
		}
		c.After = withContent(c.After, c.Secret.ID())
		if c.Action == diff.Update {
			c.Fields = diff.Fields(c.Before, c.After)
		}
		b.diff.Changes[i] = c
	}
	for _, r := range b.in.Mesh.Resources {
		if r.Secret == nil || !r.Secret.Volatile() || !slices.Contains(b.diff.Equal, r.Addr) || !b.in.Filter.Match(r.Addr.String()) {
			continue
		}
		b.plan.NotCompared = append(b.plan.NotCompared, NotCompared{
			Addr: r.Addr, Field: "content",
			Reason: "what " + r.Secret.String() + " gives now is not asked by a plan; the file is as it was written; apply --refresh-secrets writes it anew",
		})
	}
}
