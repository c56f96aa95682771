package marathond

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// filter is what cmd, id and label ask for; several are all to hold.
func (s *Server) filter(q *request) (func(*app) bool, *answer) {
	cmd, id := strings.ToLower(q.query.Get("cmd")), strings.ToLower(q.query.Get("id"))
	var selectors []func(object) bool
	if text := q.query.Get("label"); text != "" {
		var ok bool
		if selectors, ok = parseSelectors(text); !ok {
			a := fail(http.StatusUnprocessableEntity, "Can not parse label selector "+text+". Reason: end of input expected")
			return nil, &a
		}
	}
	return func(a *app) bool {
		labels := appdef.Map(a.def["labels"])
		return strings.Contains(strings.ToLower(appdef.Text(a.def["cmd"])), cmd) && strings.Contains(strings.ToLower(a.id), id) &&
			!slices.ContainsFunc(selectors, func(f func(object) bool) bool { return !f(labels) })
	}, nil
}

// parseSelectors reads k, k==v, k!=v, k in (a,b), k notin (a), parted by commas. Every
// form requires the label to exist.
func parseSelectors(text string) ([]func(object) bool, bool) {
	const word = `((?:[A-Za-z0-9_./-]|\\.)+)`
	one := regexp.MustCompile(`^\s*` + word + `\s*(?:(==|!=)\s*` + word + `|(in|notin)\s*\(([^)]*)\))?\s*(,|$)`)
	var out []func(object) bool
	for text != "" {
		m := one.FindStringSubmatch(text)
		if m == nil || m[6] == "," && len(text) == len(m[0]) {
			return nil, false
		}
		text = text[len(m[0]):]
		plain := func(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), `\`, "") }
		key, wanted := plain(m[1]), []string{plain(m[3])}
		if m[4] != "" {
			wanted = nil
			for v := range strings.SplitSeq(m[5], ",") {
				wanted = append(wanted, plain(v))
			}
		}
		present, negative := m[2] == "" && m[4] == "", m[2] == "!=" || m[4] == "notin"
		out = append(out, func(labels object) bool {
			v, ok := labels[key].(string)
			return ok && (present || slices.Contains(wanted, v) != negative)
		})
	}
	return out, true
}
