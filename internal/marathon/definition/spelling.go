package definition

import (
	"meshsync.dev/meshsync/internal/mesh"
)

// Some forms mean the same and are different to Marathon, which replaces all tasks when one
// takes the place of another: tty false and none, resourceLimits and linuxInfo empty and
// none, a check with port index 0 and without any. They are one canonical form, so none of
// them is ever a difference; and they are sent as the live app spells them, so that none of
// them ever restarts it.

// Body is what is sent to Marathon so that it makes form of the app that is live, whose echo
// is nil for a new one: the form, spelt as the live app is, and what meshsync does not know
// of that, unchanged; for a Marathon before 1.5 in the form that it has. form is not modified and
// holds no secret that is hidden.
func Body(form mesh.Tree, echo map[string]any, info mesh.MarathonInfo) (map[string]any, error) {
	out := object(form.Clone())
	t := newTable(info)
	var live mesh.Tree
	if echo != nil {
		var err error
		if live, err = mesh.NewTree(echo); err != nil {
			return nil, err
		}
		left := t.form(object(live))
		spell(out, echo)
		left.sendBack(out)
	}
	return out, older(out, object(live), echo, info, t.release)
}

func spell(out, echo object) {
	if _, ok := out["tty"]; !ok && echo["tty"] == false {
		out["tty"] = false
	}
	spellEmpty(out, echo, "resourceLimits")
	con, _ := out["container"].(object)
	live, _ := echo["container"].(object)
	if con["type"] == "MESOS" {
		spellEmpty(con, live, "linuxInfo")
	}
	check, _ := out["check"].(object)
	was, _ := echo["check"].(object)
	for _, kind := range []string{"http", "tcp"} {
		to, _ := check[kind].(object)
		from, ok := was[kind].(object)
		if ok && withoutPort(from) && to["portIndex"] == int64(0) && to["port"] == nil {
			delete(to, "portIndex")
		}
	}
}

func spellEmpty(out, echo object, field string) {
	if o, ok := echo[field].(object); ok && len(o) == 0 && out[field] == nil {
		out[field] = object{}
	}
}

func withoutPort(check object) bool { return check["port"] == nil && check["portIndex"] == nil }

// rewritten lists what any write changes, whatever it says: a health check without port
// index gets one with the next full PUT, and that replaces all tasks.
func rewritten(echo object) []string {
	for _, h := range list(echo["healthChecks"]) {
		if o, ok := h.(object); ok && withoutPort(o) && o["protocol"] != "COMMAND" {
			return []string{"healthChecks"}
		}
	}
	return nil
}
