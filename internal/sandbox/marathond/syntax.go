package marathond

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// syntax says what is wrong with a text as JSON, in the words of the real one's parser; "" is
// nothing. What was not recorded has the words of the nearest case that was.
func syntax(text []byte) string {
	var whole json.RawMessage
	err := json.Unmarshal(text, &whole)
	var wrong *json.SyntaxError
	at := len(text)
	if errors.As(err, &wrong) && !strings.Contains(wrong.Error(), "unexpected end") {
		at = int(wrong.Offset) - 1
	}
	if i := invalidByte(text[:at]); i >= 0 {
		return fmt.Sprintf("Invalid UTF-8 start byte 0x%x", text[i])
	}
	switch {
	case err == nil:
		return ""
	case wrong == nil:
		return err.Error()
	case at == len(text):
		return endOfInput(text)
	}
	return unexpected(text[at:], wrong.Error())
}

// invalidByte is where a text stops being UTF-8, or -1.
func invalidByte(b []byte) int {
	for at := 0; at < len(b); {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n == 1 {
			return at
		}
		at += n
	}
	return -1
}

// word is what that the parser reads before it judges.
var word = regexp.MustCompile(`^[A-Za-z0-9_]+`)

// unexpected is about the first character of the rest; goSays is what Go has to say of it.
func unexpected(rest []byte, goSays string) string {
	c, _ := utf8.DecodeRune(rest)
	key, name := strings.Contains(goSays, "object key"), string(word.Find(rest))
	switch {
	case c < ' ':
		return fmt.Sprintf(`Illegal character ((CTRL-CHAR, code %d)): only regular white space (\r, \n, \t) is allowed between tokens`, c)
	case c == '/':
		return "Unexpected character ('/' (code 47)): maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)"
	case key:
		return fmt.Sprintf("Unexpected character ('%c' (code %d)): was expecting double-quote to start field name", c, c)
	case name == "NaN":
		return "Non-standard token 'NaN': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow"
	case name != "":
		return fmt.Sprintf("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", name)
	}
	return fmt.Sprintf("Unexpected character ('%c' (code %d)): %s", c, c, goSays)
}

// endOfInput is about a text that is over too early: in a string, or in what was opened last.
func endOfInput(text []byte) string {
	var open []int
	quoted := false
	for at := 0; at < len(text); at++ {
		switch c := text[at]; {
		case c == '\\' && quoted:
			at++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			open = append(open, at)
		case c == '}' || c == ']':
			open = open[:len(open)-1]
		}
	}
	if quoted || len(open) == 0 {
		return "Unexpected end-of-input in VALUE_STRING"
	}
	start := open[len(open)-1]
	kind := map[byte]string{'{': "Object", '[': "Array"}[text[start]]
	line, column := 1+bytes.Count(text[:start], []byte("\n")), start-bytes.LastIndexByte(text[:start], '\n')
	return fmt.Sprintf("Unexpected end-of-input: expected close marker for %s (start marker at [Source: (byte[])\"%s\"; line: %d, column: %d])", kind, text, line, column)
}
