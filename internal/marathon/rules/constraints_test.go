package rules

import (
	"strings"
	"testing"
)

func TestConstraints(t *testing.T) {
	t.Parallel()
	for constraint, want := range map[string]string{
		`["hostname", "UNIQUE"]`: "", `["@zone", "GROUP_BY"]`: "", `["rack", "GROUP_BY", "3"]`: "", `["rack", "GROUP_BY", "-1"]`: "",
		`["rack", "MAX_PER", "+3"]`: "", `["rack", "MAX_PER", "0"]`: "", `["rack", "CLUSTER"]`: "", `["rack", "CLUSTER", ""]`: "",
		`["rack", "LIKE", ""]`: "", `["rack", "UNLIKE", "r.*"]`: "", `["rack", "IS"]`: "", `["rack", "IS", ""]`: "", `["rack", "IS", "a/b_c.d-1"]`: "",
		`["rack"]`:                           "has a constraint of 1 words",
		`["rack", "LIKE", "a", "b"]`:         "has a constraint of 4 words",
		`["", "UNIQUE"]`:                     "without an attribute",
		`["rack", "unique"]`:                 `operator "unique", which must be in upper case`,
		`["rack", "EXACTLY", "1"]`:           `operator "EXACTLY", which Marathon does not know`,
		`["rack", "UNIQUE", ""]`:             "UNIQUE takes no value",
		`["rack", "GROUP_BY", ""]`:           "its value is no whole number",
		`["rack", "GROUP_BY", "x"]`:          "its value is no whole number",
		`["rack", "GROUP_BY", "2147483648"]`: "its value is no whole number",
		`["rack", "MAX_PER"]`:                `["rack", "MAX_PER"] without a value`,
		`["rack", "MAX_PER", " 3"]`:          "its value is no whole number",
		`["rack", "MAX_PER", "99999999999"]`: "its value is no whole number",
		`["rack", "LIKE"]`:                   "without a value",
		`["rack", "UNLIKE"]`:                 "without a value",
		`["rack", "LIKE", "*"]`:              "is no regular expression",
		`["rack", "IS", "a b"]`:              "IS compares with one value",
	} {
		got := verdict(t, "/x", `"constraints": [["hostname", "UNIQUE"], `+constraint+`]`, "")
		if want == "" && got != "" || want != "" && (!strings.HasPrefix(got, "constraints.1: ") || !strings.Contains(got, want)) {
			t.Errorf("%s: %q, want %q", constraint, got, want)
		}
	}
	if got := verdict(t, "/x", `"constraints": [["rack", "IS", "a"]]`, "1.5.1"); !strings.Contains(got, "has IS in constraints, which Marathon has since 1.6, and the mesh's is 1.5.1") {
		t.Errorf("1.5 has no IS: %q", got)
	}
}

// What Java takes and Go does not is no fault.
func TestOnlyPatternsThatAreWrongInJavaAreRefused(t *testing.T) {
	t.Parallel()
	for text, broken := range map[string]bool{
		"": false, "a.*": false, "(?=x)a": false, "a*+": false, "a{2}+": false, `\1`: false, `(?<n>a)\k<n>`: false, `[a&&[b]]`: false, `\p{IsLatin}`: false, "a{1,5000}": false,
		"*": true, "+a": true, "a**": true, "(a": true, "a)": true, "[a": true, `a\`: true, "a|*": true,
	} {
		if brokenPattern(text) != broken {
			t.Errorf("%q is broken: %v", text, !broken)
		}
	}
}
