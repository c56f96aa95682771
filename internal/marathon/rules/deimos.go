package rules

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const zero = json.Number("0")

// OfDeimos reports whether a definition is written for Marathon 0.6 with Deimos, whose container
// is {image, options}.
func OfDeimos(def map[string]any) bool {
	container, _ := objectIn(def, "container")
	return isDeimos(container)
}

// isDeimos reports whether a container has the form of Marathon 0.6 with Deimos.
func isDeimos(container map[string]any) bool {
	return container["docker"] == nil && (container["image"] != nil || container["options"] != nil)
}

// seedEra translates what Marathon up to 0.7 read and no later one does: numbers in quotes,
// and a container {image, options}.
func (m modernizer) seedEra() {
	quoted := m.quotedNumbers()
	container, _ := objectIn(m.app, "container")
	deimos := isDeimos(container)
	if deimos {
		m.deimos(container)
	} else if docker, ok := objectIn(container, "docker"); ok {
		m.imageName(container, docker)
	}
	if id, _ := textIn(m.app, "id"); (deimos || quoted) && id != "" && !strings.HasPrefix(id, "/") {
		m.write("id", "/"+id)
	}
}

func (m modernizer) quotedNumbers() bool {
	found := false
	for _, name := range []string{"instances", "cpus", "mem", "disk", "backoffSeconds", "backoffFactor"} {
		if n, ok := unquoted(m.app[name]); ok {
			m.write(name, n)
			found = true
		}
	}
	ports, _ := listIn(m.app, "ports")
	for i, p := range ports {
		if n, ok := unquoted(p); ok {
			ports = slices.Clone(ports)
			ports[i], found = n, true
		}
	}
	if found && len(ports) > 0 {
		m.app["ports"] = ports // which becomes a modern form, too
	}
	return found
}

// unquoted is the number that a text is.
func unquoted(v any) (json.Number, bool) {
	s, ok := v.(string)
	if !ok || strings.Trim(s, "+-.0123456789eE") != "" {
		return "", false
	}
	f, err := strconv.ParseFloat(s, 64)
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64)), err == nil
}

func (m modernizer) imageName(container, docker map[string]any) {
	image, _ := textIn(docker, "image")
	if name := imageName(image); name != image {
		container, docker = maps.Clone(container), maps.Clone(docker)
		docker["image"], container["docker"] = name, docker
		m.write("container", container)
	}
}

// imageName is an image as Docker knows it: Deimos wanted docker:///image, or docker://registry/image.
func imageName(image string) string {
	if rest, ok := strings.CutPrefix(image, "docker://"); ok {
		return strings.TrimPrefix(rest, "/")
	}
	return image
}

func (m modernizer) deimos(old map[string]any) {
	image, _ := textIn(old, "image")
	options, _ := listIn(old, "options")
	o := optionsOf(options)
	docker := map[string]any{"image": imageName(image)}
	if len(o.parameters) > 0 {
		docker["parameters"] = o.parameters
	}
	container := map[string]any{"type": engineDocker, "docker": docker}
	if len(o.volumes) > 0 {
		container["volumes"] = o.volumes
	}
	m.write("container", container)
	m.write("networks", []any{map[string]any{"mode": modeHost}})
	if len(o.env) > 0 {
		env, _ := objectIn(m.app, "env")
		maps.Copy(o.env, env)
		m.write("env", o.env)
	}
	if m.app["cmd"] == "" {
		m.leaveOut("cmd") // the image's own
	}
	if m.app["instances"] == nil {
		m.write("instances", zero) // the default of 0.6; now it is 1
	}
}

// options are the arguments that Deimos gave to docker run, by where they go now.
type options struct {
	parameters, volumes []any
	env                 map[string]any
}

func optionsOf(list []any) options {
	out := options{env: map[string]any{}}
	for len(list) > 0 {
		word, _ := list[0].(string)
		list = list[1:]
		name, value, given := optionName(word)
		if name == "" {
			continue // docker run would have taken it for the image
		}
		if next, ok := first(list); !given && ok && !strings.HasPrefix(next, "-") {
			value, given, list = next, true, list[1:]
		}
		if !given {
			value = "true"
		}
		out.add(name, value)
	}
	return out
}

func first(list []any) (string, bool) {
	if len(list) == 0 {
		return "", false
	}
	s, ok := list[0].(string)
	return s, ok
}

// optionName is the long name of an option, and the value that stands in the same word:
// --name=value, -n=value, -nvalue.
func optionName(word string) (name, value string, given bool) {
	if long, ok := strings.CutPrefix(word, "--"); ok {
		return strings.Cut(long, "=")
	}
	short, ok := strings.CutPrefix(word, "-")
	if !ok || short == "" {
		return "", "", false
	}
	name, ok = map[string]string{
		"a": "attach", "c": "cpu-shares", "e": "env", "h": "hostname", "l": "label", "m": "memory", "p": "publish",
		"u": "user", "v": "volume", "w": "workdir",
	}[short[:1]]
	if !ok {
		return short, "", false
	}
	value, given = short[1:], len(short) > 1
	return name, strings.TrimPrefix(value, "="), given
}

func (o *options) add(name, value string) {
	if name == "env" {
		if k, v, ok := strings.Cut(value, "="); ok && k != "" {
			o.env[k] = v
			return
		}
	}
	if name == "volume" {
		if v, ok := hostVolume(value); ok {
			o.volumes = append(o.volumes, v)
			return
		}
	}
	o.parameters = append(o.parameters, map[string]any{"key": name, "value": value})
}

// hostVolume reads a folder of the host and where it goes, /host:/container, and :ro or :rw.
func hostVolume(s string) (map[string]any, bool) {
	parts := strings.Split(s, ":")
	mode := "RW"
	if len(parts) == 3 {
		mode = strings.ToUpper(parts[2])
	}
	if len(parts) < 2 || len(parts) > 3 || mode != "RW" && mode != "RO" {
		return nil, false
	}
	return map[string]any{"hostPath": parts[0], "containerPath": parts[1], "mode": mode}, true
}
