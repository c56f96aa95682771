package plan

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// appWorld is a plan for apps that are wanted, beside others that are there.
func appWorld(facts mesh.MarathonFacts, live, wanted, created []string) Plan {
	t := mesh.Marathon("main")
	at := func(id string) mesh.Address { return mesh.Address{Target: t, Kind: mesh.App, Name: id} }
	app := func(id string) mesh.Resource {
		return mesh.Resource{Addr: at(id), Attrs: mesh.MustTree(map[string]any{"id": id, "instances": 1})}
	}
	facts.Version = cmp.Or(facts.Version, "1.11.26")
	state := mesh.TargetState{Target: t, Outcome: mesh.OK, Marathon: &facts, RecordState: mesh.RecordOK, Record: mesh.Record{Entries: map[string]mesh.RecordEntry{}}}
	for _, id := range live {
		state.Resources = append(state.Resources, app(id))
	}
	for _, id := range created {
		state.Record.Entries[at(id).String()] = mesh.RecordEntry{Digest: mesh.Digest(app(id).Attrs), State: mesh.Holds, Origin: mesh.Created}
	}
	in := Input{Mesh: &mesh.Mesh{Name: "t", Marathons: []mesh.MarathonSpec{{Name: "main"}}}, Seen: mesh.Observed{Targets: []mesh.TargetState{state}}}
	for _, id := range wanted {
		in.Apps = append(in.Apps, app(id))
	}
	return Build(in)
}

func TestPodsAreListedAndLeftAlone(t *testing.T) {
	t.Parallel()
	p := appWorld(mesh.MarathonFacts{Pods: []string{"/a/pod", "/z"}}, []string{"/theirs"}, nil, nil)
	var got []string
	for _, a := range p.Unmanaged {
		got = append(got, a.String())
	}
	if want := []string{"marathon/main/app:/theirs", "marathon/main/pod:/a/pod", "marathon/main/pod:/z"}; !slices.Equal(got, want) || !p.Empty || !p.Applicable {
		t.Errorf("%v %+v", got, p)
	}
}

func TestThatGroupsCannotBeReadIsSaid(t *testing.T) {
	t.Parallel()
	p := appWorld(mesh.MarathonFacts{GroupsUnread: "Marathon answered 403 Forbidden"}, []string{"/a"}, []string{"/a"}, nil)
	if len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "groups and pods could not be read (Marathon answered 403 Forbidden)") || !p.Complete || !p.Empty {
		t.Errorf("%+v", p)
	}
}

func TestWhatADependencyOfAGroupMeansForTheOrder(t *testing.T) {
	t.Parallel()
	groups := map[string][]string{"/a": {"/z"}, "/a/deep": {"/m/one"}, "/": {"/zz"}}
	for name, x := range map[string]struct{ live, wanted, created, want []string }{
		"made":    {nil, []string{"/a/x", "/a/deep/y", "/m/one", "/z/1", "/z/2"}, nil, []string{"/m/one", "/z/1", "/z/2", "/a/deep/y", "/a/x"}},
		"deleted": {[]string{"/a/x", "/z/1"}, nil, []string{"/a/x", "/z/1"}, []string{"/a/x", "/z/1"}},
	} {
		p := appWorld(mesh.MarathonFacts{GroupDependencies: groups}, x.live, x.wanted, x.created)
		var got []string
		for _, s := range p.Stages {
			for _, b := range s.Batches {
				if len(b.Changes) != 1 {
					t.Errorf("%s: %d apps at once", name, len(b.Changes))
				}
				got = append(got, b.Changes[0].Addr.Name)
			}
		}
		if !slices.Equal(got, x.want) || !p.Applicable {
			t.Errorf("%s: %v, want %v; %+v", name, got, x.want, p.Refusals)
		}
	}
}

func TestAnAppThatTakesTheIDOfWhatIsDeletedInTheSamePlanIsRefused(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ live, wanted string }{{"/shop/web", "/shop"}, {"/shop", "/shop/web"}} {
		p := appWorld(mesh.MarathonFacts{}, []string{x.live}, []string{x.wanted}, []string{x.live})
		if len(p.Refusals) != 1 || p.Refusals[0].Code != "app.collides" || !strings.Contains(p.Refusals[0].Hint, "git no longer names "+x.live) {
			t.Errorf("%+v: %+v", x, p.Refusals)
		}
		if n := len(p.Stages[0].Batches); n != 2 || p.Stages[0].Batches[1].Changes[0].Action != diff.Delete {
			t.Errorf("%+v", p.Stages)
		}
	}
}

// The entry of an app that is gone leaves the record by a line of the plan, among others that change.
func TestTheEntryOfAnAppThatIsGoneIsInTheStage(t *testing.T) {
	t.Parallel()
	p := appWorld(mesh.MarathonFacts{}, nil, []string{"/new"}, []string{"/gone"})
	var got []string
	for _, b := range p.Stages[0].Batches {
		got = append(got, string(b.Changes[0].Action)+" "+b.Changes[0].Addr.Name)
	}
	if want := []string{"create /new", "release /gone"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
