package rules

import "fmt"

// A volumeKind is what makes a volume what it is.
type volumeKind string

const (
	kindPersistent volumeKind = "persistent"
	kindExternal   volumeKind = "external"
	kindSecret     volumeKind = "secret"
	kindHost       volumeKind = "hostPath"
)

// kindOf tells the kind of a volume as Marathon does: by the first of these that it has.
func kindOf(volume fields) volumeKind {
	for _, kind := range []volumeKind{kindPersistent, kindExternal, kindSecret} {
		if volume.has(string(kind)) {
			return kind
		}
	}
	return kindHost
}

func volumesOf(def fields) []fields { return def.object("container").objects("volumes") }

func hasVolume(def fields, kind volumeKind) bool {
	for _, v := range volumesOf(def) {
		if kindOf(v) == kind {
			return true
		}
	}
	return false
}

// volumes checks the volumes of the container, and what an app may be because of them.
func (c *checker) volumes() {
	for i, v := range volumesOf(c.def) {
		path := pathTo("container", "volumes", i)
		kind := kindOf(v)
		c.onlyOneKind(path, v, kind)
		switch kind {
		case kindPersistent:
			c.persistent(path, v)
		case kindExternal:
			c.external(path, v)
		case kindSecret:
			c.secretVolume(path, v)
		case kindHost:
			c.wantsFields(path, v, "containerPath", "hostPath", "mode")
		}
	}
	c.externalNames()
	c.instancesOfExternal()
	c.residency()
	c.overCapacity()
}

// wantsFields refuses a volume without the fields that its kind needs.
func (c *checker) wantsFields(path []string, v fields, names ...string) {
	for _, name := range names {
		if v.has(name) {
			continue
		}
		f := Finding{Path: path, Rule: "app-volume", Msg: fmt.Sprintf("has a volume without %s", name), Hint: "write " + name}
		switch name {
		case "hostPath":
			f.Hint = "write hostPath, or what else the volume is: persistent, external or secret"
		case "mode":
			f.Hint = `write mode: "RO" or "RW"`
		}
		c.refuse(f)
	}
}

// onlyOneKind warns of a volume that says two things, of which Marathon hears one.
func (c *checker) onlyOneKind(path []string, v fields, kind volumeKind) {
	for _, other := range []volumeKind{kindExternal, kindSecret, kindHost} {
		if other != kind && v.has(string(other)) {
			c.warn(Finding{
				Path: below(path, string(other)), Rule: "app-volume",
				Msg:  fmt.Sprintf("has a volume with %s and %s, of which Marathon takes %s and drops the other", kind, other, kind),
				Hint: "leave one of them out",
			})
		}
	}
}

// secretVolume checks a file that holds a secret.
func (c *checker) secretVolume(path []string, v fields) {
	c.wantsFields(path, v, "containerPath")
	if key := v.text("secret"); !fields(c.def).object("secrets").has(key) {
		c.refuse(Finding{
			Path: below(path, "secret"), Rule: "app-volume-secret",
			Msg:  fmt.Sprintf("has a volume of the secret %q, which its secrets do not name", key),
			Hint: fmt.Sprintf("write secrets: %q: source: \"…\"", key),
		})
	}
}

// inDocker reports whether the Docker engine runs the container; it does when no type is given.
func inDocker(def map[string]any) bool {
	container := fields(def).object("container")
	return container != nil && container.word("type", "DOCKER") == "DOCKER"
}
