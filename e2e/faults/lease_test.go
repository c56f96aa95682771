//go:build linux

package faults

import (
	"errors"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

const (
	recordFile = "/var/lib/meshsync/prod/record.json"
	leaseFile  = "/var/lib/meshsync/prod/lease"
)

func TestRecordsOfAllKinds(t *testing.T) {
	l := newLab(t)
	old := []mesh.Resource{directory("/srv/r", false), file("/srv/r/f", "old"), file("/srv/r/dropped", "old")}
	want := []mesh.Resource{directory("/srv/r", false), file("/srv/r/f", "new")}
	for _, x := range []struct {
		name, fault string
		refused     bool
		leaves      bool // what git dropped, since nobody can tell whose it is
	}{
		{"whole", "true", false, false},
		{"missing", "rm " + recordFile, false, true},
		{"corrupt", "head -c 100 " + recordFile + " >/run/x; cat /run/x >" + recordFile, false, true},
		{"empty", ": >" + recordFile, false, true},
		{"zeros", "head -c 500 /dev/zero >" + recordFile, false, true},
		{"of a newer meshsync", `sed -i 's/"version":1/"version":2/' ` + recordFile, true, true},
	} {
		l.afterAFailure(t)
		t.Run(x.name, func(t *testing.T) {
			l.Must(t, "rm -rf /srv/r /var/lib/meshsync")
			l.settles(t, old)
			l.Must(t, x.fault)
			before := l.Exec(t, "cat "+recordFile).Stdout
			if x.refused {
				h := l.target(t, want)
				got, err := apply(t, h, planned(t, h, "first", want))
				if err == nil || !strings.Contains(err.Error(), "newer meshsync") || l.Get(t, "/srv/r/f") != "old" || l.Get(t, recordFile) != before {
					t.Errorf("%v %s", err, got)
				}
				return
			}
			l.settles(t, want)
			if there := l.Exec(t, "test -e /srv/r/dropped").Exit == 0; there != x.leaves {
				t.Errorf("what git dropped is there: %v", there)
			}
			if s := l.target(t, want).Observe(t.Context()); s.RecordState != mesh.RecordOK {
				t.Errorf("the record is %s", s.RecordState)
			}
		})
	}
}

func TestTwoAppliesAtOnce(t *testing.T) {
	l := newLab(t)
	want := l.scene(t)
	h, other := l.target(t, want), l.target(t, want)
	w := l.ready(t, h, "first", want)
	wOther := planned(t, other, "other", want)
	var held *mesh.Held
	if err := other.Take(t.Context(), mesh.Lease{Run: "other"}); !errors.As(err, &held) || held.By.Run != "first" {
		t.Errorf("two runs have the lease: %v", err)
	}
	l.hook(t, 3, "mv")
	stopped, ended := l.at(t, h, w, func() {
		l.unhook(t)
		l.isBusy(t, want)
		if _, err := apply(t, other, wOther); err == nil || !strings.Contains(err.Error(), "batch of run first still runs") {
			t.Errorf("two batches at once: %v", err)
		}
		l.let(t)
	})
	if err := <-ended; err != nil || !stopped {
		t.Errorf("the first: %v", err)
	}
	got, err := apply(t, other, wOther)
	if err == nil || !strings.Contains(err.Error(), "another run of meshsync worked there") {
		t.Errorf("the other works on what it saw before: %v\n%s", err, got)
	}
	l.settles(t, want)
}

// TestALeaseThatIsStolen has it taken between two batches of a run, and amid one.
func TestALeaseThatIsStolen(t *testing.T) {
	l := newLab(t)
	steal := func(testing.TB) {
		l.Must(t, "printf 'thief\\n%s\\n300\\nsomebody\\n\\n\\n' $(($(date +%s)+300)) >"+leaseFile)
	}
	for _, amid := range []bool{false, true} {
		want := l.scene(t)
		h := l.target(t, want)
		w := l.ready(t, h, "first", want)
		if !amid {
			steal(t)
		} else {
			l.hook(t, 4, "mv")
			stopped, ended := l.at(t, h, w, func() { l.unhook(t); steal(t); l.let(t) })
			if err := <-ended; err != nil || !stopped {
				t.Errorf("a batch that had begun: %v", err)
			}
			w = plan.Work{Run: "first", Changes: w.Changes[:1]}
		}
		got, err := apply(t, h, w)
		var lost *mesh.Lost
		if !errors.As(err, &lost) || lost.To != "thief" {
			t.Errorf("without its lease: %v\n%s", err, got)
		}
		if err := h.Renew(t.Context()); !errors.As(err, &lost) {
			t.Errorf("renew: %v", err)
		}
		l.whole(t)
		l.Must(t, "rm "+leaseFile) // the thief gave it back
		l.settles(t, want)
	}
}
