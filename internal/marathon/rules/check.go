package rules

import (
	"fmt"
	"slices"
	"strings"
)

// mesosCheck checks the check that Mesos performs beside the health checks.
func (c *checker) mesosCheck(ports checkedPorts) {
	if !fields(c.def).has("check") {
		return
	}
	check := fields(c.def).object("check")
	c.wholeNumbers([]string{"check"}, check, "intervalSeconds", "timeoutSeconds", "delaySeconds")
	kinds := slices.DeleteFunc([]string{"http", "tcp", "exec"}, func(kind string) bool { return !check.has(kind) })
	switch {
	case len(kinds) == 0:
		c.refuse(Finding{Path: []string{"check"}, Rule: "app-check", Msg: "has a check that says not what to check", Hint: "write http, tcp or exec in it"})
	case len(kinds) > 1:
		c.refuse(Finding{
			Path: []string{"check"}, Rule: "app-check",
			Msg: fmt.Sprintf("has a check by %s, and it can be one", strings.Join(kinds, " and ")), Hint: "keep one of them",
		})
	}
	if inDocker(c.def) {
		c.refuse(Finding{
			Path: []string{"check"}, Rule: "app-check",
			Msg:  "has a check, and a container of type DOCKER, which cannot have one",
			Hint: `write healthChecks instead, or type: "MESOS"`,
		})
	}
	for _, kind := range []string{"http", "tcp"} {
		if check.has(kind) {
			c.mesosCheckPort(kind, check.object(kind), ports)
		}
	}
	if check.object("http").word("scheme", "HTTP") == "HTTPS" {
		c.refuse(Finding{
			Path: []string{"check", "http", "scheme"}, Rule: "app-check",
			Msg: "has a check by HTTPS, which Marathon cannot read", Hint: "check by HTTP or tcp, or by a command that speaks HTTPS",
		})
	}
	if check.has("exec") {
		c.mesosCheckCommand(check.object("exec").object("command"))
	}
}

func (c *checker) mesosCheckPort(kind string, check fields, ports checkedPorts) {
	path := []string{"check", kind}
	c.wholeNumbers(path, check, "portIndex", "port")
	ports.listed = false // unlike a health check, it is never for the first of several
	if msg, hint := ports.wrongPort(check, "a check"); msg != "" {
		c.refuse(Finding{Path: inside(path, check, "portIndex"), Rule: "app-check-port", Msg: msg, Hint: hint})
	}
}

// mesosCheckCommand checks the command of a check. A list of arguments is stored, and can
// then never be shown: every answer that has the app in it fails.
func (c *checker) mesosCheckCommand(command fields) {
	path := []string{"check", "exec", "command"}
	const hint = `write the whole command line as shell: "…"`
	switch {
	case command.text("shell") == "" && (command.has("shell") || len(command.list("argv")) == 0):
		c.refuse(Finding{Path: path, Rule: "app-check", Msg: "has a check without a command", Hint: hint})
	case command.has("shell") && command.has("argv"):
		c.warn(Finding{
			Path: append(path, "argv"), Rule: "app-check-argv",
			Msg: "has a check with shell and argv, of which Marathon takes shell and drops argv", Hint: "leave argv out",
		})
	case command.has("argv"):
		c.refuse(Finding{
			Path: append(path, "argv"), Rule: "app-check-argv",
			Msg: "has a check with argv: Marathon would store it and could then show nobody this app, nor any list of apps or groups, " +
				"until the app is deleted",
			Hint: hint,
		})
	}
}
