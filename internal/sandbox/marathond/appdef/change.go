package appdef

import "slices"

// Change is what Marathon sees between two definitions of an app.
type Change int

// What an edit is: nothing, the number of instances alone, or anything else.
const (
	Same Change = iota
	Scaling
	Config
)

// Compare tells what Marathon sees between two definitions. executorResources are not looked at.
func Compare(before, after Object) Change {
	out := Same
	keys := map[string]bool{}
	for k := range before {
		keys[k] = true
	}
	for k := range after {
		keys[k] = true
	}
	for k := range keys {
		if slices.Contains([]string{"executorResources", "version", "versionInfo"}, k) {
			continue
		}
		b, had := before[k]
		a, has := after[k]
		if had == has && Equal(Object{k: b}, Object{k: a}) {
			continue
		}
		if k != "instances" {
			return Config
		}
		out = Scaling
	}
	return out
}

const (
	residentResources = "Services with persistent volumes configured may not change resource requirements. If you need to make this change, please create a new service."
	residentPorts     = "Services with persistent volumes configured may not change host ports. If you need to make this change, please create a new service."
)

// ResidentRules are what may not change on an app with persistent volumes.
func ResidentRules(before, after Object) []Problem {
	if !hasVolume(before, "persistent") {
		return nil
	}
	var out []Problem
	if !Equal(persistentOf(before), persistentOf(after)) {
		out = append(out, Problem{"/app(0)", "Persistent volumes can not be changed!"})
	}
	for _, k := range []string{"cpus", "mem", "disk", "gpus", "requirePorts"} {
		if !Equal(before[k], after[k]) {
			out = append(out, Problem{"/app(0)/" + k, residentResources})
		}
	}
	if !slices.Equal(hostPorts(before), hostPorts(after)) {
		out = append(out, Problem{"/app(0)", residentPorts})
	}
	return out
}

func persistentOf(app Object) []any {
	out := []any{}
	for _, v := range List(Map(app["container"])["volumes"]) {
		if Map(v)["persistent"] != nil {
			out = append(out, v)
		}
	}
	return out
}

// hostPorts is the set of an app's ports on the host.
func hostPorts(app Object) []int {
	var out []int
	for _, p := range List(app["portDefinitions"]) {
		out = append(out, Int(Map(p)["port"]))
	}
	for _, p := range List(Map(app["container"])["portMappings"]) {
		if v := Map(p)["hostPort"]; v != nil {
			out = append(out, Int(v))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ServicePorts lists the places of an app's service ports and the key they have there.
func ServicePorts(app Object) (places []Object, key string) {
	list, key := List(Map(app["container"])["portMappings"]), "servicePort"
	if len(list) == 0 {
		list, key = List(app["portDefinitions"]), "port"
	}
	for _, x := range list {
		places = append(places, Map(x))
	}
	return places, key
}

// HasMarathonCheck reports whether Marathon itself, not Mesos, does one of the health checks.
func HasMarathonCheck(app Object) bool {
	return slices.ContainsFunc(List(app["healthChecks"]), func(h any) bool { return isMarathonKind(Map(h)) })
}

// IsResident reports whether the app has persistent volumes.
func IsResident(app Object) bool { return hasVolume(app, "persistent") }
