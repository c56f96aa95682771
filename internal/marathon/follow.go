package marathon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// sent is what is known of a write that is followed.
type sent struct {
	id      string // its deployment; "" when it is not known
	version string // what the answer says that the app gets; "" when it is not known
	lost    bool   // no reply came
}

// follow waits until a change is done: its deployment is no longer listed, the app has
// the desired definition, no deployment of its own, and all its tasks. That the list
// of deployments is empty proves nothing by itself: right after a leader change it is,
// although deployments still run.
func (m *Marathon) follow(ctx context.Context, c diff.Change, s sent, say func(string)) ending {
	f := &follower{m: m, c: c, sent: s, deadline: m.o.Now().Add(m.o.Timeout), blind: true}
	last, how := "", ""
	a := &attention{app: c.Addr.Name, id: s.id}
	for ; ; f.looks++ {
		st, err := m.progress(ctx, c, s.id)
		switch {
		case ctx.Err() != nil: // then an error says nothing of Marathon
		case err != nil:
			st.waits, f.blind = "Marathon does not answer: "+err.Error(), true
		default:
			if end, over := f.over(ctx, st); over {
				return end
			}
			f.runs, f.blind = st.works, false
		}
		if ctx.Err() != nil {
			return f.left(plan.ResultUnknown, "its deployment was not followed to its end: "+last, errors.Is(context.Cause(ctx), errTooLong))
		}
		if st.waits+st.why != last {
			last = st.waits + st.why
			say(last)
		}
		moved := st.waits != how
		if moved { // something moves: the patience starts anew
			f.deadline = m.o.Now().Add(m.o.Timeout)
			how = st.waits
		} else if f.late() {
			return f.left(plan.ResultFailed, fmt.Sprintf("no progress for %s: %s", m.o.Timeout, last), true)
		}
		m.keep(ctx)
		m.await(ctx, a, st.running, moved && f.looks > 0, f.deadline.Sub(m.o.Now()), say) // a context that ended is seen above
	}
}

// ending is how a change ended.
type ending struct {
	result plan.Result
	text   string
	late   bool           // it was not waited for any longer
	runs   bool           // of one that is late: a deployment goes on
	none   bool           // Marathon did nothing
	moved  bool           // somebody else changed the app
	echo   map[string]any // the app as it was seen last
}

// goesOn says what to do about a deployment that is not waited for any longer.
func (e ending) goesOn(id string) string {
	switch {
	case !e.late:
		return ""
	case !e.runs:
		return "; no deployment works on it any more: mend the cause, then plan again"
	default:
		return fmt.Sprintf("; its deployment goes on and keeps the app locked: mend the cause, then apply again follows it; or cancel it in Marathon (DELETE /v2/deployments/%s), which rolls it back", cmp.Or(id, "ID"))
	}
}

// errTooLong ends a deployment that makes progress and comes to no end.
var errTooLong = errors.New("it takes too long")

// longestFollow is for how many times the patience with one that makes no progress a deployment is followed at all.
const longestFollow = 3

// following bounds how long a deployment is followed at all.
func (m *Marathon) following(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, m.o.Timeout*longestFollow, errTooLong)
}

// status is how far a change is.
type status struct {
	done    bool
	applied bool   // the app has the desired definition
	running bool   // its deployment is listed
	works   bool   // a deployment works on the app, be it this one or another
	behind  bool   // the app is as it was sent, and tasks run what was before
	waits   string // how far it is: as long as it stays the same, nothing moves
	why     string // what keeps it, which may differ each time
	old     bool   // the app is shown as it was before the write, or that it was not there
	gone    bool   // the app was there before, is not, and no deployment works on it
	echo    map[string]any
}

func (m *Marathon) progress(ctx context.Context, c diff.Change, id string) (status, error) {
	deployments, err := m.deployments(ctx)
	if err != nil {
		return status{}, err
	}
	var st status
	step := ""
	for _, d := range deployments {
		if d.ID == id {
			st.running = true
			step = fmt.Sprintf(", step %d of %d", d.CurrentStep, d.TotalSteps)
		}
		st.works = st.works || d.ID == id || slices.Contains(d.AffectedApps, c.Addr.Name)
	}
	echo, exists, err := m.app(ctx, c.Addr.Name)
	if err != nil {
		return st, err
	}
	st.echo = echo
	if c.After == nil {
		st.applied = !exists
		st.done = !exists && !st.running
		st.waits = "the app's tasks stop" + step
		st.old = exists && c.App != nil && echo["version"] == c.App.Version && !st.running
		return st, nil
	}
	if !exists {
		st.old = c.Action == diff.Create && !st.running
		st.waits = "the app is not there yet" + step
		if c.Before != nil {
			st.gone, st.waits = !st.works, "somebody deletes the app"+step
		}
		return st, nil
	}
	live, err := definition.LiveResource(m.o.Spec.Name, echo, m.info, m.mask)
	if err != nil {
		return st, err
	}
	c.After = diff.Keep(c.After, live.Attrs, c.Open)
	st.applied = len(m.remaining(c, live)) == 0
	st.works = st.works || len(live.App.Deployments) > 0
	st.tasks(c, live, outdated(echo), step)
	if st.old = c.App != nil && c.Action != diff.Finish && !st.applied && live.App.Version == c.App.Version; st.old {
		st.waits = "Marathon shows the app as it was before the write" + step
	}
	if !st.done && !st.running && !st.applied && !st.old && len(live.App.Deployments) == 0 {
		st.done = true // the deployment ended, and the definition is another: verified says so
	}
	if !st.done {
		st.why = m.queue(ctx, c, echo)
	}
	return st, nil
}

// leavesOld reports whether a change scales an app of which tasks run an older configuration: they stay as they are, as its plan says.
func leavesOld(c diff.Change) bool {
	return c.Action == diff.Update && c.App != nil && c.App.TasksOutdated > 0 && definition.EffectOf(c.Before, c.After, c.App).Restarts == 0
}

// tasks says whether all tasks are there, and how many of them are old.
func (st *status) tasks(c diff.Change, live mesh.Resource, old int, step string) {
	want, _ := c.After["instances"].(int64)
	_, checked := c.After["healthChecks"]
	a := live.App
	all := st.applied && !st.running && len(a.Deployments) == 0 && a.TasksRunning == int(want) && a.TasksStaged == 0 && a.TasksUnhealthy == 0 &&
		(!checked || a.TasksHealthy == int(want))
	st.done = all && (old == 0 || leavesOld(c))
	st.behind = st.applied && old > 0
	st.waits = fmt.Sprintf("%d of %d tasks run", a.TasksRunning, want)
	if checked {
		st.waits += fmt.Sprintf(", %d healthy", a.TasksHealthy)
	}
	if a.TasksUnhealthy > 0 {
		st.waits += fmt.Sprintf(", %d unhealthy", a.TasksUnhealthy)
	}
	if old > 0 {
		st.waits += fmt.Sprintf(", %d with an older configuration", old)
	}
	st.waits += step
}
