package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/plan"
)

func TestTheTruthOfARun(t *testing.T) {
	t.Parallel()
	done := func(subject string, predicted, observed int) Event {
		return Event{Type: Done, Subject: subject, Action: "update", Restarts: &plan.Restarts{Predicted: predicted, Observed: observed}}
	}
	got := Fold([]Event{done("a", 4, 4), done("b", 4, 2), done("c", 0, 1), done("d", 0, 0)}).Truth
	want := &Truth{Restarts: 9, Held: 6, Differs: []TruthDiffers{{Subject: "b", Predicted: 4, Observed: 2}, {Subject: "c", Observed: 1}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := Fold([]Event{{Type: Done, Subject: "m1"}}).Truth; got != nil {
		t.Errorf("%+v", got)
	}
}
