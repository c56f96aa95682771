package rules

import (
	"fmt"
	"maps"
	"math"
	"strings"
)

// healthChecks checks the health checks, the check of Mesos and the readiness checks.
func (c *checker) healthChecks() {
	ports := c.portsForChecks()
	for i, check := range fields(c.def).objects("healthChecks") {
		c.healthCheck(i, check, ports)
	}
	c.oneMesosHealthCheck(ports)
	c.updateThatHangs()
	c.mesosCheck(ports.afterwards())
	c.readiness(ports)
}

// checkedByMarathon: the kinds that Marathon's leader performs. All others are done by Mesos
// next to the task.
func checkedByMarathon(protocol string) bool {
	return protocol == "HTTP" || protocol == "HTTPS" || protocol == "TCP"
}

func mesosNetworkCheck(protocol string) bool { return strings.HasPrefix(protocol, "MESOS_") }

// nameOf names a health check in a sentence.
func nameOf(protocol string) string {
	if strings.HasPrefix(protocol, "HTTP") {
		return "an " + protocol + " health check"
	}
	return "a " + protocol + " health check"
}

func (c *checker) healthCheck(i int, check fields, ports checkedPorts) {
	protocol := check.word("protocol", "HTTP")
	c.wholeNumbers(pathTo("healthChecks", i), check,
		"gracePeriodSeconds", "intervalSeconds", "timeoutSeconds", "maxConsecutiveFailures", "delaySeconds", "portIndex")
	c.healthIP(i, check, protocol)
	if protocol == "COMMAND" {
		c.commandCheck(i, check)
		return
	}
	if check.has("command") {
		c.refuse(Finding{
			Path: pathTo("healthChecks", i, "command"), Rule: "app-health-command",
			Msg:  fmt.Sprintf("has %s with a command: only the protocol COMMAND has one", nameOf(protocol)),
			Hint: `write protocol: "COMMAND", or leave command out`,
		})
		return
	}
	if mesosNetworkCheck(protocol) {
		ports = ports.afterwards()
	}
	if msg, hint := ports.wrongPort(check, nameOf(protocol)); msg != "" {
		c.refuse(Finding{Path: inside(pathTo("healthChecks", i), check, "portIndex"), Rule: "app-health-port", Msg: msg, Hint: hint})
	}
	if checkedByMarathon(protocol) {
		c.marathonCheck(i, check, protocol)
	}
}

// commandCheck checks a health check that runs a command.
func (c *checker) commandCheck(i int, check fields) {
	if !check.object("command").has("value") {
		c.refuse(Finding{
			Path: pathTo("healthChecks", i), Rule: "app-health-command",
			Msg: "has a COMMAND health check without a command", Hint: `write command: value: "…", or another protocol`,
		})
	}
	for _, name := range []string{"path", "port"} {
		if check.has(name) {
			c.refuse(Finding{
				Path: pathTo("healthChecks", i, name), Rule: "app-health-command",
				Msg:  fmt.Sprintf("has a COMMAND health check with a %s: a command has none", name),
				Hint: fmt.Sprintf("leave %s out, or write another protocol", name),
			})
		}
	}
}

func (c *checker) healthIP(i int, check fields, protocol string) {
	if check.word("ipProtocol", "IPV4") != "IPV6" || mesosNetworkCheck(protocol) && inDocker(c.def) {
		return
	}
	c.refuse(Finding{
		Path: pathTo("healthChecks", i, "ipProtocol"), Rule: "app-health-ip",
		Msg:  fmt.Sprintf("has %s by IPv6: only MESOS_HTTP, MESOS_HTTPS and MESOS_TCP can do that, in a container of type DOCKER", nameOf(protocol)),
		Hint: "leave ipProtocol out, for IPv4",
	})
}

// marathonCheck finds what Marathon accepts of a check that it performs itself, and should not.
func (c *checker) marathonCheck(i int, check fields, protocol string) {
	what := nameOf(protocol)
	if check.number("intervalSeconds", 60) == 0 {
		c.refuse(Finding{
			Path: pathTo("healthChecks", i, "intervalSeconds"), Rule: "app-health-interval",
			Msg: fmt.Sprintf("has %s with intervalSeconds 0: Marathon would take it, even with no instances, and its leader "+
				"would check without a pause, too busy for the writes of anybody until the app is deleted", what),
			Hint: fmt.Sprintf("write 1 or more, or protocol MESOS_%s, which agents check", protocol),
		})
	}
	if delay := check.number("delaySeconds", 15); delay != 15 {
		c.warn(Finding{
			Path: pathTo("healthChecks", i, "delaySeconds"), Rule: "app-health-lost",
			Msg:  fmt.Sprintf("has %s with delaySeconds %s, which Marathon does not keep: it is always 15", what, shown(delay)),
			Hint: fmt.Sprintf("leave it out and use gracePeriodSeconds, or write protocol MESOS_%s, which has a delay", protocol),
		})
	}
	if check["ignoreHttp1xx"] == true && protocol != "TCP" {
		c.warn(Finding{
			Path: pathTo("healthChecks", i, "ignoreHttp1xx"), Rule: "app-health-lost",
			Msg: fmt.Sprintf("has %s with ignoreHttp1xx, which Marathon does not keep: it is always false", what), Hint: "leave it out",
		})
	}
}

// oneMesosHealthCheck: Mesos performs one network check of a task. Checks that are equal are one.
func (c *checker) oneMesosHealthCheck(ports checkedPorts) {
	var first fields
	for i, check := range fields(c.def).objects("healthChecks") {
		if !mesosNetworkCheck(check.word("protocol", "HTTP")) {
			continue
		}
		full := completed(check, ports)
		if first == nil {
			first = full
		} else if !maps.Equal(first, full) {
			c.refuse(Finding{
				Path: pathTo("healthChecks", i), Rule: "app-health-mesos",
				Msg:  "has more than one health check of the kinds MESOS_HTTP, MESOS_HTTPS and MESOS_TCP, and Mesos performs one",
				Hint: "keep one of them; what else is to be checked may be a COMMAND",
			})
			return
		}
	}
}

// completed is a Mesos health check with all that Marathon fills in, for comparing.
func completed(check fields, ports checkedPorts) fields {
	full := fields{
		"protocol": check.word("protocol", "HTTP"), "ipProtocol": check.word("ipProtocol", "IPV4"),
		"path": check["path"], "ignoreHttp1xx": check["ignoreHttp1xx"],
	}
	for name, missing := range map[string]float64{
		"gracePeriodSeconds": 300, "intervalSeconds": 60, "timeoutSeconds": 20, "maxConsecutiveFailures": 3, "delaySeconds": 15,
		"port": -1, "portIndex": -1,
	} {
		full[name] = check.number(name, missing)
	}
	if ports.listed && !check.has("port") && !check.has("portIndex") {
		full["portIndex"] = 0.0
	}
	return full
}

// updateThatHangs finds an app of which no update comes to an end. With a health check that
// Marathon performs it counts no old instance as healthy, so that it stops none; it then
// starts a new one only if the strategy has room for it.
func (c *checker) updateThatHangs() {
	def := fields(c.def)
	over := def.object("upgradeStrategy").number("maximumOverCapacity", 1)
	path := []string{"upgradeStrategy", "maximumOverCapacity"}
	ofVolumes := hasVolume(def, kindPersistent) || hasVolume(def, kindExternal)
	if !def.object("upgradeStrategy").has("maximumOverCapacity") && ofVolumes {
		over, path = 0, nil
	}
	n := def.number("instances", 1)
	if n < 1 || math.Floor(n*(1+over)) > n {
		return
	}
	for i, check := range def.objects("healthChecks") {
		protocol := check.word("protocol", "HTTP")
		if !checkedByMarathon(protocol) || check.has("command") {
			continue
		}
		if path == nil {
			path = pathTo("healthChecks", i)
		}
		c.warn(Finding{
			Path: path, Rule: "app-update-hangs",
			Msg: fmt.Sprintf("has %s and a maximumOverCapacity of %s, so that its updates hang: Marathon takes no running instance "+
				"for healthy and stops none, and has no room to start a new one", nameOf(protocol), shown(over)),
			Hint: roomFor(n, protocol, ofVolumes || def.object("labels").text("MARATHON_SINGLE_INSTANCE_APP") == "true"),
		})
		return
	}
}

// roomFor says how updates of n instances get room.
func roomFor(n float64, protocol string, mustBeZero bool) string {
	if mustBeZero {
		return fmt.Sprintf("write protocol MESOS_%s: maximumOverCapacity has to be 0 for such an app", protocol)
	}
	over := math.Ceil(1000/n) / 1000
	for math.Floor(n*(1+over)) <= n {
		over += 0.001
	}
	return fmt.Sprintf("write protocol MESOS_%s, or a maximumOverCapacity that is room for one more: %s or greater", protocol, shown(over))
}
