package rules

import (
	"fmt"
	"slices"
	"strings"
)

// persistent checks a volume that is kept on an agent for an instance.
func (c *checker) persistent(path []string, v fields) {
	c.wantsFields(path, v, "containerPath", "mode")
	if p := v.text("containerPath"); strings.Contains(p, "/") || p == "." || p == ".." {
		c.refuse(Finding{
			Path: below(path, "containerPath"), Rule: "app-volume-persistent",
			Msg:  fmt.Sprintf("has a persistent volume with the containerPath %q, which has to be a plain name in the task's folder", p),
			Hint: `write a name such as "data"; to see it elsewhere, too, add a volume with it as hostPath`,
		})
	}
	if v.word("mode", "RW") != "RW" {
		c.refuse(Finding{
			Path: below(path, "mode"), Rule: "app-volume-persistent",
			Msg: "has a persistent volume that it may only read", Hint: `write mode: "RW"`,
		})
	}
	c.persistentDisk(below(path, "persistent"), v.object("persistent"))
}

// persistentDisk checks which disk a persistent volume asks for. A missing type is root here,
// even when a profile makes it mount later.
func (c *checker) persistentDisk(path []string, p fields) {
	kind := p.word("type", "ROOT")
	write := `write type: "mount"`
	c.wholeNumbers(path, p, "size", "maxSize")
	if size := p.number("size", 0); size <= 0 {
		c.refuse(Finding{
			Path: path, Rule: "app-volume-persistent",
			Msg: "has a persistent volume without a size", Hint: "write size, in MiB",
		})
	} else if p.has("maxSize") && kind == "MOUNT" && p.number("maxSize", 0) <= size {
		c.refuse(Finding{
			Path: below(path, "maxSize"), Rule: "app-volume-persistent",
			Msg:  fmt.Sprintf("has a persistent volume with maxSize %s, which is not more than its size %s", shown(p.number("maxSize", 0)), shown(size)),
			Hint: "write more, or leave maxSize out",
		})
	}
	if p.has("maxSize") && kind != "MOUNT" {
		c.refuse(Finding{
			Path: below(path, "maxSize"), Rule: "app-volume-persistent",
			Msg: "has a persistent volume with maxSize, which only the type mount has", Hint: write,
		})
	}
	if p.has("profileName") && p.text("profileName") == "" {
		c.refuse(Finding{
			Path: below(path, "profileName"), Rule: "app-volume-persistent",
			Msg: "has a persistent volume with an empty profileName", Hint: "leave profileName out",
		})
	}
	constraints := p.list("constraints")
	if len(constraints) > 0 && kind == "ROOT" {
		c.refuse(Finding{
			Path: below(path, "constraints"), Rule: "app-volume-persistent",
			Msg: "has a persistent volume of the type root with constraints: there is one such disk", Hint: write + `, or "path"`,
		})
	}
	for _, one := range constraints {
		c.diskConstraint(below(path, "constraints"), one)
	}
}

func (c *checker) diskConstraint(path []string, constraint any) {
	words, _ := constraint.([]any)
	if len(words) == 3 && words[0] == "path" && words[1] == "LIKE" {
		return
	}
	c.refuse(Finding{
		Path: path, Rule: "app-volume-persistent",
		Msg: "has a persistent volume with a constraint that Marathon does not know", Hint: `write ["path", "LIKE", "…"] with a regular expression`,
	})
}

// residency checks what an app has to be because its instances stay where their volumes are.
// An app that only says residency, without such a volume, is held to a part of it.
func (c *checker) residency() {
	def := fields(c.def)
	resident := hasVolume(def, kindPersistent)
	if !resident && !def.has("residency") {
		return
	}
	because, hint := "a persistent volume", `write unreachableStrategy: "disabled"`
	if !resident {
		because, hint = "residency", noResidency
	}
	if def.object("unreachableStrategy") != nil {
		c.refuse(Finding{
			Path: []string{"unreachableStrategy"}, Rule: "app-residency",
			Msg:  fmt.Sprintf("has %s and an unreachableStrategy: its instances wait for their agent and are not replaced", because),
			Hint: hint,
		})
	}
	if !resident {
		c.warn(Finding{
			Path: []string{"residency"}, Rule: "app-residency",
			Msg: "has residency and no persistent volume, without which it means nothing", Hint: noResidency,
		})
		return
	}
	c.residentRoles(def)
}

const noResidency = "leave residency out"

func (c *checker) residentRoles(def fields) {
	// The roles are a set: * twice is * once. None at all is refused by acceptedRoles.
	if slices.ContainsFunc(def.list("acceptedResourceRoles"), func(role any) bool { return role != "*" }) {
		c.refuse(Finding{
			Path: []string{"acceptedResourceRoles"}, Rule: "app-residency",
			Msg: "has a persistent volume and acceptedResourceRoles other than *", Hint: `write ["*"], or leave acceptedResourceRoles out`,
		})
	}
	if def.text("role") == "*" {
		c.refuse(Finding{
			Path: []string{"role"}, Rule: "app-residency",
			Msg:  "has a persistent volume and the role *, for which nothing can be reserved",
			Hint: "write another role: the name of the app's top group, or the one that Marathon runs with",
		})
	}
	switch {
	case def.has("role") || c.version.Before(1, 9):
	case c.marathon.Role == "*":
		c.refuse(Finding{
			Path: []string{"container", "volumes"}, Rule: "app-residency",
			Msg:  "has a persistent volume and no role, and gets the role *, for which nothing can be reserved",
			Hint: "write role: the name of the app's top group, or the one that Marathon runs with",
		})
	case c.marathon.Role == "":
		c.warn(Finding{
			Path: []string{"container", "volumes"}, Rule: "app-residency",
			Msg:  "has a persistent volume and no role: Marathon refuses it when the role that it runs with is *, as it is by default",
			Hint: "write role",
		})
	}
}

// overCapacity: an instance cannot share its volume, so that no more may run during an update.
func (c *checker) overCapacity() {
	def := fields(c.def)
	because, hint := "", "write 0, or leave upgradeStrategy out"
	switch {
	case hasVolume(def, kindPersistent):
		because = "a persistent volume"
	case hasVolume(def, kindExternal):
		because = "an external volume"
	case def.has("residency"):
		because, hint = "residency", noResidency
	default:
		return
	}
	if over := def.object("upgradeStrategy").number("maximumOverCapacity", 0); over != 0 {
		c.refuse(Finding{
			Path: []string{"upgradeStrategy", "maximumOverCapacity"}, Rule: "app-residency",
			Msg:  fmt.Sprintf("has %s and a maximumOverCapacity of %s: it has to be 0", because, shown(over)),
			Hint: hint,
		})
	}
}
