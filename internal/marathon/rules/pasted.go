package rules

import (
	"slices"
	"strings"
)

// status lists the members that Marathon shows beside a definition and takes from nobody.
func status() []string {
	return []string{
		"version", "versionInfo", "tasksStaged", "tasksRunning", "tasksHealthy", "tasksUnhealthy", "deployments", "tasks",
		"lastTaskFailure", "readinessCheckResults", "taskStats", "tasksStats",
	}
}

// pasted warns of what was copied from an answer and is not sent.
func (c *checker) pasted() {
	var there []string
	for _, name := range status() {
		if c.def[name] != nil {
			there = append(there, name)
		}
	}
	if len(there) == 0 {
		return
	}
	slices.Sort(there)
	msg, hint := "is what Marathon answers of an app and not of its definition: it is left out", "it can go"
	if len(there) > 1 {
		msg, hint = "are what Marathon answers of an app and not of its definition: they are left out", "they can go"
	}
	last := len(there) - 1
	names := there[last]
	if last > 0 {
		names = strings.Join(there[:last], ", ") + " and " + names
	}
	c.warn(Finding{Path: pathTo(there[0]), Rule: "pasted", Msg: "has " + names + ", which " + msg, Hint: hint})
}
