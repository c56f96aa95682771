package marathon

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/marathon/definition"
)

// versionsOf lists the versions that Marathon keeps of an app; nil when it does not say. They come in no
// order, and an app that is taken back to an older one has a time before that of the newer: which are new is told
// by equality.
func (m *Marathon) versionsOf(ctx context.Context, id string) map[string]bool {
	var list struct {
		Versions []string `json:"versions"`
	}
	if _, err := m.api.call(ctx, http.MethodGet, pathOf(id)+"/versions", nil, &list); err != nil {
		return nil // it is a second look; the first has found nothing
	}
	out := map[string]bool{}
	for _, v := range list.Versions {
		out[v] = true
	}
	return out
}

// overwritten tells of a change by somebody else that came between the last look at an app and the write,
// which Marathon takes whatever it was made from: before are the versions that there were before that look, on is the one
// that was seen then, and wrote that of the write. Versions are times: a later one has not been overwritten. It is "" when there is none.
func (m *Marathon) overwritten(ctx context.Context, c diff.Change, before map[string]bool, on, wrote string) string {
	if before == nil {
		return ""
	}
	after := m.versionsOf(ctx, c.Addr.Name)
	var out []string
	for _, v := range slices.Sorted(maps.Keys(after)) {
		if !before[v] && v != on && v < wrote {
			out = append(out, m.overwrittenText(ctx, c, v))
		}
	}
	return strings.Join(out, "; ")
}

// overwrittenText says what somebody else had changed in a version, against what the plan was made on.
func (m *Marathon) overwrittenText(ctx context.Context, c diff.Change, version string) string {
	place := pathOf(c.Addr.Name) + "/versions/" + url.PathEscape(version)
	text := "somebody changed the app between the look and the write, and that was overwritten"
	var theirs map[string]any
	if _, err := m.api.call(ctx, http.MethodGet, place, nil, &theirs); err == nil {
		if live, err := definition.LiveResource(m.o.Spec.Name, theirs, m.info, m.mask); err == nil {
			text += fieldsText(diff.Fields(c.Before, live.Attrs))
		}
	}
	return text + "; theirs is at " + oneLine(place) + ", and what was sent is in the plan"
}

// fieldsText is such as ": env.A: "1" → "2"". Secret leaves show as such.
func fieldsText(fields []diff.Field) string {
	const shown = 5
	var out []string
	for i, f := range fields {
		if i == shown {
			out = append(out, fmt.Sprintf("and %d fields more", len(fields)-shown))
			break
		}
		out = append(out, oneLine(fmt.Sprintf("%s: %s → %s", f.Path, valueText(f.Before), valueText(f.After))))
	}
	if len(out) == 0 {
		return ""
	}
	return ": " + strings.Join(out, ", ")
}

// valueText shows a value of a definition.
func valueText(v any) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprint(v)
}
