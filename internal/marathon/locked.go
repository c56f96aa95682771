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

// lockPoll is how long a lock or the limit of deployments is waited for between tries.
const lockPoll = time.Second

// retryLocked repeats a write that a running deployment, or the limit of them, keeps
// from being done. force is never used.
func (m *Marathon) retryLocked(ctx context.Context, write func() error, say func(string)) error {
	deadline := m.o.Now().Add(m.o.Timeout)
	said := ""
	for {
		err := write()
		var a *apiError
		if err == nil || !errors.As(err, &a) {
			return err
		}
		text := ""
		switch {
		case a.status == http.StatusConflict && len(a.deployments) > 0:
			text = "the app is locked by " + m.lockText(ctx, a.deployments)
		case a.status == http.StatusForbidden && a.full():
			text = a.message
		default:
			return err
		}
		if !m.o.Now().Before(deadline) {
			return fmt.Errorf("%s, and still is after %s", text, m.o.Timeout)
		}
		if text != said {
			say("waiting: " + text)
			said = text
		}
		if perr := pause(ctx, min(lockPoll, m.o.Poll)); perr != nil {
			return fmt.Errorf("%s: %w", text, perr)
		}
	}
}

// atLimit reports whether a write was refused because too many deployments run, which is no lack of permission.
func atLimit(err error) bool {
	var a *apiError
	return errors.As(err, &a) && a.status == http.StatusForbidden && strings.Contains(a.message, "Max number")
}

// lockText names the deployments that hold an app: since when, of which apps, and how far each is.
func (m *Marathon) lockText(ctx context.Context, ids []string) string {
	listed, err := m.deployments(ctx)
	if err != nil {
		listed = nil // the answer of 409 named them, which is what matters
	}
	var out []string
	for _, id := range ids {
		text := "deployment " + oneLine(id)
		if i := slices.IndexFunc(listed, func(d mesh.Deployment) bool { return d.ID == id }); i >= 0 {
			text += deploymentText(listed[i])
		} else if err == nil {
			text += ", which has just ended"
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
