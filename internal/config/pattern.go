package config

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is first used: a run without
// errors uses none, and every command would pay for them.
type pattern func() *regexp.Regexp

func newPattern(expr string) pattern {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

func (p pattern) matches(s string) bool { return p().MatchString(s) }

// groups is what the groups of the expression match, after the whole; nil for no match.
func (p pattern) groups(s string) []string { return p().FindStringSubmatch(s) }
