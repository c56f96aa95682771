package marathon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/secret"
)

// Apply does the changes of a work one after another and follows each deployment to
// its end. A change that fails or conflicts ends it; the rest is skipped. See package
// apply for how outcomes are emitted.
func (m *Marathon) Apply(ctx context.Context, w plan.Work, emit func(plan.Outcome)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.stillHolds(ctx); err != nil {
		return fmt.Errorf("marathon %s: %w: %w", m.o.Spec.Name, plan.ErrUntouched, err)
	}
	err := m.writeAhead(ctx, w)
	if errors.Is(err, errRecordMoved) {
		m.ahead = ahead{}
		for _, c := range w.Changes {
			emit(plan.Outcome{Subject: c.Addr.String(), Action: string(c.Action), Result: plan.ResultConflict, Message: "nothing was changed: " + err.Error()})
		}
		if len(w.Changes) > 0 {
			return nil // each of them tells it
		}
	}
	if err != nil {
		return fmt.Errorf("marathon %s: %w: %w", m.o.Spec.Name, plan.ErrUntouched, err)
	}
	failed := false
	for _, c := range w.Changes {
		o := plan.Outcome{Subject: c.Addr.String(), Action: string(c.Action)}
		if failed {
			o.Result, o.Message = plan.ResultSkipped, "not tried, because something before it failed"
			emit(o)
			continue
		}
		say := func(text string) {
			p := o
			p.Result, p.Message = plan.ResultProgress, withheld(text, c.Before, c.After)
			emit(p)
		}
		if c.Action != diff.Release {
			m.subscribe(ctx, c.Addr.Name, say)
		}
		o.Result, o.Message, o.Restarts = m.change(ctx, w, c, say)
		o.Message = withheld(o.Message, c.Before, c.After)
		failed = o.Result != plan.ResultDone
		emit(o)
	}
	if w.More && !failed {
		return nil
	}
	if err := m.settle(ctx); err != nil {
		return fmt.Errorf("marathon %s: %w", m.o.Spec.Name, err)
	}
	return nil
}

// change does one change: it looks again, writes, follows the deployment, and verifies.
func (m *Marathon) change(ctx context.Context, w plan.Work, c diff.Change, say func(string)) (plan.Result, string, *plan.Restarts) {
	address := c.Addr.String()
	switch c.Action {
	case diff.Release:
		m.ahead.now[address] = mesh.RecordEntry{}
		return plan.ResultDone, "", nil
	case diff.Finish:
		result, text := m.finish(ctx, w, c, say)
		return result, text, nil
	case diff.Restart:
		return m.restart(ctx, w, c, say)
	case diff.Create, diff.Update, diff.Replace, diff.Delete:
	}
	var versions map[string]bool
	if c.Before != nil && c.After != nil {
		versions = m.versionsOf(ctx, c.Addr.Name)
	}
	now, err := m.unmoved(ctx, c)
	var moved movedError
	if errors.As(err, &moved) {
		return plan.ResultConflict, string(moved), nil
	}
	if err != nil {
		return plan.ResultFailed, "nothing was written: " + err.Error(), nil
	}
	was := m.begin(address)
	wrote := m.write(ctx, c, now, versions, say)
	if wrote.late && m.o.OnDeadline == mesh.DeadlineRollback {
		wrote = m.rollBack(ctx, c, wrote, say)
	}
	if wrote.result == plan.ResultRolledBack {
		m.ahead.now[address] = was
	}
	if wrote.refused { // nothing is intended any more, and an app that somebody else makes is not taken for this one
		m.ahead.now[address] = was
	}
	if wrote.result != plan.ResultDone {
		return wrote.result, wrote.text, nil
	}
	m.ended(ctx, w, c)
	return wrote.result, wrote.text, restarts(c, wrote.before, wrote.echo)
}

// ended takes an app as it is now for the record.
func (m *Marathon) ended(ctx context.Context, w plan.Work, c diff.Change) {
	entry := mesh.RecordEntry{}
	if c.After != nil {
		entry = m.entry(w, c)
		entry.State = mesh.Holds
		if digest, ok := m.liveDigest(ctx, c); ok {
			entry.Digest = digest
		}
	}
	m.ahead.now[c.Addr.String()] = entry
}

// liveDigest is the digest of the app as it is now: what was sent, with the service
// ports that Marathon chose.
func (m *Marathon) liveDigest(ctx context.Context, c diff.Change) (string, bool) {
	echo, ok, err := m.app(ctx, c.Addr.Name)
	if !ok || err != nil {
		return "", false
	}
	live, err := definition.LiveResource(m.o.Spec.Name, echo, m.info, m.mask)
	return diff.Found(c.Addr, live.Attrs, c.Open), err == nil
}

func (m *Marathon) entry(w plan.Work, c diff.Change) mesh.RecordEntry {
	e := mesh.RecordEntry{Digest: mesh.AbsentDigest, Commit: w.Commit, Time: w.Time, Origin: mesh.Adopted, Open: c.Open}
	if c.After != nil {
		e.Digest = diff.Applied(mesh.Resource{Addr: c.Addr, Attrs: c.After, Open: c.Open})
	}
	if was, ok := m.rec.record.Entries[c.Addr.String()]; ok && was.Origin != "" {
		e.Origin = was.Origin
	} else if c.Before == nil {
		e.Origin = mesh.Created
	}
	return e
}

// movedError says how an app is no longer what a change was planned on.
type movedError string

func (e movedError) Error() string { return string(e) }

// unsentError is of a look between two tries of a write: whatever it says of its own request, the write was refused before, and
// not sent again.
type unsentError struct{ error }

func (e unsentError) Error() string { return "nothing was written: " + e.error.Error() }
func (e unsentError) Unwrap() error { return e.error }

// unmoved reads the app, as it is immediately before a write. The error is a movedError when
// it is no longer what the change was planned on.
func (m *Marathon) unmoved(ctx context.Context, c diff.Change) (now map[string]any, err error) {
	now, exists, err := m.app(ctx, c.Addr.Name)
	if err != nil {
		return nil, err
	}
	if why := m.moved(c, now, exists); why != "" {
		return nil, movedError(why)
	}
	return now, nil
}

// moved compares the app with what the change was planned on.
func (m *Marathon) moved(c diff.Change, now map[string]any, exists bool) string {
	switch {
	case c.Before == nil && exists:
		return "the app exists by now: somebody made it since the plan"
	case c.Before == nil:
		return ""
	case !exists:
		return "the app is gone by now: somebody deleted it since the plan"
	}
	live, err := definition.LiveResource(m.o.Spec.Name, now, m.info, m.mask)
	if err != nil {
		return err.Error()
	}
	fields := diff.Apart(c.Before, live.Attrs, c.Open)
	if len(fields) == 0 {
		return ""
	}
	return "somebody changed the app since the plan: " + pathsText(fields)
}

// wrote is what came of a write.
type wrote struct {
	ending

	refused bool           // nothing was changed
	id      string         // the deployment; "" when it is not known
	before  map[string]any // the app as it was immediately before
}

// write sends the change and follows its deployment. versions are those that there were before the last look.
func (m *Marathon) write(ctx context.Context, c diff.Change, now map[string]any, versions map[string]bool, say func(string)) wrote {
	ctx, cancel := m.following(ctx)
	defer cancel()
	var answer answered
	var header http.Header
	err := m.retryLocked(ctx, func(again bool) error {
		var err error
		if again { // who held the lock may have changed the app, and the wait was long
			if err = m.stillHolds(ctx); err != nil {
				return unsentError{err}
			}
			if versions != nil {
				versions = m.versionsOf(ctx, c.Addr.Name)
			}
			if now, err = m.unmoved(ctx, c); err != nil {
				return unsentError{err}
			}
		}
		body, err := m.body(c, now)
		if err != nil {
			return err
		}
		switch {
		case c.After == nil:
			_, err = m.api.call(ctx, http.MethodDelete, pathOf(c.Addr.Name)+"?force=false", nil, &answer)
		case c.Before == nil:
			_, err = m.api.call(ctx, http.MethodPost, "/v2/apps", body, &answer)
		default:
			header, err = m.api.call(ctx, http.MethodPut, pathOf(c.Addr.Name)+"?partialUpdate=false", body, &answer)
		}
		return err
	}, m.keep, say)
	id := answer.deployment()
	var a *apiError
	var r *reachError
	var moved movedError
	switch {
	case err == nil:
	case errors.As(err, &moved):
		return wrote{ending: ending{result: plan.ResultConflict, text: string(moved)}, refused: true}
	case errors.As(err, new(unsentError)):
		return wrote{ending: ending{result: plan.ResultFailed, text: err.Error()}, refused: true}
	case errors.As(err, &r) && r.sent:
		say("no reply came; looking whether it was done: " + err.Error())
	case errors.As(err, &a) && a.status == http.StatusConflict && len(a.deployments) == 0:
		return wrote{ending: ending{result: plan.ResultConflict, text: "the app exists by now: " + a.message}, refused: true}
	case errors.As(err, &a) && a.status == http.StatusNotFound && c.After == nil:
		return wrote{ending: ending{result: plan.ResultDone, text: "it was gone already"}}
	default:
		return wrote{ending: ending{result: plan.ResultFailed, text: err.Error()}, refused: a == nil || a.status < http.StatusInternalServerError}
	}
	lost := ""
	if answer.Version != "" { // what comes while it is followed is not overwritten
		on, _ := now["version"].(string)
		lost = m.overwritten(ctx, c, versions, on, answer.Version)
	}
	if header.Get("Location") != "" { // of a PUT this is said of an app that was not there
		lost = "somebody deleted the app between the look and the write, which made it anew"
	}
	end := m.follow(ctx, since(c, now), sent{id: id, version: answer.Version, lost: err != nil}, say)
	if m.o.OnDeadline != mesh.DeadlineRollback {
		end.text += end.goesOn(id)
	}
	if lost != "" {
		end.text = strings.TrimPrefix(end.text+"; "+lost, "; ")
	}
	return wrote{ending: end, refused: end.none, id: id, before: now}
}

// since is the change with the version that the app had immediately before the write: somebody may have scaled it
// since the plan.
func since(c diff.Change, now map[string]any) diff.Change {
	version, ok := now["version"].(string)
	if c.App == nil || !ok {
		return c
	}
	app := *c.App
	app.Version = version
	c.App = &app
	return c
}

// answered is the answer to a write.
type answered struct {
	DeploymentID string `json:"deploymentId"`
	Version      string `json:"version"`
	Deployments  []struct {
		ID string `json:"id"`
	} `json:"deployments"`
}

// deployment is the id of the deployment that a write began.
func (a answered) deployment() string {
	if a.DeploymentID == "" && len(a.Deployments) > 0 {
		return a.Deployments[0].ID
	}
	return a.DeploymentID
}

// body is what is sent: the canonical form, with the fields that others own as they are now,
// spelt as the live app is, and what meshsync does not know of that.
func (m *Marathon) body(c diff.Change, now map[string]any) (map[string]any, error) {
	if c.After == nil {
		return nil, nil //nolint:nilnil // a deletion has none
	}
	after := c.After
	if now != nil && len(c.Open) > 0 {
		live, err := definition.LiveResource(m.o.Spec.Name, now, m.info, m.mask)
		if err != nil {
			return nil, err
		}
		after = diff.Keep(after, live.Attrs, c.Open)
	}
	form, _ := revealed(after.Clone()).(map[string]any)
	return definition.Body(form, now, m.info)
}

// revealed replaces secret leaves by their text: this is the target that owns them.
func revealed(v any) any {
	switch v := v.(type) {
	case secret.Value:
		return v.Reveal()
	case mesh.Tree:
		return revealed(map[string]any(v))
	case map[string]any:
		for k, x := range v {
			v[k] = revealed(x)
		}
		return v
	case []any:
		for i, x := range v {
			v[i] = revealed(x)
		}
		return v
	default:
		return v
	}
}
