package definition

import (
	"maps"
	"path"
	"strings"
)

// fullBody reports whether the case sends a whole app: partial updates are merged by
// Marathon, and meshsync sends none.
func fullBody(c submitted) bool {
	return !strings.Contains(c.Method, "PATCH") && !strings.Contains(c.Method, "groups")
}

// wholeBody is the definition that the call of a case amounts to, be it one that meshsync never
// sends: somebody else may, and its result is then what is live.
func wholeBody(c submitted) (map[string]any, bool) {
	body, ok := c.Put.(map[string]any)
	method, where, _ := strings.Cut(c.Method, " ")
	group, inGroup := strings.CutPrefix(where, "/v2/groups")
	group, _, _ = strings.Cut(group, " ")
	switch {
	case !ok:
		return nil, false
	case method == "PATCH", method == "PUT" && (where == "" || strings.HasPrefix(where, "/v2/apps/")):
		return updated(c.Live, body), true
	case strings.HasPrefix(where, "/v2/apps (array"):
		out := maps.Clone(body)
		out["portDefinitions"] = []any{} // what a partial update of many makes of an app that is new
		return out, true
	case inGroup:
		return inGroupOf(group, body), true
	default:
		return body, true
	}
}

// updated is what a partial update makes of a live app: a field that is given takes the place of
// the whole field, and of two an absent one counts, too. A version alone brings back what it was.
func updated(live, with map[string]any) map[string]any {
	if with["version"] != nil {
		return live
	}
	out := maps.Clone(live)
	delete(out, "executorResources")
	delete(out, "resourceLimits")
	for name, v := range with {
		if v != nil {
			out[name] = v
		}
	}
	if with["networks"] != nil && with["container"] == nil {
		delete(out, "container") // a new one takes its place
	}
	out["id"] = live["id"] // that of the path
	return out
}

// inGroupOf is an app of a group's body, whose ids are relative to the group.
func inGroupOf(group string, body map[string]any) map[string]any {
	absolute := func(id any) string {
		text, _ := id.(string)
		if strings.HasPrefix(text, "/") {
			return text
		}
		return path.Join(group, text)
	}
	out := maps.Clone(body)
	out["id"] = absolute(body["id"])
	var on []any
	for _, d := range list(body["dependencies"]) {
		on = append(on, absolute(d))
	}
	out["dependencies"] = on
	return out
}
