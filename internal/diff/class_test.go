package diff

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

func TestClassesTellWhoMoved(t *testing.T) {
	t.Parallel()
	digest := func(v int) string { return mesh.Digest(resource("/a", v).Attrs) }
	holds := func(digest, origin string) *mesh.RecordEntry {
		return &mesh.RecordEntry{Digest: digest, State: mesh.Holds, Origin: origin}
	}
	intends := func(digest, was string) *mesh.RecordEntry {
		return &mesh.RecordEntry{Digest: digest, State: mesh.Intends, Was: was, Origin: mesh.Created}
	}
	for _, x := range []struct {
		name       string
		want, live int // 0: none
		state      mesh.RecordState
		last       *mesh.RecordEntry
		action     Action
		class      Class
	}{
		{"no record", 2, 1, mesh.RecordNone, nil, Update, Differs},
		{"corrupt record", 2, 1, mesh.RecordCorrupt, nil, Update, Differs},
		{"git moved", 2, 1, mesh.RecordOK, holds(digest(1), ""), Update, Pending},
		{"the host moved", 2, 1, mesh.RecordOK, holds(digest(2), ""), Update, Drift},
		{"both moved", 2, 1, mesh.RecordOK, holds(digest(3), ""), Update, Both},
		{"new in git", 2, 0, mesh.RecordOK, nil, Create, Pending},
		{"deleted by hand", 2, 0, mesh.RecordOK, holds(digest(2), ""), Create, Drift},
		{"there before git named it", 2, 1, mesh.RecordOK, nil, Update, Differs},
		{"an apply ended between its notes", 2, 1, mesh.RecordOK, intends(digest(2), ""), Update, Pending},
		{"dropped, created", 0, 1, mesh.RecordOK, holds(digest(1), mesh.Created), Delete, Pending},
		{"dropped, created, edited since", 0, 2, mesh.RecordOK, holds(digest(1), mesh.Created), Release, Both},
		{"dropped, adopted", 0, 1, mesh.RecordOK, holds(digest(1), mesh.Adopted), Release, Pending},
		{"dropped, adopted, edited since", 0, 2, mesh.RecordOK, holds(digest(1), mesh.Adopted), Release, Both},
		{"dropped, gone", 0, 0, mesh.RecordOK, holds(digest(1), mesh.Created), Release, Pending},
		{"dropped, an apply ended amid the removal", 0, 1, mesh.RecordOK, intends(mesh.AbsentDigest, digest(1)), Delete, Pending},
		{"dropped, an apply ended right after the removal", 0, 0, mesh.RecordOK, intends(mesh.AbsentDigest, digest(1)), Release, Pending},
		{"dropped, an apply ended amid the removal, edited since", 0, 2, mesh.RecordOK, intends(mesh.AbsentDigest, digest(1)), Release, Drift},
		{"wanted again, an apply ended amid the removal", 1, 1, mesh.RecordOK, intends(mesh.AbsentDigest, digest(1)), "", ""},
		{"dropped, an apply ended right after it was made", 0, 1, mesh.RecordOK, intends(digest(1), mesh.AbsentDigest), Delete, Pending},
		{"dropped, an apply ended before it was made, somebody made another", 0, 2, mesh.RecordOK, intends(digest(1), mesh.AbsentDigest), Release, Both},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			var want, live []mesh.Resource
			if x.want > 0 {
				want = append(want, resource("/a", x.want))
			}
			if x.live > 0 {
				live = append(live, resource("/a", x.live))
			}
			o := recordedAs(observed(live, []mesh.Resource{resource("/a", 1)}), nil)
			o.Targets[0].RecordState = x.state
			if x.last != nil {
				o.Targets[0].Record.Entries["host/h/file:/a"] = *x.last
			}
			is(t, Diff(want, o), x.action, x.class)
		})
	}
}

// recordedAs gives what was observed a record.
func recordedAs(o mesh.Observed, entries map[string]mesh.RecordEntry) mesh.Observed {
	if entries == nil {
		entries = map[string]mesh.RecordEntry{}
	}
	o.Targets[0].RecordState, o.Targets[0].Record.Entries = mesh.RecordOK, entries
	return o
}

// is shows that there is one change of that class, or none.
func is(t *testing.T, d Result, a Action, c Class) {
	t.Helper()
	switch {
	case a == "" && len(d.Changes) == 0:
	case len(d.Changes) == 1 && d.Changes[0].Action == a && d.Changes[0].Class == c:
	default:
		t.Errorf("want %s (%s), got %+v", a, c, d.Changes)
	}
}

func addr(k mesh.Kind, name string) mesh.Address {
	return mesh.Address{Target: mesh.Host("h"), Kind: k, Name: name}
}

// declared is a resource as a repository has it, settled by what is there.
func declared(t interface{ Fatal(...any) }, k mesh.Kind, name, declaration string, have mesh.Tree) mesh.Resource {
	kind, _ := primitive.Of(k)
	d, err := kind.Decode([]byte(declaration))
	if err != nil {
		t.Fatal(err)
	}
	r := mesh.Resource{Addr: addr(k, name), Attrs: mesh.MustTree(d.Attrs), Gone: d.Gone, Secret: d.Secret}
	if kind.Settle != nil {
		r.Open = kind.Open(r.Attrs)
		r.Attrs = kind.Settle(r.Attrs, have, nil)
	}
	return r
}

func entryFor(r mesh.Resource, origin string) map[string]mesh.RecordEntry {
	return map[string]mesh.RecordEntry{r.Addr.String(): {Digest: Applied(r), Open: r.Open, State: mesh.Holds, Origin: origin}}
}

// What git leaves open, and what nobody can look at, moves by git alone as all else does.
func TestAnEditInGitAloneIsNoDrift(t *testing.T) {
	t.Parallel()
	account := map[string]any{"uid": "999", "group": "svc", "groups": "", "home": "/home/svc", "shell": "/bin/sh"}
	pkg := map[string]any{"version": "1.2-3", "hold": "no", "state": "installed"}
	for _, x := range []struct {
		name     string
		kind     mesh.Kind
		last     string
		live     map[string]any // nil: nobody can look
		now      string         // "": dropped
		action   Action
		moved    map[string]any // what somebody made of it
		movedTo  Class
		movedHow Action
	}{
		{"an account's shell", "user", `{}`, account, `{"shell": "/bin/false"}`, Update, nil, "", ""},
		{"an account is dropped", "user", `{"shell": "/bin/sh"}`, account, "", Delete, map[string]any{"shell": "/bin/bash"}, Both, Release},
		{"a system's account is dropped", "user", `{"system": true}`, account, "", Delete, nil, "", ""},
		{"a group's number", "group", `{}`, map[string]any{"gid": "7"}, `{"gid": 8}`, Update, nil, "", ""},
		{"a group is dropped", "group", `{"system": true}`, map[string]any{"gid": "7"}, "", Delete, nil, "", ""},
		{"a package of any version is dropped", mesh.Package, `{}`, pkg, "", Delete, nil, "", ""},
		{"a package of a pattern is dropped", mesh.Package, `{"version": "1.*"}`, pkg, "", Delete, map[string]any{"version": "2.0"}, Both, Delete},
		{"a package is pinned", mesh.Package, `{}`, pkg, `{"version": "1.2-2"}`, Update, nil, "", ""},
		{"a command is another", "command", `{"test": "a", "run": "b"}`, nil, `{"test": "a", "run": "c"}`, Create, nil, "", ""},
		{"a command is dropped", "command", `{"test": "a", "run": "b"}`, nil, "", Release, nil, "", ""},
		{"a path may hold something again", "absent", `{}`, nil, "", Release, nil, "", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			try := func(live map[string]any, action Action, class Class) {
				last := declared(t, x.kind, "x", x.last, nil)
				var want, have []mesh.Resource
				if live != nil {
					have = append(have, mesh.Resource{Addr: last.Addr, Attrs: mesh.MustTree(live)})
				}
				if x.now != "" {
					want = append(want, declared(t, x.kind, "x", x.now, mesh.MustTree(live)))
				}
				is(t, Diff(want, recordedAs(observed(have, []mesh.Resource{last}), entryFor(last, mesh.Created))), action, class)
			}
			try(x.live, x.action, Pending)
			if x.moved != nil {
				other := maps.Clone(x.live)
				maps.Copy(other, x.moved)
				try(other, x.movedHow, x.movedTo)
			}
		})
	}
}

func TestGitAloneIsNeverDrift(t *testing.T) {
	t.Parallel()
	user := rapid.SampledFrom([]string{"", `{}`, `{"shell": "/bin/false"}`, `{"uid": 7}`, `{"system": true, "groups": ["a"]}`})
	pkg := rapid.SampledFrom([]string{"", `{}`, `{"version": "1.*"}`, `{"version": "1.1", "hold": true}`})
	command := rapid.SampledFrom([]string{"", `{"test": "a", "run": "b"}`, `{"test": "a", "run": "c"}`})
	chosen := map[string]string{"uid": "1001", "group": "x", "groups": "b", "home": "/h", "shell": "/bin/sh", "version": "1.1", "hold": "no"}
	rapid.Check(t, func(t *rapid.T) {
		var want, live, asked []mesh.Resource
		entries := map[string]mesh.RecordEntry{}
		for kind, declarations := range map[mesh.Kind]*rapid.Generator[string]{"user": user, mesh.Package: pkg, "command": command} {
			last, now := declarations.Draw(t, string(kind)), declarations.Draw(t, "now "+string(kind))
			var have mesh.Tree
			asked = append(asked, mesh.Resource{Addr: addr(kind, "x")})
			if last != "" {
				r := declared(t, kind, "x", last, nil)
				maps.Copy(entries, entryFor(r, rapid.SampledFrom([]string{mesh.Created, mesh.Adopted}).Draw(t, "origin")))
				have = r.Attrs.Clone()
				for k := range r.Open {
					have[k] = chosen[k]
				}
				if kind != "command" || last == now {
					live = append(live, mesh.Resource{Addr: r.Addr, Attrs: have})
				}
			}
			if now != "" {
				want = append(want, declared(t, kind, "x", now, have))
			}
		}
		d := Diff(want, recordedAs(observed(live, asked), entries))
		for _, c := range d.Changes {
			if c.Class != Pending {
				t.Fatalf("%+v", c)
			}
		}
		for name := range entries { // nothing that git dropped stays in the record unseen
			named := func(a mesh.Address) bool { return a.String() == name }
			if !slices.ContainsFunc(d.Changes, func(c Change) bool { return named(c.Addr) }) && !slices.ContainsFunc(d.Equal, named) {
				t.Fatalf("%s has neither a change nor is it as desired: %+v", name, d)
			}
		}
	})
}

// Of files only what meshsync made, and what is still that, is deleted.
func TestNothingElseIsDeleted(t *testing.T) {
	t.Parallel()
	versions := rapid.SampledFrom([]string{mesh.Digest(resource("/a", 0).Attrs), mesh.Digest(resource("/a", 1).Attrs), mesh.AbsentDigest})
	rapid.Check(t, func(t *rapid.T) {
		want, have := generated(t, "want"), generated(t, "have")
		entries := map[string]mesh.RecordEntry{}
		for _, r := range generated(t, "recorded") {
			e := mesh.RecordEntry{
				Digest: versions.Draw(t, "digest"), State: rapid.SampledFrom([]string{mesh.Holds, mesh.Intends}).Draw(t, "state"),
				Origin: rapid.SampledFrom([]string{mesh.Created, mesh.Adopted}).Draw(t, "origin"),
			}
			if e.State == mesh.Intends {
				e.Was = versions.Draw(t, "was")
			}
			entries[r.Addr.String()] = e
		}
		for _, c := range Diff(want, recordedAs(observed(have, append(generated(t, "asked"), want...)), entries)).Changes {
			e := entries[c.Addr.String()]
			now := mesh.Digest(c.Before)
			if c.Action == Delete && (e.Origin != mesh.Created || now != e.Digest && (e.Digest != mesh.AbsentDigest || now != e.Was)) {
				t.Fatalf("deleted by %+v: %+v", e, c)
			}
		}
	})
}

// A file that becomes a secret is known by digests of two kinds, of which nobody can tell
// whether they are of the same content.
func TestAFileThatBecomesASecretIsPending(t *testing.T) {
	t.Parallel()
	last := resource("/a", 1)
	live := resource("/a", 1)
	live.Attrs["content"] = mesh.KeyedPrefix + "1234"
	want := declared(t, mesh.File, "/a", `{"secret": {"env": "X"}, "mode": "0644"}`, nil)
	is(t, Diff([]mesh.Resource{want}, recordedAs(observed([]mesh.Resource{live}, nil), entryFor(last, mesh.Created))), Update, Pending)
	again := entryFor(last, mesh.Created)
	again[last.Addr.String()] = mesh.RecordEntry{Digest: "sha256:other", State: mesh.Holds, Keyed: mesh.KeyedPrefix + "12", Source: "source:other"}
	is(t, Diff([]mesh.Resource{want}, recordedAs(observed([]mesh.Resource{live}, nil), again)), Update, Both)
}

func TestWhatGitWantsGoneAndIsBackDrifted(t *testing.T) {
	t.Parallel()
	want, back := declared(t, "absent", "/a", `{}`, nil), resource("/a", 1)
	o := observed([]mesh.Resource{back}, nil)
	d := Diff([]mesh.Resource{want}, recordedAs(o, nil))
	is(t, d, Delete, Pending)
	if d.Changes[0].Gone == nil || *d.Changes[0].Gone != want.Addr {
		t.Errorf("the change does not say whose wish it is: %+v", d.Changes[0])
	}
	is(t, Diff([]mesh.Resource{want}, recordedAs(o, entryFor(want, mesh.Adopted))), Delete, Drift)
	is(t, Diff([]mesh.Resource{want}, recordedAs(o, entryFor(back, mesh.Created))), Delete, Pending)
	is(t, Diff([]mesh.Resource{want}, recordedAs(o, entryFor(resource("/a", 2), mesh.Created))), Delete, Both)
}

// An app goes on being the app that meshsync made, however it was scaled since.
func TestAnAppThatGitDropsIsDeleted(t *testing.T) {
	t.Parallel()
	app := mesh.Resource{Addr: mesh.Address{Target: mesh.Target{Kind: mesh.MarathonTarget, Name: "main"}, Kind: mesh.App, Name: "/www"}}
	app.Attrs = mesh.MustTree(map[string]any{"instances": 4})
	entries := entryFor(app, mesh.Created)
	scaled := app
	scaled.Attrs = mesh.MustTree(map[string]any{"instances": 6})
	o := mesh.Observed{Targets: []mesh.TargetState{{Target: app.Addr.Target, Outcome: mesh.OK}}}
	is(t, Diff(nil, recordedAs(o, entries)), Release, Pending)
	o.Targets[0].Resources = []mesh.Resource{scaled}
	is(t, Diff(nil, recordedAs(o, entries)), Delete, Both)
	intended := func(was string) map[string]mesh.RecordEntry {
		e := entries[app.Addr.String()]
		e.State, e.Was = mesh.Intends, was
		return map[string]mesh.RecordEntry{app.Addr.String(): e}
	}
	// A killed run meant to make it, as all others of its stage, and it is another: somebody else made it.
	is(t, Diff(nil, recordedAs(o, intended(mesh.AbsentDigest))), Release, Both)
	is(t, Diff(nil, recordedAs(o, intended(mesh.Digest(scaled.Attrs)))), Delete, Pending)
	o.Targets[0].Resources = []mesh.Resource{app}
	is(t, Diff(nil, recordedAs(o, intended(mesh.AbsentDigest))), Delete, Pending)
}

// What the record names under one kind is not there once another kind lies at its path.
func TestAnEntryWhosePathHoldsAnotherKindGoes(t *testing.T) {
	t.Parallel()
	link := mesh.Resource{Addr: addr("symlink", "/a"), Attrs: mesh.MustTree(map[string]any{"to": "/x"})}
	entries := entryFor(link, mesh.Created)
	maps.Copy(entries, entryFor(resource("/a", 1), mesh.Created))
	is(t, Diff([]mesh.Resource{link}, recordedAs(observed([]mesh.Resource{link}, nil), entries)), Release, Pending)
}

// A file that git makes a link is git's doing alone, as long as it is what was applied.
func TestAnotherKindByGitIsPending(t *testing.T) {
	t.Parallel()
	link := mesh.Resource{Addr: addr("symlink", "/a"), Attrs: mesh.MustTree(map[string]any{"to": "/x"})}
	o := observed([]mesh.Resource{resource("/a", 1)}, nil)
	is(t, Diff([]mesh.Resource{link}, recordedAs(o, entryFor(resource("/a", 1), mesh.Created))), Replace, Pending)
	is(t, Diff([]mesh.Resource{link}, recordedAs(o, entryFor(resource("/a", 2), mesh.Created))), Replace, Both)
	is(t, Diff([]mesh.Resource{link}, recordedAs(o, entryFor(link, mesh.Created))), Replace, Drift)
	is(t, Diff([]mesh.Resource{link}, recordedAs(o, nil)), Replace, Differs)
}
