package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

func lease(run string) mesh.Lease {
	return mesh.Lease{Run: run, Who: "it's $(me)@here", Job: "https://ci.example.com/1?a=b&c", Process: "boot space 1 2"}
}

// leaseUntil writes the lease file of a run as it would be at another time.
func (b *box) leaseUntil(run string, until time.Time) {
	b.put("/var/lib/meshsync/prod/lease", fmt.Sprintf("%s\n%d\n300\nsomebody\n\n\n", run, until.Unix()))
}

func TestALeaseIsOfOneRun(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		ctx := context.Background()
		first, second := b.host(), b.host()
		if err := first.Take(ctx, lease("r1")); err != nil {
			t.Fatal(err)
		}
		err := second.Take(ctx, lease("r2"))
		var held *mesh.Held
		if !errors.As(err, &held) || held.By != lease("r1") || held.Left <= 0 || held.Left > mesh.LeaseTime {
			t.Fatalf("%v %+v", err, held)
		}
		if err := first.Renew(ctx); err != nil {
			t.Errorf("renew: %v", err)
		}
		if err := second.Release(ctx); err == nil || !strings.Contains(err.Error(), "plain word") {
			t.Errorf("it gave back what it never had: %v", err)
		}
		if err := first.Release(ctx); err != nil {
			t.Fatal(err)
		}
		if err := second.Take(ctx, lease("r2")); err != nil {
			t.Fatal(err)
		}
		var lost *mesh.Lost
		if err := first.Renew(ctx); !errors.As(err, &lost) || lost.To != "r2" {
			t.Errorf("renew of what another run has: %v", err)
		}
		if err := first.Release(ctx); err != nil {
			t.Error(err)
		}
		if err := second.Renew(ctx); err != nil {
			t.Errorf("a run gave back the lease of another: %v", err)
		}
	})
}

func TestALeaseEndsByItself(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		in    time.Duration
		taken bool
	}{
		"expired":                    {-time.Second, true},
		"not yet":                    {2 * time.Minute, false},
		"from before a clock's step": {365 * 24 * time.Hour, true},
		"from after a clock's step":  {-365 * 24 * time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			b.leaseUntil("other", time.Now().Add(x.in))
			err := b.host().Take(context.Background(), lease("r1"))
			var held *mesh.Held
			if x.taken && err != nil || !x.taken && !errors.As(err, &held) {
				t.Errorf("%v", err)
			}
		})
	}
	b := newBox(t)
	b.put("/var/lib/meshsync/prod/lease", "half a lea")
	if err := b.host().Take(context.Background(), lease("r1")); err != nil {
		t.Errorf("a damaged lease: %v", err)
	}
	b.leaseUntil("killed", time.Now().Add(time.Minute))
	over := lease("r2")
	over.Over = "killed"
	if err := b.host().Take(context.Background(), over); err != nil {
		t.Errorf("a run that is known to have ended: %v", err)
	}
}

func TestOneOfManyTakesAnExpiredLease(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		b.leaseUntil("other", time.Now().Add(-time.Minute))
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 8 {
			h := b.host()
			wg.Go(func() {
				err := h.Take(context.Background(), lease(fmt.Sprintf("r%d", i)))
				var held *mesh.Held
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case !errors.As(err, &held):
					t.Errorf("r%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d runs took the lease", won)
		}
	})
}

func TestABatchWithoutItsLeaseDoesNothing(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		ctx := context.Background()
		want := []mesh.Resource{directory("/d", false)}
		for name, lose := range map[string]func(){
			"taken": func() { b.leaseUntil("r2", time.Now().Add(time.Minute)) },
			"gone":  func() { _ = os.Remove(b.path("/var/lib/meshsync/prod/lease")) },
		} {
			h := b.host(want...)
			w := planned(t, h, want)
			if err := h.Take(ctx, mesh.Lease{Run: w.Run, Over: "r2"}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			lose()
			got, err := results(t, h, w)
			var lost *mesh.Lost
			if !errors.As(err, &lost) || got["create /d"].Result != plan.ResultFailed {
				t.Errorf("%s: %v %+v", name, err, got)
			}
			if _, err := os.Stat(b.path("/d")); err == nil {
				t.Errorf("%s: it was written all the same", name)
			}
		}
		h := b.host(want...)
		w := planned(t, h, want)
		if err := h.Take(ctx, mesh.Lease{Run: w.Run, Over: "r2"}); err != nil {
			t.Fatal(err)
		}
		b.leaseUntil("r1", time.Now().Add(-time.Minute)) // nobody took it meanwhile
		if got, err := results(t, h, w); err != nil || got["create /d"].Result != plan.ResultDone {
			t.Errorf("with its lease: %v %+v", err, got)
		}
	})
}

func TestALeaseThatCannotBeWrittenIsNamed(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.put("/var/lib/meshsync/prod", "a file in the way")
	if err := b.host().Take(context.Background(), lease("r1")); err == nil || !strings.Contains(err.Error(), "lease cannot be written") {
		t.Errorf("%v", err)
	}
}
