package marathon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

// retryLocked repeats a write that a running deployment, or the limit of them, keeps from being done, each time that
// what kept it is seen to be over: Marathon makes events of each write that it refuses, for everybody who listens. write is told
// whether it is tried again, after a wait in which much may have changed. meanwhile is called now and then while it waits.
// force is never used.
func (m *Marathon) retryLocked(ctx context.Context, write func(again bool) error, meanwhile func(context.Context), say func(string)) error {
	deadline, said := m.o.Now().Add(m.o.Timeout), ""
	tell := func(text string) {
		if text != said {
			say("waiting: " + text)
			said = text
		}
	}
	for tries := 0; ; tries++ {
		err := write(tries > 0)
		var a *apiError
		if err == nil || !errors.As(err, &a) {
			return err
		}
		o, ok := obstacleOf(a)
		if !ok {
			return err
		}
		if err := m.over(ctx, o, tries, deadline, meanwhile, tell); err != nil {
			return err
		}
	}
}

// over waits until an obstacle is no longer listed. One that is not listed at all may be a short lock of Marathon's own, or one
// of which a new leader has not told yet: then it waits longer after each try.
func (m *Marathon) over(ctx context.Context, o obstacle, tries int, deadline time.Time, meanwhile func(context.Context), tell func(string)) error {
	const longestLook, longestTry = 3, 6 // doublings of a poll
	for looks := 0; ; looks++ {
		listed, err := m.deployments(ctx)
		free := err == nil && o.over(listed)
		if free && looks > 0 {
			return nil
		}
		text := o.text(listed, err == nil)
		tell(text)
		if !m.o.Now().Before(deadline) {
			return fmt.Errorf("%s, and still is after %s", text, m.o.Timeout)
		}
		wait := m.o.Poll << min(looks, longestLook)
		if free {
			wait = m.o.Poll << min(tries, longestTry)
		}
		if perr := pause(ctx, wait); perr != nil {
			return fmt.Errorf("%s: %w", text, perr)
		}
		if meanwhile(ctx); free {
			return nil
		}
	}
}

// waitsOnly is the meanwhile of who has nothing to do while it waits.
func waitsOnly(context.Context) {}

// obstacle is what keeps a write from being done.
type obstacle struct {
	holders []string // the deployments that hold the app
	limit   int      // of deployments, where it is reached; 0 when the answer does not tell it
	message string   // what Marathon says of the limit; "" of a lock
}

// obstacleOf reads it from the answer to a write; ok is false of any other answer.
func obstacleOf(a *apiError) (o obstacle, ok bool) {
	switch {
	case a.status == http.StatusConflict && len(a.deployments) > 0:
		return obstacle{holders: a.deployments}, true
	case a.status == http.StatusForbidden && a.full():
		o.message = a.message
		_, _ = fmt.Sscanf(a.message, "Max number (%d)", &o.limit)
		return o, true
	default:
		return obstacle{}, false
	}
}

// over reports whether it is gone from the list of deployments.
func (o obstacle) over(listed []mesh.Deployment) bool {
	if o.message != "" {
		return o.limit == 0 || len(listed) < o.limit
	}
	return !slices.ContainsFunc(listed, func(d mesh.Deployment) bool { return slices.Contains(o.holders, d.ID) })
}

// text names it; seen says that the list was read.
func (o obstacle) text(listed []mesh.Deployment, seen bool) string {
	if o.message != "" {
		return o.message
	}
	return "the app is locked by " + lockText(o.holders, listed, seen)
}

// atLimit reports whether a write was refused because too many deployments run, which is no lack of permission.
func atLimit(err error) bool {
	var a *apiError
	return errors.As(err, &a) && a.status == http.StatusForbidden && strings.Contains(a.message, "Max number")
}

// lockText names the deployments that hold an app: since when, of which apps, and how far each is.
func lockText(ids []string, listed []mesh.Deployment, seen bool) string {
	var out []string
	for _, id := range ids {
		text := "deployment " + oneLine(id)
		if i := slices.IndexFunc(listed, func(d mesh.Deployment) bool { return d.ID == id }); i >= 0 {
			text += deploymentText(listed[i])
		} else if seen {
			text += ", which is not listed (any more)"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// deploymentText says of which apps a deployment is, since when and how far. Its version is when it was
// made; of one that takes another back it is that of what it goes back to.
func deploymentText(d mesh.Deployment) string {
	const shown = 3
	apps := d.AffectedApps
	if len(apps) > shown {
		apps = append(slices.Clone(apps[:shown]), fmt.Sprintf("%d more", len(apps)-shown))
	}
	text := ""
	if len(apps) > 0 {
		text += " of " + oneLine(strings.Join(apps, ", "))
	}
	if d.Version != "" {
		text += " since " + oneLine(d.Version)
	}
	if d.TotalSteps > 0 {
		text += fmt.Sprintf(", at step %d of %d", d.CurrentStep, d.TotalSteps)
	}
	if d.Action != "" {
		text += " (" + oneLine(d.Action) + ")"
	}
	return text
}
