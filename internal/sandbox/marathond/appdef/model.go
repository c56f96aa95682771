package appdef

import (
	"fmt"
	"strings"
)

// model turns an app that keeps the rules into what is stored and shown.
func (r *Reader) model(app Object) (Object, *Refusal) {
	for _, x := range List(app["constraints"]) {
		if p := List(x); Text(p[1]) != strings.ToUpper(Text(p[1])) {
			return nil, refuse500("illegal constraint specification %s", joined(p))
		}
	}
	checks, refusal := modelChecks(List(app["healthChecks"]))
	if refusal != nil {
		return nil, refusal
	}
	app["healthChecks"] = checks
	if refusal := modelCheck(app); refusal != nil {
		return nil, refusal
	}
	if refusal := modelVolumes(app); refusal != nil {
		return nil, refusal
	}
	modelRest(app)
	if problems := modelRules(app); len(problems) > 0 {
		return nil, Invalid(problems...)
	}
	return app, nil
}

func joined(parts []any) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = fmt.Sprint(p)
	}
	return strings.Join(out, ",")
}

// modelChecks keeps of each check what its kind has; the rest of the input is lost.
func modelChecks(list []any) ([]any, *Refusal) {
	var out []any
	for _, x := range list {
		h := Map(x)
		_, command := h["command"]
		switch {
		case command && kind(h) != "COMMAND":
			return nil, refuse500("illegal protocol %s specified with command", kind(h))
		case !command && kind(h) == "COMMAND":
			return nil, refuse500("illegal protocol COMMAND for non-command health check")
		case kind(h) == "COMMAND" && (h["path"] != nil || h["port"] != nil):
			return nil, refuse500("Invalid combination of HealthCheck parameters in %s", scalaCheck(h))
		case kind(h) == "COMMAND":
			delete(h, "portIndex")
			delete(h, "ignoreHttp1xx")
		case isMesosKind(h):
			delete(h, "ignoreHttp1xx")
		default:
			h["delaySeconds"] = 15
			delete(h, "ignoreHttp1xx")
			if kind(h) != "TCP" {
				h["ignoreHttp1xx"] = false
			}
		}
		if strings.HasSuffix(kind(h), "TCP") {
			delete(h, "path")
		}
		out = append(out, h)
	}
	return distinct(out), nil
}

// scalaCheck is a check as Marathon's message prints it.
func scalaCheck(h Object) string {
	option := func(v any) string {
		if v == nil {
			return "None"
		}
		return fmt.Sprintf("Some(%v)", v)
	}
	return fmt.Sprintf("AppHealthCheck(Some(AppCommandCheck(%v)),%v,%s,%v,%v,%s,%s,%s,%v,%v,%v,%v)", Map(h["command"])["value"], h["gracePeriodSeconds"],
		option(h["ignoreHttp1xx"]), h["intervalSeconds"], h["maxConsecutiveFailures"], option(h["path"]), option(h["port"]), option(h["portIndex"]),
		h["protocol"], h["ipProtocol"], h["timeoutSeconds"], h["delaySeconds"])
}

func modelCheck(app Object) *Refusal {
	c, ok := app["check"].(Object)
	if !ok {
		return nil
	}
	kinds := 0
	for _, k := range []string{"http", "tcp", "exec"} {
		if c[k] != nil {
			kinds++
		}
	}
	if kinds != 1 {
		return refuse500("illegal RAML Check: expected one of http, tcp or exec checks")
	}
	if Map(c["http"])["scheme"] == "HTTPS" {
		return refuse500("HTTPS (of class mesosphere.marathon.raml.HttpScheme$Https$)")
	}
	return nil
}

// BrokenCheck is the message of a check that can be stored and not be shown: argv. Every
// answer that would show the app is an error with it.
func BrokenCheck(app Object) string {
	argv := List(Map(Map(Map(app["check"])["exec"])["command"])["argv"])
	if len(argv) == 0 {
		return ""
	}
	return fmt.Sprintf("ArgvList(List(%s)) (of class mesosphere.marathon.state.ArgvList)", strings.ReplaceAll(joined(argv), ",", ", "))
}

func modelVolumes(app Object) *Refusal {
	c, ok := app["container"].(Object)
	if !ok {
		return nil
	}
	for _, x := range List(c["volumes"]) {
		v := Map(x)
		if p, ok := v["persistent"].(Object); ok {
			if refusal := modelPersistent(p); refusal != nil {
				return refusal
			}
		}
		e, external := v["external"].(Object)
		if external && e["provider"] == "csi" {
			if refusal := modelCSI(e); refusal != nil {
				return refusal
			}
		} else if external && len(Map(e["options"])) == 0 {
			delete(e, "options")
		}
	}
	if c["type"] == "DOCKER" {
		delete(c, "linuxInfo")
	} else if d, ok := c["docker"].(Object); ok {
		d["privileged"] = false
	}
	return nil
}

func modelPersistent(p Object) *Refusal {
	constraints := distinct(List(p["constraints"]))
	for _, y := range constraints {
		if q := List(y); len(q) != 3 || q[0] != "path" || q[1] != "LIKE" {
			return refuse500("illegal volume constraint %s", joined(q))
		}
	}
	p["constraints"] = append([]any{}, constraints...)
	switch {
	case p["type"] != nil:
	case p["profileName"] != nil:
		p["type"] = "mount"
	default:
		p["type"] = "root"
	}
	return nil
}

// modelRest collapses sets, drops what is empty, and shows what is always shown.
func modelRest(app Object) {
	for _, k := range []string{"constraints", "dependencies", "acceptedResourceRoles"} {
		app[k] = setOrder(distinct(List(app[k])))
	}
	app["healthChecks"] = setOrder(List(app["healthChecks"]))
	for _, x := range List(app["readinessChecks"]) {
		Map(x)["httpStatusCodesForReady"] = setOrder(distinct(List(Map(x)["httpStatusCodesForReady"])))
	}
	for _, k := range []string{"args", "constraints", "dependencies", "acceptedResourceRoles", "fetch", "healthChecks", "readinessChecks"} {
		if len(List(app[k])) == 0 {
			delete(app, k)
		}
	}
	for _, k := range []string{"env", "secrets"} {
		if len(Map(app[k])) == 0 {
			delete(app, k)
		}
	}
	if app["labels"] == nil {
		app["labels"] = Object{}
	}
	for _, x := range List(app["networks"]) {
		if n := Map(x); len(Map(n["labels"])) == 0 {
			delete(n, "labels")
		}
	}
	for _, x := range List(app["portDefinitions"]) {
		if p := Map(x); len(Map(p["labels"])) == 0 {
			delete(p, "labels")
		}
	}
	for _, x := range List(Map(app["container"])["portMappings"]) {
		if m := Map(x); len(List(m["networkNames"])) == 0 {
			delete(m, "networkNames")
		}
	}
	delete(app, "residency")
	if hasVolume(app, "persistent") {
		app["residency"] = Object{"relaunchEscalationTimeoutSeconds": 3600, "taskLostBehavior": "WAIT_FOREVER"}
	}
	delete(app, "version")
	delete(app, "versionInfo")
}

// modelRules are checked on the finished app, the invented container included.
func modelRules(app Object) []Problem {
	var out []Problem
	ports := portCount(app)
	for i, x := range List(app["healthChecks"]) {
		if h := Map(x); kind(h) != "COMMAND" && !resolves(h, ports) {
			out = append(out, Problem{fmt.Sprintf("/healthChecks(%d)", i), portRule})
		}
	}
	c, ok := app["check"].(Object)
	if !ok {
		return out
	}
	if Map(app["container"])["type"] == "DOCKER" {
		out = append(out, Problem{"/", "AppDefinition must not use 'checks' if using docker"})
	}
	for _, k := range []string{"http", "tcp"} {
		if h, ok := c[k].(Object); ok && !resolves(h, ports) {
			out = append(out, Problem{"/check/get", "check port index must address an element of the ports array or container port mappings."})
		}
	}
	return out
}

// AfterLeaderChange is an app as it is read back from the store by a new leader: some of
// what was submitted is only in the old one's memory.
func AfterLeaderChange(app Object) Object {
	out := Clone(app)
	for _, x := range List(out["healthChecks"]) {
		if h := Map(x); kind(h) != "COMMAND" && h["port"] == nil && h["portIndex"] == nil {
			h["portIndex"] = 0
		}
	}
	for _, k := range []string{"http", "tcp"} {
		if h, ok := Map(out["check"])[k].(Object); ok && h["port"] == nil && h["portIndex"] == nil {
			h["portIndex"] = 0
		}
	}
	if out["tty"] == false {
		delete(out, "tty")
	}
	if c := Map(out["container"]); c["linuxInfo"] != nil && len(Map(c["linuxInfo"])) == 0 {
		delete(c, "linuxInfo")
	}
	return out
}
