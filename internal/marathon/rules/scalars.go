package rules

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// scalars checks the fields of an app that need no other file to be understood.
func (c *checker) scalars() {
	c.identity()
	c.dependencies()
	c.command()
	c.numbersThatFit()
	c.amounts()
	c.limits()
	c.gpus()
	c.executor()
	c.env()
	c.labels()
	c.acceptedRoles()
	c.constraints()
	c.artifacts()
	c.unreachable()
	c.upgrade()
	c.singleInstance()
	c.size()
}

// numbersThatFit are those that no other check looks at.
func (c *checker) numbersThatFit() {
	def := fields(c.def)
	ipc := def.object("container").object("linuxInfo").object("ipcInfo")
	c.wholeNumbers(nil, def, "instances", "gpus", "backoffSeconds", "maxLaunchDelaySeconds", "taskKillGracePeriodSeconds")
	c.wholeNumbers(pathTo("unreachableStrategy"), def.object("unreachableStrategy"), "inactiveAfterSeconds", "expungeAfterSeconds")
	c.wholeNumbers(pathTo("residency"), def.object("residency"), "relaunchEscalationTimeoutSeconds")
	c.wholeNumbers(pathTo("container", "linuxInfo", "ipcInfo"), ipc, "shmSize")
}

// command wants one thing to run: a command line, arguments, or what an image says.
func (c *checker) command() {
	cmd, hasCmd := textIn(c.def, "cmd")
	args := fields(c.def).list("args")
	container := fields(c.def).object("container")
	_, image := textIn(container.object("docker"), "image")
	switch {
	case hasCmd && len(args) > 0:
		c.refuse(Finding{
			Path: pathTo("cmd"), Rule: "app-command", Msg: "has both cmd and args: Marathon takes one of them",
			Hint: "cmd goes to a shell, args to the image's entry point or to the first of them",
		})
	case hasCmd && len([]rune(cmd)) < 2:
		c.refuse(Finding{
			Path: pathTo("cmd"), Rule: "app-command", Msg: fmt.Sprintf("has the cmd %q: Marathon takes none of less than two characters", cmd),
			Hint: "write args with that program as its only element; to run what an image says, leave cmd out",
		})
	case hasCmd || len(args) > 0 || image:
	case inDocker(c.def) && !container.has("docker"): // one that wants an image in any case
	case container != nil:
		c.refuse(Finding{
			Path: pathTo("container"), Rule: "app-command", Msg: "has nothing to run: its container has no image",
			Hint: "set cmd or args, or container.docker.image",
		})
	default:
		c.refuse(Finding{Rule: "app-command", Msg: "has nothing to run", Hint: "set cmd, args, or a container with an image"})
	}
}

// amounts finds numbers that are no number to Marathon: it reads 1e400 as infinite, accepts
// that, and then starts no task of any app until it is restarted.
func (c *checker) amounts() {
	for _, field := range []string{"cpus", "mem", "disk", "backoffFactor"} {
		c.finite(c.def, field, pathTo(field))
	}
	for _, object := range []string{"executorResources", "resourceLimits"} {
		for _, field := range []string{"cpus", "mem", "disk"} {
			c.finite(fields(c.def).object(object), field, pathTo(object, field))
		}
	}
}

func (c *checker) finite(o fields, field string, path []string) {
	if n, ok := asNumber(o[field]); ok && math.IsInf(n, 0) {
		c.refuse(Finding{
			Path: path, Rule: "app-number",
			Msg:  fmt.Sprintf("has %s %v, which Marathon takes for infinite: it then starts no tasks of any app until it is restarted", strings.Join(path, "."), o[field]),
			Hint: "write a number that an agent can offer",
		})
	}
}

// limits are what a task may use beyond what it asks for, so not less than that.
func (c *checker) limits() {
	limits := fields(c.def).object("resourceLimits")
	for _, x := range []struct {
		field    string
		standard float64
	}{{"cpus", 1}, {"mem", 128}} {
		limit, ok := asNumber(limits[x.field])
		asked := fields(c.def).number(x.field, x.standard)
		if ok && limit < asked {
			c.refuse(Finding{
				Path: pathTo("resourceLimits", x.field), Rule: "app-limits",
				Msg:  fmt.Sprintf("has the limit %v of %s, which is less than the %s that it asks for", limits[x.field], x.field, shown(asked)),
				Hint: `write at least that, or "unlimited"`,
			})
		}
	}
}

// gpus cannot be given to what Docker runs.
func (c *checker) gpus() {
	if n, ok := asNumber(c.def["gpus"]); ok && n > 0 && inDocker(c.def) {
		c.refuse(Finding{
			Path: pathTo("gpus"), Rule: "app-gpus", Msg: "asks for gpus and runs in a container of the type DOCKER, which can be given none",
			Hint: `write container: type: "MESOS"; it runs the same images`,
		})
	}
}

var executorExpr = regexp.MustCompile(`^(//cmd|/?[^/]+(/[^/]+)*|)$`)

func (c *checker) executor() {
	if text, ok := textIn(c.def, "executor"); ok && !executorExpr.MatchString(text) {
		c.refuse(Finding{
			Path: pathTo("executor"), Rule: "app-executor", Msg: fmt.Sprintf("has the executor %q, which is no path of a program", text),
			Hint: `leave executor out for Mesos' own; else a path without // and a final /`,
		})
	}
	if c.def["executorResources"] != nil {
		c.warn(Finding{
			Path: pathTo("executorResources"), Rule: "app-executor",
			Msg:  "has executorResources, which are not sent: Marathon drops them with each write of a whole app",
			Hint: "take them out; what an executor uses beside its task is a flag of the agent",
		})
	}
}

// maxBody bounds what is sent: from 1 MiB on, which is what ZooKeeper takes, the Marathon that
// leads ends, and so does each that takes over. What Marathon fills in comes on top.
const maxBody = 500 << 10

func (c *checker) size() {
	if 6*roughSize(c.def) < maxBody { // a character takes six bytes at most
		return
	}
	body, err := json.Marshal(c.def)
	if err != nil || len(body) <= maxBody {
		return
	}
	largest, most := "", 0
	for name, v := range c.def {
		if n := roughSize(v); n > most || n == most && name < largest {
			largest, most = name, n
		}
	}
	c.refuse(Finding{
		Path: pathTo(largest), Rule: "app-size",
		Msg:  fmt.Sprintf("has %d KiB, most of it in %s, and Marathon breaks on what does not fit into its store: the limit here is %d KiB", len(body)>>10, largest, maxBody>>10),
		Hint: "let the task fetch what is large",
	})
}

func roughSize(v any) int {
	switch v := v.(type) {
	case map[string]any:
		n := 2
		for name, e := range v {
			n += len(name) + 4 + roughSize(e)
		}
		return n
	case []any:
		n := 2
		for _, e := range v {
			n += 1 + roughSize(e)
		}
		return n
	case string:
		return len(v) + 2
	case json.Number:
		return len(v)
	default:
		return 5
	}
}
