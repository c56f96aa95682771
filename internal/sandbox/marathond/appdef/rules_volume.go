package appdef

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

func (c *ruleCheck) volumes(list []any) {
	for i, x := range list {
		v, at := Map(x), fmt.Sprintf("/container/volumes(%d)", i)
		switch {
		case v["persistent"] != nil:
			c.persistent(v, Map(v["persistent"]), at)
		case v["external"] != nil:
			c.external(v, Map(v["external"]), at)
		case v["secret"] != nil:
			c.secretVolume(Text(v["secret"]), at)
		}
	}
}

func (c *ruleCheck) secretVolume(name, at string) {
	switch {
	case !c.reader.has("secrets"):
		c.bad("/container/secretVolumes(container)", "must be empty")
		c.bad("/container/secretVolumes(container)", needsSecrets)
	case Map(c.app["secrets"])[name] == nil:
		c.bad(at, "volume.secret must refer to an existing secret")
	}
}

func (c *ruleCheck) persistent(v, p Object, at string) {
	if v["mode"] != "RW" {
		c.bad(at+"/mode", "does not equal RW")
	}
	switch name := Text(v["containerPath"]); {
	case strings.Contains(name, "/"):
		c.bad(at+"/containerPath", "value must not contain \"/\"")
	case name == "." || name == "..":
		c.bad(at+"/containerPath", "value must not be %q", name)
	}
	if Int(p["size"]) <= 0 {
		c.bad(at+"/persistent/size", "got %d, expected more than 0", Int(p["size"]))
	}
	if name, ok := p["profileName"].(string); ok && name == "" {
		c.bad(at+"/volume/persistent/profileName", "must not be empty")
	}
	root := p["type"] == nil || p["type"] == "root" // whatever the profile makes of it later
	if size, ok := p["maxSize"].(int); ok {
		if p["type"] != "mount" {
			c.bad(at+"/persistent", "Only mount volumes can have maxSize")
		} else if size <= Int(p["size"]) {
			c.bad(at+"/persistent", "Max size must be larger than size")
		}
	}
	constraints := List(p["constraints"])
	if root && len(constraints) > 0 {
		c.bad(at+"/persistent", "Constraints on root volumes are not supported")
	}
	for _, x := range constraints {
		if op := List(x); len(op) > 1 && op[1] != "LIKE" && op[1] != "UNLIKE" {
			c.bad(at+"/persistent/constraints", "unknown constraint operator %v", op[1])
		}
	}
}

const (
	optionName = `^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?/[A-Za-z0-9](?:[-A-Za-z0-9\._:]*[A-Za-z0-9])?$`
	optionWord = `^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$`
)

func (c *ruleCheck) external(v, e Object, at string) {
	if !c.reader.has("external_volumes") {
		c.bad(at, "Feature external_volumes is not enabled. Enable with --enable_features external_volumes)")
		return
	}
	if e["provider"] == "csi" {
		mode := Text(Map(Map(e["options"])["capability"])["accessMode"])
		if slices.Contains(readOnlyModes(), mode) && v["mode"] != "RO" {
			c.bad(at+"/volume", "CSI volume must be mounted readonly with a read-only access mode")
		}
		return
	}
	if e["provider"] != "dvdi" {
		c.bad(at+"/external/provider", "is unknown provider")
		return
	}
	isDocker := Map(c.app["container"])["type"] == "DOCKER"
	options := Map(e["options"])
	at += "/external"
	switch driver, ok := options["dvdi/driver"].(string); {
	case !ok:
		c.bad(at+`/options("dvdi/driver")`, "not defined")
	case !regexp.MustCompile(optionWord).MatchString(driver):
		c.bad(at+`/options("dvdi/driver")`, "must match regular expression '%s'", optionWord)
	}
	c.options(options, at)
	if _, ok := options["dvdi/driver"]; isDocker && ok && len(options) > 1 {
		c.bad(at+"/options", "must only contain dvdi/driver")
	}
	if Int(c.app["instances"]) > 1 {
		c.bad("/", "Number of instances is limited to 1 when declaring DVDI volumes in app [%s]", Text(c.app["id"]))
	}
	for range 2 { // the real one says both twice
		if isDocker && e["size"] != nil {
			c.bad(at+"/size", "must be undefined for Docker containers")
		}
		if !isDocker && v["mode"] != "RW" {
			c.bad(strings.TrimSuffix(at, "/external")+"/mode", "does not equal RW")
		}
	}
}

func (c *ruleCheck) options(options Object, at string) {
	names := make([]string, 0, len(options))
	for k := range options {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		v := Text(options[k])
		switch {
		case !regexp.MustCompile(optionName).MatchString(k):
			c.bad(at+"/options/keys", "must match regular expression '%s'", optionName)
		case k == "dvdi/newfstype" || k == "dvdi/volumetype":
			if !regexp.MustCompile(optionWord).MatchString(v) {
				c.bad(at+"/options/"+strconv.Quote(k), "must match regular expression '%s'", optionWord)
			}
		case k == "dvdi/iops":
			if n, err := strconv.Atoi(v); err != nil || n <= 0 {
				c.bad(at+"/options/"+strconv.Quote(k), "Expected a valid, positive integer instead of %s", v)
			}
		case k == "dvdi/overwritefs" && !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false"):
			c.bad(at+"/options/"+strconv.Quote(k), "Expected a valid boolean")
		}
	}
}

func readOnlyModes() []string {
	return []string{"UNKNOWN", "SINGLE_NODE_READER_ONLY", "MULTI_NODE_READER_ONLY"}
}

// modelCSI keeps what a CSI volume has; what is wrong here passed the rules and is 500.
func modelCSI(e Object) *Refusal {
	in := Map(e["options"])
	capability := Map(in["capability"])
	mode, kind := Text(capability["accessMode"]), Text(capability["accessType"])
	modes := append(readOnlyModes(), "SINGLE_NODE_WRITER", "MULTI_NODE_SINGLE_WRITER", "MULTI_NODE_MULTI_WRITER")
	if !slices.Contains(modes, mode) {
		return refuse500("CSI options.access.mode is invalid. This is a bug. Validation should have prevented this.")
	}
	out := Object{"accessMode": mode, "accessType": kind}
	switch kind {
	case "block":
	case "mount":
		if capability["fsType"] == nil {
			return refuse500("fsType must be specified with mount access type CSI volumes. This is a bug. Validation should have prevented this")
		}
		out["fsType"] = capability["fsType"]
		if flags := List(capability["mountFlags"]); len(flags) > 0 {
			out["mountFlags"] = flags
		}
	default:
		return refuse500("%s (of class java.lang.String)", kind)
	}
	options := Object{"pluginName": in["pluginName"], "capability": out}
	for _, k := range []string{"nodeStageSecret", "nodePublishSecret", "volumeContext"} {
		if len(Map(in[k])) > 0 {
			options[k] = in[k]
		}
	}
	e["options"] = options
	delete(e, "size")
	delete(e, "shared")
	return nil
}
