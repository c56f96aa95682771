package marathon

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// follower tells from looks at a change whether it has ended.
type follower struct {
	m *Marathon
	c diff.Change
	sent

	looks    int       // before this one
	deadline time.Time // the end of the patience with one that does not move
	behind   time.Time // since when tasks are behind and nothing works on them
	blind    bool      // the last look was not answered
	runs     bool      // by the last one that was, a deployment works on the app
}

func (f *follower) late() bool { return !f.m.o.Now().Before(f.deadline) }

// left is the end of following a change that goes on. Where Marathon does not answer, nobody knows whether it does.
func (f *follower) left(result plan.Result, text string, late bool) ending {
	if f.blind {
		return ending{result: plan.ResultUnknown, text: text + "; the next run looks again"}
	}
	return ending{result: result, text: text, late: late, runs: f.runs}
}

// over tells how the change ended; false while it goes on.
func (f *follower) over(ctx context.Context, st status) (ending, bool) {
	switch {
	case st.done:
		result, text := f.m.verified(f.c, st)
		return ending{result: result, text: text, echo: st.echo}, true
	case st.gone:
		return ending{result: plan.ResultFailed, text: "somebody deleted the app meanwhile: plan again, which makes it anew, or take it out of git"}, true
	case st.old && f.tookNoChange(ctx):
		return ending{result: plan.ResultFailed, text: f.noChangeText(st), none: true}, true
	case st.old && f.late():
		return ending{result: plan.ResultUnknown, text: fmt.Sprintf("for %s %s: a node that lags answers, or Marathon took the write for no change; the next run looks again", f.m.o.Timeout, st.waits)}, true
	case f.lost && f.looks > 3 && !st.applied && !st.running:
		return ending{result: plan.ResultUnknown, text: "no reply came to the write, and the app does not show it: the next run looks again"}, true
	case f.forsaken(st):
		return ending{result: plan.ResultFailed, text: "no deployment works on it any more: " + st.waits +
			"; somebody cancelled it by force, or a leader that died forgot it: plan again, which restarts those tasks"}, true
	default:
		return ending{}, false
	}
}

// forsakenAfter is for how long no deployment may be listed of an app whose tasks are behind: after a change of
// leader none is for up to 3 s although it runs (seen on 1.11.26).
const forsakenAfter = 10 * time.Second

// forsaken reports whether tasks that are behind are left as they are: who cancels a deployment by force leaves them, and
// Marathon never replaces them by itself.
func (f *follower) forsaken(st status) bool {
	if !st.behind || st.works {
		f.behind = time.Time{}
		return false
	}
	now := f.m.o.Now()
	if f.behind.IsZero() {
		f.behind = now
	}
	return now.Sub(f.behind) >= forsakenAfter
}

// tookNoChange reports, of an app that is shown as it was before the write, whether Marathon took the write for no change.
// The answer to such a write is as that to any: with a version, which no app gets, and a deployment, which is never
// listed. What a node that lags shows looks alike, and behind one URL there may be one that does and one that does not. So its group
// is asked for, whose version every write changes: an answer that shows both that version and the app as it was tells the truth.
func (f *follower) tookNoChange(ctx context.Context) bool {
	if f.version == "" || f.c.Before == nil || f.c.After == nil || f.c.App == nil {
		return false
	}
	var group struct {
		Version string `json:"version"`
		Apps    []struct {
			ID      string `json:"id"`
			Version string `json:"version"`
		} `json:"apps"`
	}
	_, err := f.m.api.call(ctx, http.MethodGet, pathOfGroup(path.Dir(f.c.Addr.Name))+"?embed=group.apps", nil, &group)
	if err != nil || group.Version != f.version {
		return false
	}
	for _, a := range group.Apps {
		if a.ID == f.c.Addr.Name {
			return a.Version == f.c.App.Version
		}
	}
	return false
}

// noChangeText says what Marathon takes for equal and meshsync does not.
func (f *follower) noChangeText(st status) string {
	text := "Marathon took the write for no change: it answered with the version " + oneLine(f.version) + ", which the app did not get, and deployed nothing"
	live, err := definition.LiveResource(f.m.o.Spec.Name, st.echo, f.m.info, f.m.mask)
	if err != nil {
		return text
	}
	return text + "; for meshsync git and the app differ in " + pathsText(f.m.remaining(f.c, live)) + ", so its table of Marathon's defaults is wrong for " + f.m.info.Version +
		": write there what GET " + pathOf(f.c.Addr.Name) + " shows, or ignore it, and report it"
}

// pathsText names fields.
func pathsText(fields []diff.Field) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Path)
	}
	return strings.Join(names, ", ")
}

// remaining lists the fields in which the live app differs from what was sent. Service
// ports that Marathon chose are no difference.
func (m *Marathon) remaining(c diff.Change, live mesh.Resource) []diff.Field {
	want := definition.Resolve(diff.Keep(c.After, live.Attrs, c.Open), live.Attrs, c.After, m.info)
	return diff.Fields(want, live.Attrs)
}

// verified compares the app that is there with what was sent.
func (m *Marathon) verified(c diff.Change, st status) (plan.Result, string) {
	if c.After == nil {
		return plan.ResultDone, ""
	}
	live, err := definition.LiveResource(m.o.Spec.Name, st.echo, m.info, m.mask)
	if err != nil {
		return plan.ResultFailed, err.Error()
	}
	left := m.remaining(c, live)
	if len(left) == 0 && st.behind {
		return plan.ResultDone, "tasks are left of an older configuration, which this change does not replace: plan again, which restarts them"
	}
	if len(left) == 0 {
		return plan.ResultDone, ""
	}
	if c.Action == diff.Finish { // it was as an earlier run sent it when this one began
		return plan.ResultFailed, "the deployment ended, and the app is no longer as it was sent in " + pathsText(left) +
			": somebody replaced it, or took its deployment back, meanwhile; plan again"
	}
	return plan.ResultFailed, "the deployment ended, and the app is not as sent in " + pathsText(left) +
		": somebody changed it meanwhile, or meshsync's table of Marathon's defaults is wrong for this version"
}
