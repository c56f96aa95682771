package host

import (
	"os"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// dropped applies the first, and then plans for the second.
func dropped(t *testing.T, b *box, first, second []mesh.Resource) (*Host, plan.Work) {
	t.Helper()
	works(t, b, first)
	h := b.host(second...)
	return h, planned(t, h, second)
}

// onlyOne shows that what is planned for is one change.
func onlyOne(t *testing.T, b *box, want []mesh.Resource, action diff.Action, class diff.Class) {
	t.Helper()
	cs := compared(t, b.host(want...), want).Changes
	if len(cs) != 1 || cs[0].Action != action || cs[0].Class != class {
		t.Errorf("want %s (%s), got %+v", action, class, cs)
	}
}

func TestARemovalThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		rest := []mesh.Resource{directory("/d", false)}
		h, w := dropped(t, b, append(rest, directory("/d/e", false)), rest)
		b.put("/d/e/others", "x")
		if got, err := results(t, h, w); err != nil || got["delete /d/e"].Result != plan.ResultFailed {
			t.Fatalf("%v %+v", err, got)
		}
		if h.last.Record.Entries["host/h/directory:/d/e"].State != mesh.Holds {
			t.Errorf("the run itself remembers %+v", h.last.Record.Entries)
		}
		onlyOne(t, b, rest, diff.Delete, diff.Pending)
		if err := os.Remove(b.path("/d/e/others")); err != nil {
			t.Fatal(err)
		}
		works(t, b, rest)
		if _, err := os.Stat(b.path("/d/e")); err == nil {
			t.Error("it is still there")
		}
	})
}

// kill makes a program kill the batch that calls it.
const kill = `read -r _ _ _ pid <"$R/var/lib/meshsync/prod/lock"; kill -9 "$pid"; exit 1`

func TestARemovalThatIsKilledIsDoneByTheNextRun(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		rest := []mesh.Resource{directory("/d", false)}
		h, w := dropped(t, b, append(rest, file("/d/f", "x")), rest)
		b.wrap(`case " $*" in *' ./f'*) `+kill+`;; esac`, "rm")
		if _, err := results(t, h, w); err == nil {
			t.Fatal("it is not killed")
		}
		b.wrap("", "rm")
		onlyOne(t, b, rest, diff.Delete, diff.Pending)
		b.put("/d/f", "somebody else's")
		onlyOne(t, b, rest, diff.Release, diff.Drift)
		b.put("/d/f", "x")
		works(t, b, rest)
		if _, err := os.Stat(b.path("/d/f")); err == nil {
			t.Error("it is still there")
		}
		if cs := compared(t, b.host(rest...), rest).Changes; len(cs) > 0 {
			t.Errorf("then: %+v", cs)
		}
	})
}

// What meshsync meant to make and did not is nothing that it may delete.
func TestACreateThatFailsGivesNoRightToDelete(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		rest := []mesh.Resource{directory("/d", false)}
		refused := file("/d/f", "refused")
		refused.Validate = "false"
		h, w := dropped(t, b, rest, append(rest, refused))
		if got, err := results(t, h, w); err != nil || got["create /d/f"].Result != plan.ResultFailed {
			t.Fatalf("%v %+v", err, got)
		}
		onlyOne(t, b, append(rest, refused), diff.Create, diff.Pending)
		b.put("/d/f", "refused")
		if cs := compared(t, b.host(rest...), rest).Changes; len(cs) > 0 {
			t.Errorf("git drops it: %+v", cs)
		}
	})
}

func TestWhatIsDroppedAndGoneLeavesTheRecord(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		rest := []mesh.Resource{directory("/d", false)}
		works(t, b, append(rest, file("/d/f", "x")))
		if err := os.Remove(b.path("/d/f")); err != nil {
			t.Fatal(err)
		}
		onlyOne(t, b, rest, diff.Release, diff.Pending)
		works(t, b, rest)
		b.put("/d/f", "x")
		if cs := compared(t, b.host(rest...), rest).Changes; len(cs) > 0 {
			t.Errorf("somebody makes it anew: %+v", cs)
		}
	})
}

// The entry of what is replaced goes with it, and what meshsync made is its own under another
// kind, too.
func TestAReplacementTakesOverTheRecord(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		rest := []mesh.Resource{directory("/d", false)}
		works(t, b, append(rest, file("/d/x", "x")))
		link := append(rest, symlink("/d/x", "/y"))
		onlyOne(t, b, link, diff.Replace, diff.Pending)
		works(t, b, link)
		if cs := compared(t, b.host(link...), link).Changes; len(cs) > 0 {
			t.Errorf("afterwards: %+v", cs)
		}
		onlyOne(t, b, rest, diff.Delete, diff.Pending)
	})
}

// The record knows at once that nothing is where git wants nothing.
func TestWhatIsPutBackWhereGitWantsNothingIsDrift(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		gone := mesh.Resource{Addr: addr("absent", "/d/x"), Attrs: mesh.MustTree(map[string]any{}), Gone: true}
		want := []mesh.Resource{directory("/d", false), gone}
		works(t, b, want[:1])
		for i, class := range []diff.Class{diff.Pending, diff.Drift, diff.Drift} {
			b.put("/d/x", "back")
			s := compared(t, b.host(want...), want).Changes
			if len(s) == 0 || s[len(s)-1].Class != class {
				t.Errorf("turn %d: want %s, got %+v", i, class, s)
			}
			works(t, b, want)
		}
		onlyOne(t, b, want[:1], diff.Release, diff.Pending)
		works(t, b, want[:1])
		if cs := compared(t, b.host(want[:1]...), want[:1]).Changes; len(cs) > 0 {
			t.Errorf("git no longer says so: %+v", cs)
		}
	})
}

// A repair that fails leaves what it was to repair: drift.
func TestDriftThatCannotBeRepairedStaysDrift(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		want := []mesh.Resource{directory("/d", false), file("/d/f", "x")}
		works(t, b, want)
		b.put("/d/f", "by hand")
		h := b.host(want...)
		w := planned(t, h, want)
		b.wrap(`case " $*" in *' new'*) `+kill+`;; esac`, "chmod")
		if _, err := results(t, h, w); err == nil {
			t.Fatal("it is not killed")
		}
		b.wrap("", "chmod")
		onlyOne(t, b, want, diff.Update, diff.Drift)
	})
}
