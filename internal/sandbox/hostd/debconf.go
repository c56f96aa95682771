package hostd

import (
	"fmt"
	"slices"
	"strings"
)

// Where debconf keeps the answers; passwords are in a file of their own.
const (
	answersFile   = "/var/cache/debconf/config.dat"
	passwordsFile = "/var/cache/debconf/passwords.dat"
)

// questionTypes are those that debconf knows.
const questionTypes = "boolean string select multiselect note text error title password seen"

// A question is one answer of debconf's database.
type question struct {
	name, value string
	owners      []string
	seen        bool
	rest        []string // further lines, which stay
}

// debconfSetSelections takes answers, a line each: PACKAGE QUESTION TYPE VALUE. Its stub
// puts them behind --lines.
func (h *Host) debconfSetSelections(c *toolCall) {
	check, unseen := false, false
	lines := c.args
	for len(lines) > 0 {
		option := lines[0]
		lines = lines[1:]
		if option == "--lines" {
			break
		}
		switch option {
		case "-c", "--checkonly":
			check = true
		case "-u", "--unseen":
			unseen = true
		case "-v", "--verbose", "--":
		default:
			c.fail(1, "Unknown option: %s", strings.TrimLeft(option, "-"))
			return
		}
	}
	if !c.root {
		c.fail(1, "debconf: DbDriver \"passwords\" warning: could not open %s: Permission denied", passwordsFile)
		return
	}
	answers, secrets := h.questions(answersFile), h.questions(passwordsFile)
	for i, line := range continued(lines) {
		if !c.answerOf(&answers, &secrets, i+1, line, unseen) {
			return
		}
	}
	if check {
		return
	}
	err := h.put(answersFile, questionsText(answers), 0o644)
	if err == nil && len(secrets) > 0 {
		err = h.put(passwordsFile, questionsText(secrets), 0o600)
	}
	if err != nil {
		c.fail(1, "debconf: DbDriver \"config\" warning: could not write %s-new: %s", answersFile, said(err))
	}
}

// continued joins lines that end in a backslash with the next one.
func continued(lines []string) []string {
	var out []string
	open := false
	for _, l := range lines {
		text, more := strings.CutSuffix(l, "\\")
		if open {
			out[len(out)-1] += text
		} else {
			out = append(out, text)
		}
		open = more
	}
	return out
}

// answerOf takes one line. It reports whether the next ones are read, too.
func (c *toolCall) answerOf(answers, secrets *[]question, number int, line string, unseen bool) bool {
	line = strings.TrimRight(line, " \t\r")
	if text := strings.TrimSpace(line); text == "" || text[0] == '#' {
		return true
	}
	owner, rest, _ := cutBlanks(strings.TrimSpace(line))
	name, rest, ok := cutBlanks(rest)
	kind, value, _ := strings.Cut(rest, " ")
	if k, v, tab := strings.Cut(rest, "\t"); tab && len(k) < len(kind) {
		kind, value = k, v
	}
	if !ok || name == "" || kind == "" {
		c.fail(1, "error: parse error on line %d: '%s'", number, line)
		return false
	}
	if !contains(strings.Fields(questionTypes), kind) {
		c.errorf("warning: Unknown type %s, skipping line %d\n", kind, number)
		return true
	}
	list := answers
	if kind == "password" || slices.ContainsFunc(*secrets, func(q question) bool { return q.name == name }) {
		list = secrets
	}
	i := slices.IndexFunc(*list, func(q question) bool { return q.name == name })
	if kind == "seen" {
		if i < 0 {
			c.fail(1, "error: Cannot find a question for %s", name)
			return false
		}
		(*list)[i].seen = value == "true"
		return true
	}
	if i < 0 {
		i = len(*list)
		*list = append(*list, question{name: name, rest: []string{"Template: " + name}})
	}
	q := &(*list)[i]
	q.value, q.seen = value, q.seen || !unseen
	if !slices.Contains(q.owners, owner) {
		q.owners = append(q.owners, owner)
	}
	return true
}

func cutBlanks(s string) (word, rest string, ok bool) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", false
	}
	return s[:i], strings.TrimLeft(s[i:], " \t"), true
}

// questions reads a database of debconf's driver File.
func (h *Host) questions(file string) []question {
	text, _ := h.read(file) // what cannot be read is begun anew, as debconf does
	var out []question
	for stanza := range strings.SplitSeq(string(text), "\n\n") {
		q := question{}
		for line := range strings.Lines(stanza) {
			line = strings.TrimSuffix(line, "\n")
			key, value, _ := strings.Cut(line, ": ")
			switch key {
			case "Name":
				q.name = value
			case "Value", "Value:":
				q.value = value
			case "Owners":
				q.owners = strings.Split(value, ", ")
			case "Flags":
				q.seen = strings.Contains(value, "seen")
			default:
				if line != "" {
					q.rest = append(q.rest, line)
				}
			}
		}
		if q.name != "" {
			out = append(out, q)
		}
	}
	return out
}

func questionsText(list []question) string {
	slices.SortFunc(list, func(a, b question) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	for _, q := range list {
		fmt.Fprintf(&b, "Name: %s\n", q.name)
		template := slices.IndexFunc(q.rest, func(l string) bool { return strings.HasPrefix(l, "Template:") })
		if template >= 0 {
			b.WriteString(q.rest[template] + "\n")
		}
		fmt.Fprintf(&b, "Value: %s\n", q.value)
		if len(q.owners) > 0 {
			slices.Sort(q.owners)
			fmt.Fprintf(&b, "Owners: %s\n", strings.Join(q.owners, ", "))
		}
		if q.seen {
			b.WriteString("Flags: seen\n")
		}
		for i, l := range q.rest {
			if i != template {
				b.WriteString(l + "\n")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
