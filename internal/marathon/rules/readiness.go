package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// readiness checks the readiness check.
func (c *checker) readiness(ports checkedPorts) {
	checks := fields(c.def).objects("readinessChecks")
	if len(checks) > 1 {
		c.refuse(Finding{
			Path: pathTo("readinessChecks", 1), Rule: "app-readiness",
			Msg: fmt.Sprintf("has %d readiness checks, and Marathon performs one", len(checks)), Hint: "keep one of them",
		})
	}
	for i, check := range checks {
		c.readinessCheck(i, check, ports)
	}
}

func (c *checker) readinessCheck(i int, check fields, ports checkedPorts) {
	c.wholeNumbers(pathTo("readinessChecks", i), check, "intervalSeconds", "timeoutSeconds")
	c.readinessPort(i, check, ports)
	interval, timeout := check.number("intervalSeconds", 30), check.number("timeoutSeconds", 10)
	if timeout >= interval {
		c.refuse(Finding{
			Path: inside(pathTo("readinessChecks", i), check, "timeoutSeconds"), Rule: "app-readiness",
			Msg:  fmt.Sprintf("has a readiness check with a timeout of %s s and an interval of %s s: the timeout has to be shorter", shown(timeout), shown(interval)),
			Hint: "write timeoutSeconds or intervalSeconds, or both",
		})
	}
	if check.has("httpStatusCodesForReady") && len(check.list("httpStatusCodesForReady")) == 0 {
		c.refuse(Finding{
			Path: pathTo("readinessChecks", i, "httpStatusCodesForReady"), Rule: "app-readiness",
			Msg: "has a readiness check that no status code can satisfy", Hint: "leave httpStatusCodesForReady out for 200",
		})
	}
	for _, v := range check.list("httpStatusCodesForReady") {
		if n, _ := asNumber(v); math.Abs(n) > math.MaxInt32 {
			c.refuse(Finding{
				Path: pathTo("readinessChecks", i, "httpStatusCodesForReady"), Rule: "app-number",
				Msg: fmt.Sprintf("has the status code %s in its readiness check, which is none", shown(n)),
			})
		}
	}
}

func (c *checker) readinessPort(i int, check fields, ports checkedPorts) {
	name, path := "http-api", pathTo("readinessChecks", i)
	if check.has("portName") {
		name, path = check.text("portName"), append(path, "portName")
	}
	if slices.Contains(ports.names, name) {
		return
	}
	msg := fmt.Sprintf("has a readiness check for the port named %q", name)
	if !check.has("portName") {
		msg = fmt.Sprintf("has a readiness check that names no port, which means the one named %q", name)
	}
	f := Finding{Path: path, Rule: "app-readiness-port", Msg: msg + ", and no port has that name", Hint: "give the port a name, and write it as portName"}
	switch {
	case ports.late:
		f.Msg = msg + ", and a network of its own but no container: Marathon gives it a port only after it has looked for the name"
		f.Hint = fmt.Sprintf("give it a container with portMappings: [{name: %q}]", name)
	case len(ports.names) > 0:
		f.Hint = "write one of the names that there are: " + strings.Join(ports.names, ", ")
	}
	c.refuse(f)
}
