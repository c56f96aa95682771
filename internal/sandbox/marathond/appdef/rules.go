package appdef

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// ruleCheck holds an app against the rules of the canonical form. A container that is
// invented later is not there yet.
type ruleCheck struct {
	reader  *Reader
	app     Object
	base    string
	roles   []string
	current Existing
	out     []Problem
}

func (c *ruleCheck) bad(path, format string, args ...any) {
	c.out = append(c.out, Problem{path, fmt.Sprintf(format, args...)})
}

func (c *ruleCheck) all() []Problem {
	c.identity()
	c.command()
	c.role()
	c.constraints()
	c.dependencies()
	c.secrets()
	c.networks()
	c.container()
	c.ports()
	c.healthChecks()
	c.readiness()
	c.resources()
	c.strategies()
	c.labels()
	for i, f := range List(c.app["fetch"]) {
		if !validURI(Text(Map(f)["uri"])) && Text(Map(f)["uri"]) != "" {
			c.bad(fmt.Sprintf("/fetch(%d)/uri", i), "URI has invalid syntax.")
		}
	}
	return c.out
}

const reservedText = "must not end with any of the following reserved keywords: restart, tasks, versions, ., .."

func reserved(id string) bool {
	last := id[strings.LastIndex(id, "/")+1:]
	return slices.Contains([]string{"restart", "tasks", "versions", ".", ".."}, last)
}

func (c *ruleCheck) identity() {
	switch id := Text(c.app["id"]); {
	case id == "/":
		c.bad("/id", "Path must contain at least one path element")
		c.bad("/", "must not be root")
	case reserved(id):
		c.bad("/id", reservedText)
	}
}

func (c *ruleCheck) command() {
	c.out = append(c.out, commandRule(c.app)...)
	if cmd, ok := c.app["cmd"].(string); ok && len(cmd) < 2 {
		c.bad("/", "must not be an empty string")
	}
}

func (c *ruleCheck) resident() bool {
	return hasVolume(c.app, "persistent") || c.app["residency"] != nil
}

func (c *ruleCheck) role() {
	role := Text(c.app["role"])
	if !slices.Contains(c.roles, role) {
		sorted := slices.Clone(c.roles)
		sort.Strings(sorted)
		c.bad("/role", "got %s, expected one of: [%s]", role, strings.Join(sorted, ", "))
	}
	if hasVolume(c.app, "persistent") && role == "*" {
		c.bad("/role", "Resident apps cannot have the role *")
	}
	if was := c.current.Role; hasVolume(c.app, "persistent") && was != "" && was != role && !c.current.Force {
		c.bad("/role", "It is not possible to change the role for existing reservations. If you proceed with this change, all existing instances will continue to run under the previous role, %s. Only new instances will be allocated with the new role, %s. In order to continue, retry your request with ?force=true", was, role)
	}
	c.acceptedRoles(role)
}

func (c *ruleCheck) acceptedRoles(role string) {
	accepted, ok := c.app["acceptedResourceRoles"].([]any)
	if !ok {
		return
	}
	if len(accepted) == 0 {
		c.bad("/acceptedResourceRoles", "must not be empty")
		return
	}
	if hasVolume(c.app, "persistent") && !Equal(distinct(accepted), []any{"*"}) {
		c.bad("/acceptedResourceRoles", "A resident app must have `acceptedResourceRoles = [\"*\"]`.")
		return
	}
	for _, a := range accepted {
		if a == "*" || a == role {
			continue
		}
		names := "*"
		if role != "*" {
			names += " and " + role
		}
		c.bad("/acceptedResourceRoles", "acceptedResourceRoles can only contain %s", names)
		return
	}
}

func (c *ruleCheck) constraints() {
	seen := map[string]bool{}
	for _, x := range List(c.app["constraints"]) {
		if text := constraintRule(List(x)); text != "" && !seen[text] {
			seen[text] = true
			c.bad("/constraints", "%s", text)
		}
	}
}

func constraintRule(parts []any) string {
	if len(parts) < 2 || len(parts) > 3 {
		return "Each constraint must have either 2 or 3 fields"
	}
	if Text(parts[0]) == "" {
		return "illegal constraint specification"
	}
	value, given := "", len(parts) == 3
	if given {
		value = Text(parts[2])
	}
	isInt := func() bool { _, err := strconv.ParseInt(value, 10, 32); return err == nil }
	switch strings.ToUpper(Text(parts[1])) {
	case "UNIQUE":
		if given {
			return "UNIQUE does not accept a value"
		}
	case "CLUSTER":
	case "GROUP_BY":
		if given && !isInt() {
			return "GROUP BY must define an integer value or else no value at all"
		}
	case "MAX_PER":
		if !given || !isInt() {
			return "MAX_PER requires an integer value"
		}
	case "LIKE", "UNLIKE":
		if !given {
			return "LIKE and UNLIKE require a non-empty, regular expression value"
		}
		if _, err := regexp.Compile(value); err != nil {
			return "is not a valid regular expression"
		}
	case "IS":
		if given && !regexp.MustCompile(`^[a-zA-Z0-9_/.-]*$`).MatchString(value) {
			return "IS only supports Mesos text and float values (see http://mesos.apache.org/documentation/latest/attributes-resources/)"
		}
	default:
		return "operator must be one of the following UNIQUE, CLUSTER, GROUP_BY, LIKE, MAX_PER, UNLIKE or IS"
	}
	return ""
}

const dependencyPattern = `^(([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])|(\.|\.\.)$`

func (c *ruleCheck) dependencies() {
	segment := regexp.MustCompile(`^(?:(([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])\.)*([a-z0-9]|[a-z0-9][a-z0-9\-]*[a-z0-9])|(\.|\.\.))$`)
	for i, x := range List(c.app["dependencies"]) {
		dep, at := Text(x), fmt.Sprintf("/dependencies(%d)", i)
		parts := strings.FieldsFunc(dep, func(r rune) bool { return r == '/' })
		for _, p := range parts {
			if !segment.MatchString(p) {
				c.bad(at, "must fully match regular expression '%s'", dependencyPattern)
				break
			}
		}
		if j := slices.Index(parts, ".."); strings.HasPrefix(dep, "/") && j >= 0 {
			c.bad(at, "Identifier is not child of '/%s'", strings.Join(parts[:j+1], "/"))
		}
		if len(parts) > 0 && reserved(parts[len(parts)-1]) && parts[len(parts)-1] != ".." && parts[len(parts)-1] != "." {
			c.bad(at, reservedText)
		}
	}
}

const needsSecrets = "Feature secrets is not enabled. Enable with --enable_features secrets)"

func (c *ruleCheck) secrets() {
	known := Map(c.app["secrets"])
	if len(known) > 0 && !c.reader.has("secrets") {
		c.bad("/secrets", needsSecrets)
	}
	if _, empty := known[""]; empty {
		c.bad("/secrets/keys(0)", "must not be empty")
	}
	env := Map(c.app["env"])
	if _, empty := env[""]; empty {
		c.bad("/env/keys(0)", "must not be empty")
	}
	refused := false
	for name, v := range env {
		ref, ok := v.(Object)
		if !ok {
			continue
		}
		if !c.reader.has("secrets") && !refused {
			c.bad("/env", "use of secret-references in the environment requires the secrets feature to be enabled")
			refused = true
		}
		if known[Text(ref["secret"])] == nil {
			c.bad("/env/"+name+"/secret", "references an undefined secret")
		}
	}
}

func (c *ruleCheck) resources() {
	if Int(c.app["gpus"]) > 0 {
		if !c.reader.has("gpu_resources") {
			c.bad("/", "Feature gpu_resources is not enabled. Enable with --enable_features gpu_resources)")
		}
		if Map(c.app["container"])["type"] == "DOCKER" {
			c.bad("/", "GPU resources only work with the Mesos containerizer")
		}
	}
	for name, v := range Map(c.app["resourceLimits"]) {
		switch v := v.(type) {
		case string:
			if v != "unlimited" {
				c.bad("/resourceLimits/"+name, "'%s' is an invalid resource limit. It must be 'unlimited' or a number", v)
			}
		case Double:
			if want := Double(Number(c.app[name])); v < want {
				c.bad("/resourceLimits/"+name, "resource limit must be greater than or equal to requested resource (%s)", jsonText(want))
			}
		}
	}
}

func (c *ruleCheck) strategies() {
	if u, ok := c.app["upgradeStrategy"].(Object); ok && (c.resident() || hasVolume(c.app, "external")) && Number(u["maximumOverCapacity"]) != 0 {
		c.bad("/upgradeStrategy/maximumOverCapacity", "got %s, expected 0.0", jsonText(Double(Number(u["maximumOverCapacity"]))))
	}
	u, ok := c.app["unreachableStrategy"].(Object)
	if !ok {
		return
	}
	if c.resident() {
		c.bad("/", "unreachableStrategy must be disabled for resident tasks")
	}
	if in, out := Int(u["inactiveAfterSeconds"]), Int(u["expungeAfterSeconds"]); in > out {
		c.bad("/unreachableStrategy/inactiveAfterSeconds", "inactiveAfterSeconds (%d) must be less or equal to expungeAfterSeconds, which is %d", in, out)
	}
}

func (c *ruleCheck) labels() {
	labels := Map(c.app["labels"])
	if v := Text(labels["DCOS_MIGRATION_API_VERSION"]); v != "" && (v != "v1" || labels["DCOS_MIGRATION_API_PATH"] == nil || labels["DCOS_PACKAGE_FRAMEWORK_NAME"] == nil) {
		c.bad("/", "DCOS_PACKAGE_FRAMEWORK_NAME and DCOS_MIGRATION_API_PATH must be defined when using DCOS_MIGRATION_API_VERSION")
	}
	if labels["MARATHON_SINGLE_INSTANCE_APP"] != "true" {
		return
	}
	if Int(c.app["instances"]) > 1 {
		c.bad("/", "Single instance app may only have one instance")
	}
	u, given := c.app["upgradeStrategy"].(Object)
	low, over := Number(u["minimumHealthCapacity"]), Number(u["maximumOverCapacity"])
	if !given {
		low, over = 1, 1
	}
	if low != 0 || over != 0 {
		c.bad("/isSingleInstance", "must be false")
	}
	if over != 0 {
		c.bad("/upgradeStrategy/maximumOverCapacity", "got %s, expected 0.0", jsonText(Double(over)))
	}
	if low != 0 {
		c.bad("/upgradeStrategy/minimumHealthCapacity", "got %s, expected 0.0", jsonText(Double(low)))
	}
}
