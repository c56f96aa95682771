package mesh

import "testing"

func TestAWorkerCameWithAStartOrAReload(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name            string
		started, worker int64 // seconds; 0 for no worker
		changed         int64
		learned, want   bool
	}{
		{"no child", 100, 0, 100, false, false},
		{"no child any more", 100, 0, 100, true, false},
		{"with the start", 100, 101, 0, false, true},
		{"with a reload", 100, 900, 899, false, true},
		{"at some other time", 100, 900, 500, false, false},
		{"at some other time, where a worker was seen to come", 100, 900, 500, true, true},
		{"with a start that took long", 100, 130, 131, false, true},
	} {
		p := Process{StartedAt: x.started * 1e9, ChangedAt: x.changed * 1e9}
		if x.worker != 0 {
			p.Worker = &Process{StartedAt: x.worker * 1e9}
		}
		if got := p.RenewsWorkers(x.learned); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
}
