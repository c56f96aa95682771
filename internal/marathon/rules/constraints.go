package rules

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

// operator is one of constraints, with an example.
type operator struct{ name, example string }

func operators() []operator {
	return []operator{
		{"UNIQUE", `["hostname", "UNIQUE"]`},
		{"CLUSTER", `["rack", "CLUSTER", "r1"]`},
		{"GROUP_BY", `["rack", "GROUP_BY", "3"]`},
		{"LIKE", `["rack", "LIKE", "r[12]"]`},
		{"UNLIKE", `["rack", "UNLIKE", "r[12]"]`},
		{"MAX_PER", `["rack", "MAX_PER", "2"]`},
		{"IS", `["rack", "IS", "r1"]`},
	}
}

// constraints checks where an app may run.
func (c *checker) constraints() {
	for i, x := range fields(c.def).list("constraints") {
		parts, ok := x.([]any)
		if !ok {
			continue
		}
		if msg, hint := wrongConstraint(textsOf(parts)); msg != "" {
			c.refuse(Finding{Path: pathTo("constraints", i), Rule: "app-constraint", Msg: msg, Hint: hint})
		}
	}
}

func textsOf(list []any) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i], _ = v.(string)
	}
	return out
}

// wrongConstraint says what is wrong with one; "" if nothing is.
func wrongConstraint(parts []string) (msg, hint string) {
	if len(parts) != 2 && len(parts) != 3 {
		return fmt.Sprintf("has a constraint of %d words: it takes an attribute, an operator and, for most operators, a value", len(parts)), "such as " + exampleOf("CLUSTER")
	}
	field, operator := parts[0], parts[1]
	if field == "" {
		return "has a constraint without an attribute", `write "hostname", or the name of an attribute of the agents`
	}
	if msg, hint := wrongOperator(operator); msg != "" {
		return msg, hint
	}
	what := fmt.Sprintf("has the constraint [%s]", quoted(parts))
	if len(parts) == 2 {
		if slices.Contains([]string{"MAX_PER", "LIKE", "UNLIKE"}, operator) {
			return what + " without a value", "such as " + exampleOf(operator)
		}
		return "", ""
	}
	if msg, hint := constraintValue(operator, parts[2]); msg != "" {
		return what + ", and " + msg, hint
	}
	return "", ""
}

// wrongOperator says what is wrong with an operator.
func wrongOperator(name string) (msg, hint string) {
	known := func(n string) bool { return exampleOf(n) != "" }
	var all []string
	for _, o := range operators() {
		all = append(all, o.name)
	}
	switch upper := strings.ToUpper(name); {
	case known(name):
		return "", ""
	case known(upper):
		return fmt.Sprintf("has a constraint with the operator %q, which must be in upper case", name), fmt.Sprintf("write %q", upper)
	default:
		return fmt.Sprintf("has a constraint with the operator %q, which Marathon does not know", name), "there are " + strings.Join(all, ", ")
	}
}

func exampleOf(operator string) string {
	for _, o := range operators() {
		if o.name == operator {
			return o.example
		}
	}
	return ""
}

func quoted(parts []string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = strconv.Quote(p)
	}
	return strings.Join(out, ", ")
}

var attributeExpr = regexp.MustCompile(`^[a-zA-Z0-9_/.-]*$`)

// constraintValue says what is wrong with the value that an operator is given.
func constraintValue(operator, value string) (msg, hint string) {
	_, err := strconv.ParseInt(value, 10, 32)
	switch {
	case operator == "UNIQUE":
		return "UNIQUE takes no value", "write " + exampleOf(operator)
	case operator == "GROUP_BY" && err != nil:
		return "its value is no whole number", "write how many groups there are at least, in quotes, or leave it out"
	case operator == "MAX_PER" && err != nil:
		return "its value is no whole number", "write how many tasks may run at each value of the attribute, in quotes"
	case operator == "IS" && !attributeExpr.MatchString(value):
		return "IS compares with one value of an attribute", "a value has letters, digits and _ / . -; for a pattern use LIKE"
	case (operator == "LIKE" || operator == "UNLIKE") && brokenPattern(value):
		return "its value is no regular expression", "a value is compared as a whole: any text is .*, and * alone is none"
	default:
		return "", ""
	}
}

// brokenPattern reports whether Marathon's Java, too, refuses a regular expression: only what
// is wrong in both languages counts, since Java's knows more.
func brokenPattern(text string) bool {
	_, err := syntax.Parse(text, syntax.Perl)
	var e *syntax.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case syntax.ErrMissingRepeatArgument, syntax.ErrMissingBracket, syntax.ErrMissingParen, syntax.ErrUnexpectedParen, syntax.ErrTrailingBackslash:
		return true
	case syntax.ErrInvalidRepeatOp: // x*+ and x*? are right in Java, x** is not
		return strings.HasSuffix(e.Expr, "*")
	default:
		return false
	}
}
