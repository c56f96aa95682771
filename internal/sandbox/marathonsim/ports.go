package marathonsim

import (
	"encoding/json"
	"slices"
	"sort"
)

// The range from which service ports are chosen.
const (
	portMin = 10000
	portMax = 20000
)

// portsOf lists the places of an app's service ports.
func portsOf(def object) (places []object, field string) {
	c, _ := def["container"].(object)
	list := listOf(c["portMappings"])
	field = "servicePort"
	if len(list) == 0 {
		list, field = listOf(def["portDefinitions"]), "port"
	}
	for _, x := range list {
		if o, ok := x.(object); ok {
			places = append(places, o)
		}
	}
	return places, field
}

// assignPorts gives each service port 0 the next one the app had before that the new
// definition does not name, else the lowest that no app uses.
func (s *Server) assignPorts(id string, def object) {
	places, field := portsOf(def)
	named, used := map[int]bool{}, map[int]bool{}
	for _, p := range places {
		named[intOf(p[field])] = true
	}
	var before []int
	for other, a := range s.apps {
		old, f := portsOf(a.def)
		for _, p := range old {
			used[intOf(p[f])] = true
			if n := intOf(p[f]); other == id && !named[n] && n >= portMin && n <= portMax {
				before = append(before, n)
			}
		}
	}
	for _, p := range places {
		if intOf(p[field]) != 0 {
			continue
		}
		if len(before) > 0 {
			p[field], before = before[0], before[1:]
			continue
		}
		for n := portMin; n <= portMax; n++ {
			if !used[n] && !named[n] {
				p[field], used[n] = n, true
				break
			}
		}
	}
}

func listOf(v any) []any {
	l, _ := v.([]any)
	return l
}

func objectOf(v any) object {
	o, ok := v.(object)
	if !ok {
		return object{}
	}
	return o
}

func intOf(v any) int { return int(floatOf(v)) }

func floatOf(v any) float64 {
	switch v := v.(type) {
	case json.Number:
		f, _ := v.Float64()
		return f
	case int:
		return float64(v)
	case float64:
		return v
	case double:
		return float64(v)
	default:
		return 0
	}
}

// copyOf is a deep copy.
func copyOf(o object) object {
	out := object{}
	for k, v := range o {
		out[k] = copyValue(v)
	}
	return out
}

func copyValue(v any) any {
	switch v := v.(type) {
	case object:
		return copyOf(v)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = copyValue(x)
		}
		return out
	default:
		return v
	}
}

// canonical is a value in the form in which Marathon compares it: numbers by value,
// constraints and the like as sets.
func canonical(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, x := range v {
			out[k] = canonical(x)
			if l, ok := out[k].([]any); ok && slices.Contains([]string{"constraints", "healthChecks", "dependencies", "acceptedResourceRoles"}, k) {
				sort.Slice(l, func(i, j int) bool { return text(l[i]) < text(l[j]) })
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = canonical(x)
		}
		return out
	case json.Number, int, double:
		return floatOf(v)
	default:
		return v
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
