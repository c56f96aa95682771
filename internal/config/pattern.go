package config

import "regexp"

// pattern is a regular expression for messages of errors. It is compiled where it is
// used: a run without errors uses none, and as variables every command would pay for them.
type pattern string

func (p pattern) matches(s string) bool { return regexp.MustCompile(string(p)).MatchString(s) }

// groups is what the groups of the expression match, after the whole; nil for no match.
func (p pattern) groups(s string) []string {
	return regexp.MustCompile(string(p)).FindStringSubmatch(s)
}

func (p pattern) replace(s, with string) string {
	return regexp.MustCompile(string(p)).ReplaceAllString(s, with)
}
