package apply

import (
	"context"

	"meshsync.dev/meshsync/internal/plan"
)

// rollBack takes back what a batch did that failed, under the gates of the batch, and reports whether all is
// as it was before. What ended unseen is not guessed at, and without the lease nothing is written.
func (r *runner) rollBack(ctx context.Context, at Event, b plan.Batch) bool {
	if r.failure != nil || ctx.Err() != nil || r.lost.Load() != nil {
		return false
	}
	undo := b.Undo(r.did)
	if len(undo.Changes) == 0 {
		return false
	}
	if r.unseen {
		at.Type, at.Action = Failed, "roll back"
		at.Message = "not rolled back: the end of something was not seen, so nobody knows what there is to take back; the next run looks"
		r.event(at)
		return false
	}
	served, ok := r.before(ctx, at, undo)
	if !ok {
		return false
	}
	r.undoing = true
	defer func() { r.undoing = false }()
	start := at
	start.Type, start.Message = BatchStart, "roll back the "+batchText(undo)
	r.event(start)
	return r.failure == nil && r.act(ctx, at, undo, nil) && r.after(ctx, at, undo, served)
}

const putBack = "put back"

// takenBack is how an action of a batch is told of that takes another one back.
func takenBack(o plan.Outcome) plan.Outcome {
	o.Action = backAction(o.Action)
	if o.Result == plan.ResultDone {
		o.Result = plan.ResultRolledBack
	}
	return o
}

// backAction names the action: "put back" of what was written, "restart again" of a service.
func backAction(action string) string {
	if action == string(plan.OpRestart) || action == string(plan.OpReload) {
		return action + " again"
	}
	return putBack
}
