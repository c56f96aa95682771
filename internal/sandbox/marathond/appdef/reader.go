package appdef

import (
	"encoding/json"
	"slices"
)

// Settings are the flags of a Marathon that decide what a definition becomes.
type Settings struct {
	Role           string   // --mesos_role; "" is *
	DefaultNetwork string   // --default_network_name
	BridgeName     string   // --mesos_bridge_name; "" is mesos-bridge
	Features       []string // --enable_features: secrets, external_volumes, gpu_resources, …
}

// Roles says which roles an app may have, given the groups that are there, and which one
// it gets when it names none.
type Roles func(id string, current string) (valid []string, standard string)

// Existing is what of the app that is there matters for what may take its place.
type Existing struct {
	Role  string // "": there is none
	Force bool   // the write is forced
}

// Reader reads definitions. It is safe for concurrent use.
type Reader struct {
	settings Settings
	schema   schema
}

// New makes a reader.
func New(s Settings) *Reader {
	if s.Role == "" {
		s.Role = "*"
	}
	if s.BridgeName == "" {
		s.BridgeName = "mesos-bridge"
	}
	return &Reader{settings: s, schema: newSchema()}
}

func (r *Reader) has(feature string) bool { return slices.Contains(r.settings.Features, feature) }

const invalidJSON = "Invalid JSON"

// Create makes of a body what POST /v2/apps and a group make of it: one pass. base is the
// group that relative ids are resolved against. Service ports that were 0 are still 0.
func (r *Reader) Create(body json.RawMessage, base string, roles Roles) (Object, *Refusal) {
	var problems []Problem
	app := Map(r.schema.app(body, "", &problems))
	if len(problems) > 0 {
		return nil, refuse422(invalidJSON, problems)
	}
	id := Absolute(Text(app["id"]), base)
	app, refusal := r.pass(app, base, id, Existing{}, roles)
	if refusal != nil {
		return nil, refusal
	}
	return r.model(app)
}

// Replace makes of a body what PUT with partialUpdate=false makes of it, and every PUT
// that creates one app: two passes, the second of which sees the defaults of the first.
func (r *Reader) Replace(id string, current Existing, body json.RawMessage, roles Roles) (Object, *Refusal) {
	m, ok := members(body)
	if !ok {
		return nil, refuse422(invalidJSON, []Problem{{"", "error.expected.jsobject"}})
	}
	var problems []Problem
	m["id"], _ = json.Marshal(id) // the one in the body is not even looked at
	app := Map(r.schema.app(jsonRaw(m), "", &problems))
	if len(problems) > 0 {
		return nil, refuse422(invalidJSON, problems)
	}
	for range 2 {
		var refusal *Refusal
		if app, refusal = r.pass(app, "/", id, current, roles); refusal != nil {
			return nil, refusal
		}
		delete(app, "executorResources")
	}
	return r.model(app)
}

// ReadUpdate reads the body of a PATCH or a partial PUT. What is no object is an update of nothing.
func (r *Reader) ReadUpdate(body json.RawMessage) (Object, *Refusal) {
	var problems []Problem
	update := Map(r.schema.update(body, "", &problems))
	if len(problems) > 0 {
		return nil, refuse422(invalidJSON, problems)
	}
	if _, hasID := update["id"]; update["version"] != nil && len(update) > 1 && (len(update) != 2 || !hasID) {
		return nil, Invalid(Problem{"/", "The 'version' field may only be combined with the 'id' field."})
	}
	if refusal := r.checkDeprecated(update, true); refusal != nil {
		return nil, refusal
	}
	return update, r.translateUpdate(update)
}

// Merge lays an update over the live form of an app and makes a definition of the result.
// live is nil for an app that does not exist yet: that is how a bulk PUT creates.
func (r *Reader) Merge(id string, live, update Object, force bool, roles Roles) (Object, *Refusal) {
	merged := Clone(live)
	current := Existing{Role: Text(live["role"]), Force: force}
	if live == nil {
		var none []Problem
		raw, _ := json.Marshal(Object{"id": id}) // strings only: it cannot fail
		merged = Map(r.schema.app(raw, "", &none))
		merged["portDefinitions"] = []any{}
	}
	delete(merged, "executorResources")
	delete(merged, "resourceLimits")
	for k, v := range update {
		merged[k] = v
	}
	merged["id"] = id
	merged, refusal := r.pass(merged, "/", id, current, roles)
	if refusal != nil {
		return nil, refusal
	}
	return r.model(merged)
}

// pass is one time through the rules and defaults.
func (r *Reader) pass(app Object, base, id string, current Existing, roles Roles) (Object, *Refusal) {
	app = Clone(app)
	if refusal := r.checkDeprecated(app, false); refusal != nil {
		return nil, refusal
	}
	app["id"] = id
	if refusal := r.translate(app); refusal != nil {
		return nil, refusal
	}
	valid, standardRole := roles(id, current.Role)
	if app["role"] == nil {
		app["role"] = standardRole
	}
	rules := ruleCheck{reader: r, app: app, base: base, roles: valid, current: current}
	if problems := rules.all(); len(problems) > 0 {
		return nil, Invalid(problems...)
	}
	r.defaults(app)
	for i, d := range List(app["dependencies"]) {
		List(app["dependencies"])[i] = Absolute(Text(d), base)
	}
	return app, nil
}

func jsonRaw(m map[string]json.RawMessage) json.RawMessage {
	b, err := json.Marshal(m)
	if err != nil { // they were parsed before
		return json.RawMessage("{}")
	}
	return b
}
