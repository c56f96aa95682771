package marathon

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// rollBack takes an app whose deployment does not end back to its definition of before. While that deployment
// runs it locks the app, and what Marathon offers without force is to revert it, by a deployment of its own; where it
// runs no more the definition is put. Only what this run, or one that did not see its end, wrote is taken back.
func (m *Marathon) rollBack(ctx context.Context, c diff.Change, late wrote, say func(string)) wrote {
	failed := func(why string) wrote {
		late.result, late.text = plan.ResultFailed, late.text+"; not rolled back: "+why+late.goesOn(late.id)
		return late
	}
	switch {
	case c.Before == nil:
		return failed("the app is new, so that there is nothing to go back to; it is left with the tasks that run")
	case c.After == nil:
		return failed("what is being deleted is not brought back")
	}
	if err := m.stillHolds(ctx); err != nil {
		return failed(err.Error())
	}
	ctx, cancel := m.following(ctx)
	defer cancel()
	was, err := definition.LiveResource(m.o.Spec.Name, late.before, m.info, m.mask)
	if err != nil {
		return failed(err.Error())
	}
	sent := diff.Keep(c.After, was.Attrs, c.Open)
	back := diff.Change{Addr: c.Addr, Action: diff.Update, Class: c.Class, Before: sent, After: c.Before, Open: map[string]string{}}
	for field := range c.Open { // as it was, also where git does not allow that
		back.Open[field] = "any"
	}
	say("rolling back: " + late.text)
	reverts, why := m.reverts(ctx, back, late.id)
	if why != "" {
		return failed(why)
	}
	end := ending{result: plan.ResultFailed}
	if reverts != "" {
		end = m.revert(ctx, back, reverts, say)
	}
	if end.result == plan.ResultFailed && !end.late { // it ended meanwhile, or did not bring back what was there
		end = m.putBack(ctx, back, late.before, say)
	}
	if end.moved { // then its deployment runs no more
		late.result, late.text = plan.ResultFailed, late.text+"; not rolled back: "+end.text+"; plan again"
		return late
	}
	if end.result != plan.ResultDone {
		late.result = end.result
		late.text += "; the roll back did not come to its end: " + end.text + "; nothing more is done to the app: look at it and at its deployment in Marathon, then plan again"
		return late
	}
	late.result = plan.ResultRolledBack
	late.text += "; its definition of before is there again, with all its tasks. Mend the cause, then apply again"
	return late
}

// reverts finds the deployment that is to be reverted; "" when none runs. why says what keeps the app from being rolled back.
func (m *Marathon) reverts(ctx context.Context, back diff.Change, id string) (found, why string) {
	name := back.Addr.Name
	if now, err := m.progress(ctx, diff.Change{Addr: back.Addr, After: back.Before, Open: back.Open}, id); err != nil {
		return "", err.Error()
	} else if !now.applied {
		return "", "the app is no longer as it was sent: somebody changed it"
	}
	all, err := m.deployments(ctx)
	if err != nil {
		return "", err.Error()
	}
	for _, d := range all {
		switch {
		case !slices.Contains(d.AffectedApps, name):
		case len(d.AffectedApps) > 1:
			return "", "deployment " + oneLine(d.ID) + deploymentText(d) + " is of other apps, too"
		case id != "" && d.ID != id:
			return "", "another deployment holds the app: " + oneLine(d.ID) + deploymentText(d)
		default:
			found = d.ID
		}
	}
	return found, ""
}

// revert has a deployment reverted, and follows the one that does it.
func (m *Marathon) revert(ctx context.Context, back diff.Change, id string, say func(string)) ending {
	var answer answered
	_, err := m.api.call(ctx, http.MethodDelete, "/v2/deployments/"+id+"?force=false", nil, &answer)
	return m.goneBack(ctx, back, answer, err, say)
}

// putBack writes the definition of before. Nothing locks the app any more, or somebody else's deployment does, so before
// each try it is looked at: what is neither as it was sent nor as before is somebody's.
func (m *Marathon) putBack(ctx context.Context, back diff.Change, before map[string]any, say func(string)) ending {
	var answer answered
	err := m.retryLocked(ctx, func(bool) error {
		if err := m.stillHolds(ctx); err != nil {
			return unsentError{err}
		}
		now, there, err := m.ours(ctx, back)
		if err != nil {
			return unsentError{err}
		}
		if there {
			return nil
		}
		body, err := m.bodyBack(back, before, now)
		if err != nil {
			return err
		}
		_, err = m.api.call(ctx, http.MethodPut, pathOf(back.Addr.Name)+"?partialUpdate=false", body, &answer)
		return err
	}, m.keep, say)
	return m.goneBack(ctx, back, answer, err, say)
}

// ours reads an app that is to be put back; there says that it is as before already. The error is a movedError when it is
// somebody's by now.
func (m *Marathon) ours(ctx context.Context, back diff.Change) (now mesh.Tree, there bool, err error) {
	echo, exists, err := m.app(ctx, back.Addr.Name)
	if err != nil {
		return nil, false, err
	}
	if !exists {
		return nil, false, movedError("somebody deleted it meanwhile")
	}
	live, err := definition.LiveResource(m.o.Spec.Name, echo, m.info, m.mask)
	if err != nil {
		return nil, false, err
	}
	sent := diff.Change{After: back.Before, Open: back.Open}
	left := m.remaining(sent, live)
	if len(left) > 0 && len(m.remaining(back, live)) > 0 {
		return nil, false, movedError("somebody changed it meanwhile: " + pathsText(left))
	}
	return live.Attrs, len(left) > 0, nil
}

// bodyBack is the definition of before, with what others own as they have set it since the write.
func (m *Marathon) bodyBack(back diff.Change, before map[string]any, now mesh.Tree) (map[string]any, error) {
	was, err := definition.LiveResource(m.o.Spec.Name, before, m.info, m.mask)
	if err != nil {
		return nil, err
	}
	theirs := map[string]string{}
	for field, how := range back.Open {
		path := mesh.FieldPath(field)
		is, _ := now.At(path)
		if sent, _ := back.Before.At(path); !mesh.EqualValues(is, sent) {
			theirs[field] = how
		}
	}
	back.After = diff.Keep(diff.Keep(back.After, was.Attrs, back.Open), now, theirs)
	back.Open = nil
	return m.body(back, before)
}

// goneBack follows a roll back that was sent.
func (m *Marathon) goneBack(ctx context.Context, back diff.Change, answer answered, err error, say func(string)) ending {
	var r *reachError
	var moved movedError
	lost := errors.As(err, &r) && r.sent && !errors.As(err, new(unsentError))
	if errors.As(err, &moved) {
		return ending{result: plan.ResultFailed, text: string(moved), moved: true}
	}
	if err != nil && !lost {
		return ending{result: plan.ResultFailed, text: err.Error()}
	}
	return m.follow(ctx, back, sent{id: answer.deployment(), lost: lost}, func(text string) { say("rolling back: " + text) })
}
