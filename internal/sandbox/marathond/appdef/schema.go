package appdef

import (
	"encoding/json"
	"math"
	"regexp"
)

// schema is what is read from the bodies, built once.
type schema struct {
	app    shape // POST, PUT with partialUpdate=false, elements of a group
	update shape // PATCH and partial PUT: no defaults at the top, id optional
}

const anyInt = math.MaxInt32

func natural() shape    { return integer(0, anyInt) }
func portNumber() shape { return integer(0, 65535) }
func positive() shape   { return number(0, math.Inf(1)) }
func flag(name string, standard bool) field {
	return field{name: name, read: boolean, standard: standard}
}
func optional(name string, s shape) field { return field{name: name, read: s} }
func must(name string, s shape) field     { return field{name: name, read: s, required: true} }
func standard(name string, s shape, v any) field {
	return field{name: name, read: s, standard: v}
}

const segmentPattern = `(?:(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])(?:\.(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9]))*|\.\.)`

func newSchema() schema {
	id := text(1, regexp.MustCompile(`^/*(?:`+segmentPattern+`(?:/+`+segmentPattern+`)*)?/*$`), 0)
	fields := appFields()
	app := []field{must("id", id)}
	update := []field{optional("id", id)}
	for _, f := range fields {
		app = append(app, f)
		f.standard = nil
		update = append(update, f)
	}
	return schema{app: record(false, app...), update: record(false, update...)}
}

func appFields() []field {
	resources := record(false, standard("cpus", number(math.Inf(-1), math.Inf(1)), Double(0.1)), standard("mem", number(math.Inf(-1), math.Inf(1)), Double(32)), standard("disk", number(math.Inf(-1), math.Inf(1)), Double(10)))
	out := []field{
		optional("cmd", text(1, nil, 0)), optional("args", list(plain(), 0)), optional("user", plain()),
		optional("env", dict(envValue())), optional("labels", dict(plain())),
		standard("instances", natural(), 1), standard("cpus", positive(), Double(1)), standard("mem", positive(), Double(128)),
		standard("disk", positive(), Double(0)), standard("gpus", natural(), 0),
		standard("executor", text(0, regexp.MustCompile(`^(?:(//cmd)|(/?[^/]+(/[^/]+)*)|)$`), 0), ""),
		optional("executorResources", resources),
		optional("constraints", list(list(plain(), 0), 0)),
		optional("fetch", list(artifact(), 0)), optional("uris", list(plain(), 0)),
		optional("container", container()), optional("networks", list(network(), 0)), optional("ipAddress", ipAddress()),
		optional("portDefinitions", list(portDefinition(), 0)), optional("ports", list(integer(math.MinInt32, anyInt), 0)),
		standard("requirePorts", boolean, false),
	}
	return append(append(out, checkFields()...), policyFields()...)
}

func checkFields() []field {
	return []field{
		optional("healthChecks", list(healthCheck(), 0)), optional("check", check()),
		optional("readinessChecks", list(readinessCheck(), 0)),
	}
}

func policyFields() []field {
	stamp := func(name string) field {
		return field{name: name, read: timestamp, required: true, missing: "error.path.missing"}
	}
	return []field{
		standard("backoffSeconds", natural(), 1), standard("backoffFactor", number(1, math.Inf(1)), Double(1.15)),
		standard("maxLaunchDelaySeconds", natural(), 300),
		optional("dependencies", list(plain(), 0)),
		optional("upgradeStrategy", record(false, must("minimumHealthCapacity", number(0, 1)), must("maximumOverCapacity", number(0, 1)))),
		optional("unreachableStrategy", unreachable()),
		standard("killSelection", enum("YOUNGEST_FIRST", "OLDEST_FIRST"), "YOUNGEST_FIRST"),
		optional("taskKillGracePeriodSeconds", natural()),
		optional("acceptedResourceRoles", list(plain(), 0)), optional("role", text(1, nil, 0)),
		optional("residency", record(false, optional("relaunchEscalationTimeoutSeconds", natural()), optional("taskLostBehavior", enum("RELAUNCH_AFTER_TIMEOUT", "WAIT_FOREVER")))),
		optional("secrets", dict(record(false, must("source", text(1, nil, 0))))),
		optional("resourceLimits", record(true, optional("cpus", limit), optional("mem", limit))),
		optional("tty", boolean), optional("version", timestamp),
		optional("versionInfo", record(false, stamp("lastScalingAt"), stamp("lastConfigChangeAt"))),
	}
}

// timestamp reads what Marathon takes for a time.
func timestamp(raw json.RawMessage, at string, problems *[]Problem) any {
	s, ok := plain()(raw, at, problems).(string)
	if ok && !IsTimestamp(s) {
		problem(problems, at, "error.expected.date.isoformat")
	}
	return s
}

// IsTimestamp reports whether s is an ISO-8601 time with a date.
func IsTimestamp(s string) bool {
	return regexp.MustCompile(`^\d{4}-\d\d-\d\d(T\d\d(:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?)?$`).MatchString(s)
}

// limit is a number or a word; which word is checked later.
func limit(raw json.RawMessage, at string, problems *[]Problem) any {
	if isNumber(raw) {
		return number(math.Inf(-1), math.Inf(1))(raw, at, problems)
	}
	return plain()(raw, at, problems)
}

func envValue() shape {
	secret := record(false, must("secret", plain()))
	return func(raw json.RawMessage, at string, problems *[]Problem) any {
		switch first(raw) {
		case '"':
			return plain()(raw, at, problems)
		case '{':
			return secret(raw, at, problems)
		}
		problem(problems, at, "error.expected.jsobject")
		return nil
	}
}

// unreachable: any string reads as disabled.
func unreachable() shape {
	object := record(false, standard("inactiveAfterSeconds", natural(), 0), standard("expungeAfterSeconds", natural(), 0))
	return func(raw json.RawMessage, at string, problems *[]Problem) any {
		if first(raw) == '"' {
			return "disabled"
		}
		return object(raw, at, problems)
	}
}

func artifact() shape {
	return record(false, must("uri", text(1, nil, 1024)), flag("extract", true), flag("executable", false), flag("cache", false), optional("destPath", text(1, nil, 0)))
}
