package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// status lists the members that Marathon shows beside a definition and takes from nobody.
func status() []string {
	return []string{
		"version", "versionInfo", "tasksStaged", "tasksRunning", "tasksHealthy", "tasksUnhealthy", "deployments", "tasks",
		"lastTaskFailure", "readinessCheckResults", "taskStats", "tasksStats",
	}
}

// pasted warns of what was copied from an answer and is not sent, and refuses what Marathon would
// not take of it either.
func (c *checker) pasted() {
	c.times()
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

// times refuses a version that is no time. It is not sent, so what was written for a version of
// the program in it would be lost without a word.
func (c *checker) times() {
	info := fields(c.def).object("versionInfo")
	for _, x := range []struct {
		of   fields
		path []string
	}{{c.def, pathTo("version")}, {info, pathTo("versionInfo", "lastScalingAt")}, {info, pathTo("versionInfo", "lastConfigChangeAt")}} {
		name := x.path[len(x.path)-1]
		if text, ok := textIn(x.of, name); ok && !isTime(text) {
			c.refuse(Finding{
				Path: x.path, Rule: "app-time", Msg: fmt.Sprintf("has the %s %q, which is no time, and Marathon takes nothing else there", name, text),
				Hint: "leave it out: it is when Marathon stored the app; what is said of the program goes into a label",
			})
		}
	}
}

// isTime reports whether a text is a date, with or without a time, as ISO 8601 has it.
func isTime(text string) bool {
	return slices.ContainsFunc([]string{time.RFC3339, "2006-01-02T15:04:05Z0700", time.DateOnly}, func(layout string) bool {
		_, err := time.Parse(layout, text)
		return err == nil
	})
}
