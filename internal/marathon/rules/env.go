package rules

import (
	"fmt"
	"maps"
	"slices"
)

// env checks the variables: secrets among them are names of the app's secrets.
func (c *checker) env() {
	env, secrets := fields(c.def).object("env"), fields(c.def).object("secrets")
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if name == "" {
			c.refuse(Finding{Path: pathTo("env", name), Rule: "app-env", Msg: "has a variable without a name in env", Hint: "give it a name, or take it out"})
		}
		key, ok := textIn(env.object(name), "secret")
		if ok && secrets[key] == nil {
			c.refuse(Finding{
				Path: pathTo("env", name, "secret"), Rule: "app-secret", Msg: fmt.Sprintf("takes env %q from the secret %q, which its secrets do not name", name, key),
				Hint: fmt.Sprintf("write secrets: %q: source: \"…\", the secret's path in the store", key),
			})
		}
	}
	if _, ok := secrets[""]; ok {
		c.refuse(Finding{Path: pathTo("secrets", ""), Rule: "app-secret", Msg: "has a secret without a name", Hint: "give it the name by which env and volumes refer to it"})
	}
}

// labels checks the labels that Marathon reads itself.
func (c *checker) labels() {
	labels := fields(c.def).object("labels")
	version, _ := textIn(labels, "DCOS_MIGRATION_API_VERSION")
	if version == "" {
		return
	}
	if version != "v1" {
		c.refuse(Finding{
			Path: pathTo("labels", "DCOS_MIGRATION_API_VERSION"), Rule: "app-label",
			Msg: fmt.Sprintf("has the label DCOS_MIGRATION_API_VERSION with the value %q: there is only v1", version), Hint: `write "v1", or take the label out`,
		})
	}
	for _, name := range []string{"DCOS_MIGRATION_API_PATH", "DCOS_PACKAGE_FRAMEWORK_NAME"} {
		if labels[name] == nil {
			c.refuse(Finding{
				Path: pathTo("labels", "DCOS_MIGRATION_API_VERSION"), Rule: "app-label",
				Msg: "has the label DCOS_MIGRATION_API_VERSION and not " + name + ", which belongs to it", Hint: "write both, or none",
			})
		}
	}
}

// acceptedRoles checks the roles whose resources an app takes: they are its own role and *.
// Without a role, its own is one that only the Marathon knows.
func (c *checker) acceptedRoles() {
	given := c.def["acceptedResourceRoles"]
	if given == nil {
		return
	}
	at := pathTo("acceptedResourceRoles")
	if len(fields(c.def).list("acceptedResourceRoles")) == 0 {
		c.refuse(Finding{
			Path: at, Rule: "app-role", Msg: "accepts resources of no role, as acceptedResourceRoles is empty",
			Hint: `leave it out, or write ["*"] for resources that are reserved for nobody`,
		})
	}
	role, named := c.role()
	foreign := ""
	for i, r := range fields(c.def).list("acceptedResourceRoles") {
		text, _ := r.(string)
		if text == "*" || text == role && named {
			continue
		}
		f := Finding{
			Path: pathTo("acceptedResourceRoles", i), Rule: "app-role",
			Msg: fmt.Sprintf("accepts resources of the role %q, and its own role is %q: it can have those of its own role and of * only", text, role), Hint: `write "*", or that role as role`,
		}
		if !named {
			f.Msg = fmt.Sprintf("accepts resources of the roles %q and %q: it can have those of its own role and of * only", foreign, text)
		}
		switch {
		case c.version.Before(1, 9):
		case c.version.Before(1, 10):
			f.Msg = fmt.Sprintf("accepts resources of the role %q, which Marathon replaces by * unless it is the app's own", text)
			c.warn(f)
		case named || foreign != "" && foreign != text:
			c.refuse(f)
		case foreign == "":
			f.Msg = fmt.Sprintf("accepts resources of the role %q and names no role: Marathon refuses that unless it gives the app that role", text)
			f.Hint = fmt.Sprintf("write role: %q, or accept \"*\"", text)
			c.warn(f)
		}
		foreign = text
	}
}

// role is that of the app, and whether it is known: the one that it names, or that it is given.
func (c *checker) role() (string, bool) {
	if role, named := textIn(c.def, "role"); named {
		return role, true
	}
	return c.marathon.Role, c.marathon.Role != ""
}
