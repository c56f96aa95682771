package primitive

import "strings"

// checkCommand is a file's check as the shell runs it: %s is the candidate, as a word, and %%
// a percent sign.
func checkCommand(check string) string {
	return strings.NewReplacer("%%", "%", "%s", `"$1"`).Replace(check)
}

// refuseCheck finds a check without a candidate, and one that has it within quotes: there the
// shell would take its place for text, or end the quotes.
func refuseCheck(check string) (problem, hint string) {
	open := []byte{0} // the quotes around, and ) for a command within them
	named := false
	for i := 0; i < len(check); i++ {
		in, rest := open[len(open)-1], check[i:]
		switch {
		case in != '\'' && rest[0] == '\\', strings.HasPrefix(rest, "%%"):
			i++
		case strings.HasPrefix(rest, "%s") && (in == '\'' || in == '"'):
			return "its check has %s within quotes", "leave the quotes away: it is one word, whatever is in the path"
		case strings.HasPrefix(rest, "%s"):
			named = true
		case rest[0] == in:
			open = open[:len(open)-1]
		case in != '\'' && strings.HasPrefix(rest, "$("):
			open = append(open, ')')
		case in != '\'' && rest[0] == '"', in != '\'' && in != '"' && rest[0] == '\'':
			open = append(open, rest[0])
		}
	}
	if !named {
		return "its check has no %s, which is the path of the candidate", "%% is a percent sign"
	}
	return "", ""
}
