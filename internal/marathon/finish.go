package marathon

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// finish follows the deployment of an app that an earlier run wrote. At the deadline it does what policy says, as the run
// itself would have.
func (m *Marathon) finish(ctx context.Context, w plan.Work, c diff.Change, say func(string)) (plan.Result, string) {
	id := ""
	if c.App != nil && len(c.App.Deployments) > 0 {
		id = c.App.Deployments[0]
	}
	end := m.followed(ctx, c, id, say)
	switch {
	case end.result == plan.ResultDone:
		m.ended(ctx, w, c)
	case end.late && m.o.OnDeadline == mesh.DeadlineRollback:
		return m.takeBack(ctx, c, wrote{ending: end, id: id}, say)
	}
	return end.result, end.text + end.goesOn(id)
}

func (m *Marathon) followed(ctx context.Context, c diff.Change, id string, say func(string)) ending {
	ctx, cancel := m.following(ctx)
	defer cancel()
	return m.follow(ctx, c, sent{id: id}, say)
}

// takeBack rolls back what an earlier run wrote. The definition of before is the version of the app that has
// the digest which the record kept of it.
func (m *Marathon) takeBack(ctx context.Context, c diff.Change, late wrote, say func(string)) (plan.Result, string) {
	entry := m.rec.record.Entries[c.Addr.String()]
	c.Before = nil
	if entry.Was != mesh.AbsentDigest {
		was, why := m.replaced(ctx, c, entry)
		if why == "" {
			why = m.writtenSince(ctx, c, was)
		}
		if why != "" {
			return late.result, late.text + "; not rolled back: " + why + late.goesOn(late.id)
		}
		c.Before, late.before = was.form, was.echo
	}
	late = m.rollBack(ctx, c, late, say)
	if late.result == plan.ResultRolledBack {
		entry.Digest, entry.Was, entry.State = entry.Was, "", mesh.Holds
		m.ahead.now[c.Addr.String()] = entry
	}
	return late.result, late.text
}

// earlier is what an app was before an earlier run wrote it.
type earlier struct {
	form mesh.Tree
	echo map[string]any
	made string // the version that the app got by that write; "" when it is not kept
}

// replaced looks for what the record says that an app was before a write, the newest version first.
func (m *Marathon) replaced(ctx context.Context, c diff.Change, entry mesh.RecordEntry) (was earlier, why string) {
	versions := m.versionsOf(ctx, c.Addr.Name)
	for _, v := range newestFirst(versions) {
		var echo map[string]any
		if _, err := m.api.call(ctx, http.MethodGet, pathOf(c.Addr.Name)+"/versions/"+url.PathEscape(v), nil, &echo); err != nil {
			continue // it may have been dropped meanwhile, and another one may be it
		}
		live, err := definition.LiveResource(m.o.Spec.Name, echo, m.info, m.mask)
		switch {
		case err != nil:
		case diff.Found(c.Addr, live.Attrs, entry.Open) == entry.Was:
			was.form, was.echo = live.Attrs, echo
			if mesh.EqualValues(was.form, c.After) {
				why = "what an earlier run began is a restart, which changed nothing else"
			}
			return was, why
		case len(m.remaining(c, live)) == 0:
			was.made = v
		}
	}
	return was, fmt.Sprintf("none of the %d versions that Marathon keeps of the app is what an earlier run replaced", len(versions))
}

// writtenSince tells of somebody who wrote the app since an earlier run did: what does not come to its end is theirs then. They
// may have changed what is left to them, or restarted it, for otherwise it is as it was sent.
func (m *Marathon) writtenSince(ctx context.Context, c diff.Change, was earlier) string {
	now, _, err := m.app(ctx, c.Addr.Name)
	if err != nil {
		return err.Error()
	}
	if on, _ := now["version"].(string); on != was.made {
		return "somebody scaled or restarted the app since an earlier run wrote it (its version is " + oneLine(on) + "), and what does not end is theirs"
	}
	return ""
}

// newestFirst sorts versions, which are times. One that came back with a roll back stands too far behind, which costs
// reads only.
func newestFirst(versions map[string]bool) []string {
	out := slices.Sorted(maps.Keys(versions))
	slices.Reverse(out)
	return out
}
