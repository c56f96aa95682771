package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// external checks a volume that something outside of Mesos provides.
func (c *checker) external(path []string, v fields) {
	c.wantsFields(path, v, "containerPath", "mode")
	e := v.object("external")
	path = below(path, "external")
	if e.text("name") == "" {
		c.refuse(Finding{Path: path, Rule: "app-volume-external", Msg: "has an external volume without a name", Hint: "write name"})
	}
	c.wholeNumbers(path, e, "size")
	if e.number("size", 0) < 0 {
		c.refuse(Finding{Path: below(path, "size"), Rule: "app-volume-external", Msg: "has an external volume of a size below 0"})
	}
	switch provider := e.text("provider"); provider {
	case "dvdi":
		c.dvdi(path, v)
	case "csi":
		c.csi(path, v)
	default:
		c.refuse(Finding{
			Path: inside(path, e, "provider"), Rule: "app-volume-external",
			Msg: fmt.Sprintf("has an external volume of the provider %q, which Marathon does not know", provider), Hint: `write provider: "dvdi" or "csi"`,
		})
	}
}

var (
	dvdiName  = regexp.MustCompile(`^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?/[A-Za-z0-9](?:[-A-Za-z0-9._:]*[A-Za-z0-9])?$`)
	dvdiLabel = regexp.MustCompile(`^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$`)
)

const dvdiDriver = "dvdi/driver"

// dvdi checks a volume of a Docker volume driver.
func (c *checker) dvdi(path []string, v fields) {
	e := v.object("external")
	options := e.object("options")
	if !options.has(dvdiDriver) {
		c.refuse(Finding{
			Path: path, Rule: "app-volume-external",
			Msg: "has a dvdi volume that names no driver", Hint: `write options: "dvdi/driver": "…"`,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		c.dvdiOption(below(path, "options", name), name, options[name])
	}
	if !inDocker(c.def) {
		if v.word("mode", "RW") != "RW" {
			c.refuse(Finding{
				Path: append(path[:len(path)-1:len(path)-1], "mode"), Rule: "app-volume-external",
				Msg:  "has a dvdi volume that it may only read, which a container of type MESOS cannot have",
				Hint: `write mode: "RW"`,
			})
		}
		return
	}
	if e.has("size") {
		c.refuse(Finding{
			Path: below(path, "size"), Rule: "app-volume-external",
			Msg: "has a dvdi volume with a size, and a container of type DOCKER, with which the driver chooses it", Hint: "leave size out",
		})
	}
	if len(options) > 1 {
		c.refuse(Finding{
			Path: below(path, "options"), Rule: "app-volume-external",
			Msg:  "has a dvdi volume with more options than the driver, and a container of type DOCKER, which passes no other on",
			Hint: "leave all but dvdi/driver out",
		})
	}
}

func (c *checker) dvdiOption(path []string, name string, value any) {
	f := Finding{Path: path, Rule: "app-volume-external"}
	text, ok := value.(string)
	switch {
	case !ok:
		f.Msg, f.Hint = fmt.Sprintf("has a dvdi volume whose option %s is no text", name), "write it in quotes"
	case !dvdiName.MatchString(name):
		f.Msg = fmt.Sprintf("has a dvdi volume with the option %q: a name is such as dvdi/size", name)
		f.Hint = "write a prefix in small letters, a slash and the name"
	case slices.Contains([]string{dvdiDriver, "dvdi/newfstype", "dvdi/volumetype"}, name) && !dvdiLabel.MatchString(text):
		f.Msg = fmt.Sprintf("has a dvdi volume whose option %s is %q: it may have small letters, digits and dashes inside", name, text)
	case name == "dvdi/iops" && !positive(text):
		f.Msg = fmt.Sprintf("has a dvdi volume whose option %s is %q, which is no number of 1 or more", name, text)
	case name == "dvdi/overwritefs" && !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false"):
		f.Msg, f.Hint = fmt.Sprintf("has a dvdi volume whose option %s is %q", name, text), "write true or false"
	default:
		return
	}
	c.refuse(f)
}

func positive(text string) bool {
	n, err := strconv.ParseInt(text, 10, 32)
	return err == nil && n > 0
}

// externalNames: a dvdi volume that is not shared can be in use once.
func (c *checker) externalNames() {
	seen := map[string]bool{}
	for i, v := range volumesOf(c.def) {
		e := v.object("external")
		name := e.text("name")
		if kindOf(v) != kindExternal || e.text("provider") != "dvdi" || e["shared"] == true || name == "" {
			continue
		}
		if seen[name] {
			c.refuse(Finding{
				Path: pathTo("container", "volumes", i, "external", "name"), Rule: "app-volume-external",
				Msg: fmt.Sprintf("has the dvdi volume %q twice", name), Hint: "give them two names, or write shared: true",
			})
		}
		seen[name] = true
	}
}

// instancesOfExternal: a dvdi volume is for one instance, shared or not.
func (c *checker) instancesOfExternal() {
	n := fields(c.def).number("instances", 1)
	for i, v := range volumesOf(c.def) {
		if kindOf(v) == kindExternal && v.object("external").text("provider") == "dvdi" && n > 1 {
			c.refuse(Finding{
				Path: pathTo("container", "volumes", i), Rule: "app-volume-external",
				Msg:  fmt.Sprintf("has a dvdi volume and %s instances: with one it can have a single instance", shown(n)),
				Hint: "write instances: 1",
			})
			return
		}
	}
}
