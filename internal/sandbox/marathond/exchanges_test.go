package marathond

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// exchange is one recorded request with its answer.
type exchange struct {
	Name    string
	To      string
	Request *struct {
		Method, Path string
		Headers      map[string]string
		Body         json.RawMessage
	}
	Response struct {
		Status  int
		Headers map[string]string
		Body    any
	}
	RawRequest  string           `json:"raw_request"`  // what went over the socket
	RawResponse string           `json:"raw_response"` // ends with <open> where the connection stayed open
	Observed    []map[string]any // a summary in place of answers
}

// replay is a Marathon here that is asked what the recorded one was asked.
type replay struct {
	*world
	topic   string
	standby http.Handler
	names   map[string]string // recorded id, version or port → ours
	latest  string            // the deployment of the last step that was not recorded
	course  []object          // what the tasks of an update were like since it was written
}

func TestRecordedExchangesReplay(t *testing.T) {
	t.Parallel()
	var topics map[string][]exchange
	load(t, "exchanges.json.gz", &topics)
	agree, total := 0, 0
	seen := map[string]bool{}
	for _, topic := range sortedKeys(topics) {
		t.Run(topic, func(t *testing.T) {
			p := newReplay(t, topic)
			good := 0
			for _, e := range topics[topic] {
				key := topic + ": " + e.Name
				total++
				reason, listed := exchangesThatDiffer()[key]
				seen[key] = true
				p.prepare(t, key)
				diff := p.replay(t, e)
				switch {
				case diff == "" && listed:
					t.Errorf("%s agrees now: take it off the list (%s)", key, reason)
				case diff == "":
					good++
				case !listed:
					t.Errorf("%s: %s", key, diff)
				}
			}
			agree += good
			t.Logf("%s: %d of %d", topic, good, len(topics[topic]))
		})
	}
	for key := range exchangesThatDiffer() {
		if !seen[key] {
			t.Errorf("%s is on the list and is no exchange", key)
		}
	}
	t.Logf("%d of %d recorded exchanges agree", agree, total)
}

// replay does one entry, whatever it holds.
func (p *replay) replay(t *testing.T, e exchange) string {
	switch {
	case e.Request != nil:
		return p.ask(t, e)
	case e.RawResponse != "":
		return p.connect(t, e)
	case e.Observed != nil:
		return p.observe(t, e)
	}
	return "nothing is known of it"
}

func newReplay(t *testing.T, topic string) *replay {
	w := newWorld(t, Options{Features: allFeatures(), Agents: simulatedAgents(), GPUs: 4, Address: "127.0.0.1:8080"})
	return &replay{world: w, topic: topic, standby: w.Standby("127.0.0.1:8081", "127.0.0.1:8080"), names: map[string]string{}}
}

// ask replays one exchange. A write waits until everything is settled, unless the recorded
// one met a lock; a read may find what it found at any moment from now on.
func (p *replay) ask(t *testing.T, e exchange) string {
	method := e.Request.Method
	read := method == "GET" || method == "HEAD" || method == "OPTIONS"
	body := p.requestBody(e)
	if !read {
		if !p.metLock(e) && !strings.HasPrefix(e.Request.Path, "/v2/deployments/") {
			p.settle()
		}
		p.simulate(e.Request.Path, body)
	}
	end := p.clock.Now().Add(20 * time.Second)
	first := ""
	for {
		diff := p.once(t, e, body)
		if !read {
			p.course = nil
		}
		p.look(t)
		if diff == "" || !read {
			return diff
		}
		if first == "" {
			first = diff
		}
		if left := end.Sub(p.clock.Now()); left <= 0 || !p.clock.Next(left) {
			return first
		}
	}
}

func (p *replay) metLock(e exchange) bool {
	return strings.Contains(e.Request.Path, "force=true") || p.topic == "queue"
}

func (p *replay) once(t *testing.T, e exchange, body []byte) string {
	r := httptest.NewRequest(e.Request.Method, p.translate(e.Request.Path), bytes.NewReader(body))
	r.Host, r.RemoteAddr = "127.0.0.1:8080", "127.0.0.1:40000"
	for k, v := range e.Request.Headers {
		r.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	if e.To == "follower" {
		p.standby.ServeHTTP(rec, r)
	} else {
		p.ServeHTTP(rec, r)
	}
	if rec.Code != e.Response.Status {
		return fmt.Sprintf("status %d, there it was %d: %s", rec.Code, e.Response.Status, rec.Body)
	}
	m := &matcher{names: maps.Clone(p.names), used: map[string]string{}, loose: p.topic != "service-ports"}
	for k, v := range p.names {
		m.used[v] = k
	}
	for _, h := range []string{"Location", "Allow", "X-Marathon-Via", "Marathon-Deployment-Id", "marathon-deployment-id"} {
		if want, ok := e.Response.Headers[h]; ok {
			got := strings.Join(rec.Header()[h], "")
			if h == "Allow" {
				want, got = strings.ReplaceAll(want, " ", ""), strings.ReplaceAll(got, " ", "")
			}
			m.match(h, want, got)
		}
	}
	if e.Request.Method != "HEAD" && !p.sameBroken(e.Response.Body, decode(rec.Body.Bytes())) {
		m.match("", e.Response.Body, decode(rec.Body.Bytes()))
	}
	if len(m.diffs) > 0 {
		return strings.Join(m.diffs, "\n    ")
	}
	p.names = m.names
	return ""
}

// sameBroken reports whether both answers name an app that cannot be shown. Which of several it is has no order.
func (p *replay) sameBroken(want, got any) bool {
	named := map[string]bool{}
	for _, a := range p.root.apps {
		if text := appdef.BrokenCheck(a.def); text != "" {
			named[text] = true
		}
	}
	there, here := appdef.Text(appdef.Map(want)["message"]), appdef.Text(appdef.Map(got)["message"])
	return named[there] && named[here]
}

var token = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// translate puts our names in the place of recorded ones.
func (p *replay) translate(s string) string {
	return token.ReplaceAllStringFunc(s, func(name string) string {
		if own, ok := p.names[name]; ok {
			return own
		}
		if strings.Contains(s, "/v2/deployments/") && p.latest != "" && !strings.HasPrefix(name, "00000000") {
			p.names[name] = p.latest
			return p.latest
		}
		return name
	})
}

// requestBody is what is sent: recorded JSON, or the text that was no JSON.
func (p *replay) requestBody(e exchange) []byte {
	raw := []byte(e.Request.Body)
	switch e.Name {
	case "json-string", "PUT of a string to one app":
	case "json-null", "PUT of null to one app":
		return []byte("null")
	default:
		if string(raw) == "null" {
			return nil
		}
		var text string
		if json.Unmarshal(raw, &text) == nil {
			raw = []byte(text)
		}
	}
	if e.Name == "big-body" { // cut in the recording
		return fmt.Appendf(nil, `{"id": "/f/big", "cmd": "run it", "instances": 0, "labels": {"d": %q}}`, strings.Repeat("z", 600000))
	}
	out := strings.ReplaceAll(string(raw), `"1e400 (sent as a number)"`, "1e400")
	out = strings.ReplaceAll(out, `"NaN (sent as a bare token)"`, "NaN")
	if e.Name == "json-invalid-utf8" {
		out = strings.ReplaceAll(out, "\ufffd", "\xff")
		out = strings.ReplaceAll(out, `\ufffd`, "\xff")
	}
	return []byte(p.translate(out))
}

// simulate turns the labels that acted on the recorded agents into faults.
func (p *replay) simulate(path string, body []byte) {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return
	}
	path, _, _ = strings.Cut(path, "?")
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case object:
			id := strings.TrimPrefix(path, "/v2/apps")
			if own, ok := v["id"].(string); ok {
				id = own
			}
			if g, ok := strings.CutPrefix(path, "/v2/groups"); ok {
				id = appdef.Absolute(id, g)
			}
			if labels, ok := v["labels"].(object); ok {
				p.set("stuck", id, labels["SIM_STUCK"] != nil)
				p.set("unkillable", id, labels["SIM_UNKILLABLE"] != nil)
			}
			if cmd := appdef.Text(v["cmd"]); cmd != "" {
				p.set("crash", id, strings.HasPrefix(cmd, "exit"))
			}
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(v)
}

func (p *replay) set(fault, id string, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.faults[fault] == nil {
		p.faults[fault] = map[string]bool{}
	}
	p.faults[fault][id] = on
	if !on {
		delete(p.faults[fault], id)
		p.recheck()
	}
}

// matcher compares a recorded value with ours: ids, versions and chosen ports by name,
// numbers by value, sets without order, times of tasks and places not at all.
type matcher struct {
	names, used map[string]string
	loose       bool // of service ports that were chosen only the range counts
	diffs       []string
}

func (m *matcher) differ(at string, want, got any) {
	if len(m.diffs) < 6 {
		m.diffs = append(m.diffs, fmt.Sprintf("%s: there %s, here %s", at, short(want), short(got)))
	}
}

func short(v any) string {
	s := asText(v)
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return strings.Join(strings.Fields(s), " ")
}

// pair holds a recorded name and ours together.
func (m *matcher) pair(at, want, got string) {
	own, known := m.names[want]
	other, taken := m.used[got]
	if known && own != got || taken && other != want {
		m.differ(at, want, got)
		return
	}
	m.names[want], m.used[got] = got, want
}

func ignored(key string) bool {
	return slices.Contains([]string{
		"host", "slaveId", "agentId", "ipAddress", "ports", "lifeTime", "frameworkId", "buildref", "stagedAt", "startedAt", "since", "timestamp",
		"processedOffersSummary", "lastUnusedOffers", "min_revive_offers_interval", "firstSuccess", "lastSuccess", "lastFailure", "message", "healthCheckResults",
	}, key)
}

func (m *matcher) match(at string, want, got any) {
	key := at[strings.LastIndex(at, "/")+1:]
	switch w := want.(type) {
	case object:
		if w["cut"] == true {
			return
		}
		g, ok := got.(object)
		if !ok {
			m.differ(at, want, got)
			return
		}
		m.objects(at, w, g)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			m.differ(at, want, got)
			return
		}
		m.lists(at, key, w, g)
	case string:
		g, ok := got.(string)
		if !ok {
			m.differ(at, want, got)
			return
		}
		m.texts(at, w, g)
	default:
		if m.loose && isPort(key) && appdef.Int(want) >= portMin && appdef.Int(want) <= portMin+200 {
			if n := appdef.Int(got); n < portMin || n > portMin+200 {
				m.differ(at, want, got)
			}
			return
		}
		if !appdef.Equal(want, got) {
			m.differ(at, want, got)
		}
	}
}

func isPort(key string) bool {
	return key == "port" || key == "servicePort" || strings.HasPrefix(key, "servicePorts[") || strings.HasPrefix(key, "portDefinitions")
}

func (m *matcher) objects(at string, want, got object) {
	for _, k := range sortedKeys(want) {
		g, has := got[k]
		switch {
		case !has:
			m.differ(at+"/"+k, want[k], "<absent>")
		case ignored(k) && (k != "message" || at != ""):
		default:
			m.match(at+"/"+k, want[k], g)
		}
	}
	for _, k := range sortedKeys(got) {
		if _, has := want[k]; !has {
			m.differ(at+"/"+k, "<absent>", got[k])
		}
	}
}

// lists compares in order, and where order means nothing by the order of the texts.
func (m *matcher) lists(at, key string, want, got []any) {
	if key == "versions" || at == "" && len(want) > 0 && isText(want[0]) {
		m.versions(at, want, got)
		return
	}
	if slices.Contains([]string{"queue", "apps", "features", "details", "constraints", "healthChecks", "httpStatusCodesForReady", "acceptedResourceRoles", "dependencies", "errors", "affectedApps", "actions", "currentActions"}, key) || at == "" {
		want, got = sorted(want), sorted(got)
	}
	for i := range want {
		m.match(fmt.Sprintf("%s[%d]", at, i), want[i], got[i])
	}
}

func isText(v any) bool { _, ok := v.(string); return ok }

// versions have no order: those that are known first, then the others as they come.
func (m *matcher) versions(at string, want, got []any) {
	rest := slices.Clone(got)
	var unknown []any
	for _, w := range want {
		own, known := m.names[appdef.Text(w)]
		i := slices.Index(rest, any(own))
		switch {
		case !known:
			unknown = append(unknown, w)
		case i < 0:
			m.differ(at, w, rest)
			return
		default:
			rest = slices.Delete(rest, i, i+1)
		}
	}
	for i, w := range unknown {
		m.match(at, w, rest[i])
	}
}

func sorted(l []any) []any {
	out := slices.Clone(l)
	slices.SortStableFunc(out, func(a, b any) int {
		return strings.Compare(token.ReplaceAllString(asText(a), "#"), token.ReplaceAllString(asText(b), "#"))
	})
	return out
}

func (m *matcher) texts(at, want, got string) {
	w, g := token.FindAllString(want, -1), token.FindAllString(got, -1)
	if len(w) != len(g) || token.ReplaceAllString(want, "#") != token.ReplaceAllString(got, "#") {
		m.differ(at, want, got)
		return
	}
	for i := range w {
		m.pair(at, w[i], g[i])
	}
}
