package marathon

import (
	"context"
	"errors"
	"net/http"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/plan"
)

// restart replaces the tasks of an app of which some run an older configuration: to write the
// same definition again would do nothing. A restart done twice is one too many, so it is
// asked for only while the app has the version that the plan was made on, which each restart
// changes; after a reply that did not come, that tells whether it was taken.
func (m *Marathon) restart(ctx context.Context, w plan.Work, c diff.Change, say func(string)) (plan.Result, string, *plan.Restarts) {
	now, stale, err := m.stillStale(ctx, c)
	var moved movedError
	switch {
	case errors.As(err, &moved):
		return plan.ResultConflict, string(moved), nil
	case err != nil:
		return plan.ResultFailed, "nothing was written: " + err.Error(), nil
	}
	was := m.begin(c.Addr.String())
	if !stale {
		m.ended(ctx, w, c)
		return plan.ResultDone, errFresh.Error(), nil
	}
	ctx, cancel := m.following(ctx)
	defer cancel()
	wrote := m.restarted(ctx, c, now, say)
	if wrote.refused {
		m.ahead.now[c.Addr.String()] = was
	}
	if wrote.result != plan.ResultDone {
		return wrote.result, wrote.text, nil
	}
	m.ended(ctx, w, c)
	return wrote.result, wrote.text, restarts(c, wrote.before, wrote.echo)
}

// errFresh says that nothing is left to restart.
var errFresh = errors.New("its tasks run the configuration that it has by now")

// restarted asks for the restart of the app, as it is now, and follows its deployment.
func (m *Marathon) restarted(ctx context.Context, c diff.Change, now map[string]any, say func(string)) wrote {
	var answer answered
	err := m.retryLocked(ctx, func(again bool) error {
		if again { // what held the lock may have replaced the tasks
			if err := m.stillHolds(ctx); err != nil {
				return unsentError{err}
			}
			var stale bool
			var err error
			if now, stale, err = m.stillStale(ctx, c); err != nil {
				return unsentError{err}
			}
			if !stale {
				return errFresh
			}
		}
		_, err := m.api.call(ctx, http.MethodPost, pathOf(c.Addr.Name)+"/restart?force=false", nil, &answer)
		return err
	}, m.keep, say)
	var r *reachError
	var a *apiError
	var moved movedError
	switch {
	case err == nil:
	case errors.Is(err, errFresh):
		return wrote{ending: ending{result: plan.ResultDone, text: err.Error()}}
	case errors.As(err, &moved):
		return wrote{ending: ending{result: plan.ResultConflict, text: string(moved)}, refused: true}
	case errors.As(err, new(unsentError)):
		return wrote{ending: ending{result: plan.ResultFailed, text: err.Error()}, refused: true}
	case errors.As(err, &r) && r.sent:
		say("no reply came; looking whether it was done: " + err.Error())
		if !m.taken(ctx, c) {
			return wrote{ending: ending{result: plan.ResultUnknown, text: "no reply came to the restart, and the app does not show it: the next run looks again"}}
		}
	default:
		return wrote{ending: ending{result: plan.ResultFailed, text: err.Error()}, refused: !errors.As(err, &a) || a.status < http.StatusInternalServerError}
	}
	id := answer.deployment()
	end := m.follow(ctx, c, sent{id: id}, say)
	end.text += end.goesOn(id)
	if end.result == plan.ResultDone {
		end.result, end.text = m.allFresh(ctx, c)
	}
	return wrote{ending: end, before: now}
}

// stillStale reads the app with what its tasks run. The error is a movedError when it is no
// longer what the restart was planned on.
func (m *Marathon) stillStale(ctx context.Context, c diff.Change) (now map[string]any, stale bool, err error) {
	now, exists, err := m.appWith(ctx, c.Addr.Name, "?embed=app.taskStats")
	if err != nil {
		return nil, false, err
	}
	if why := m.moved(c, now, exists); why != "" {
		return nil, false, movedError(why)
	}
	live, err := definition.LiveResource(m.o.Spec.Name, now, m.info, m.mask)
	if err != nil {
		return nil, false, err
	}
	if c.App != nil && live.App.Version != c.App.Version && live.App.TasksOutdated > 0 {
		return nil, false, movedError("somebody wrote or restarted the app since the plan: its version is " + live.App.Version + " and was " + c.App.Version)
	}
	return now, live.App.TasksOutdated > 0, nil
}

// taken looks a few times whether a restart was taken whose reply did not come.
func (m *Marathon) taken(ctx context.Context, c diff.Change) bool {
	for range 4 {
		now, ok, err := m.app(ctx, c.Addr.Name)
		if version, _ := now["version"].(string); err == nil && ok && c.App != nil && version != c.App.Version {
			return true
		}
		if pause(ctx, m.o.Poll) != nil {
			return false
		}
	}
	return false
}

// allFresh tells whether the restart replaced what it was for: a deployment may have been
// cancelled, too.
func (m *Marathon) allFresh(ctx context.Context, c diff.Change) (plan.Result, string) {
	_, stale, err := m.stillStale(ctx, c)
	switch {
	case err == nil && !stale:
		return plan.ResultDone, ""
	case err != nil && !errors.As(err, new(movedError)):
		return plan.ResultUnknown, "the restart ended, and what runs now was not seen: " + err.Error()
	default:
		return plan.ResultFailed, "the deployment of the restart ended, and tasks still run the older configuration: it was cancelled; plan again"
	}
}
