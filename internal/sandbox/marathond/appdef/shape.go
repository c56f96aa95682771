package appdef

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// A shape reads one JSON value, never converting: a string in place of a number is an
// error. It appends what is wrong to the problems, with the path of the value.
type shape func(raw json.RawMessage, at string, problems *[]Problem) any

// A field is one member of a record.
type field struct {
	name     string
	read     shape
	standard any    // when the member is absent or null; nil: it stays absent
	required bool   // absent is an error
	missing  string // the error's text where it is not the usual one
}

func problem(problems *[]Problem, at, text string) {
	*problems = append(*problems, Problem{at, text})
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

func first(raw json.RawMessage) byte {
	if b := bytes.TrimSpace(raw); len(b) > 0 {
		return b[0]
	}
	return 0
}

// compact is the value as error texts quote it.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return string(raw)
	}
	return b.String()
}

// members splits an object; of a key given twice the last counts.
func members(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	if first(raw) != '{' {
		return nil, false
	}
	var m map[string]json.RawMessage
	return m, json.Unmarshal(raw, &m) == nil
}

func elements(raw json.RawMessage) ([]json.RawMessage, bool) {
	if first(raw) != '[' {
		return nil, false
	}
	var l []json.RawMessage
	return l, json.Unmarshal(raw, &l) == nil
}

// record reads an object. Without required members anything else reads as {}, unless strict.
func record(strict bool, fields ...field) shape {
	return func(raw json.RawMessage, at string, problems *[]Problem) any {
		m, ok := members(raw)
		if !ok && strict {
			problem(problems, at, "error.expected.jsobject")
			return nil
		}
		out := Object{}
		for _, f := range fields {
			v, given := m[f.name]
			switch {
			case f.required && !ok:
				problem(problems, at+"/"+f.name, compact(raw)+" is not an object")
			case f.required && !given && f.missing != "":
				problem(problems, at+"/"+f.name, f.missing)
			case f.required && !given:
				problem(problems, at+"/"+f.name, fmt.Sprintf("'%s' is undefined on object: %s", f.name, compact(raw)))
			case f.required || given && !isNull(v):
				out[f.name] = f.read(v, at+"/"+f.name, problems)
			case f.standard != nil:
				out[f.name] = cloned(f.standard)
			}
		}
		return out
	}
}

func list(elem shape, minLen int) shape {
	return func(raw json.RawMessage, at string, problems *[]Problem) any {
		l, ok := elements(raw)
		if !ok {
			problem(problems, at, "error.expected.jsarray")
			return nil
		}
		if len(l) < minLen {
			problem(problems, at, "error.minLength")
		}
		out := make([]any, len(l))
		for i, x := range l {
			out[i] = elem(x, fmt.Sprintf("%s(%d)", at, i), problems)
		}
		return out
	}
}

func dict(elem shape) shape {
	return func(raw json.RawMessage, at string, problems *[]Problem) any {
		m, ok := members(raw)
		if !ok {
			problem(problems, at, "error.expected.jsobject")
			return nil
		}
		out := Object{}
		for k, v := range m {
			out[k] = elem(v, at+"/"+k, problems)
		}
		return out
	}
}

// text reads a string; pattern must match all of it.
func text(minLen int, pattern *regexp.Regexp, maxLen int) shape {
	return func(raw json.RawMessage, at string, problems *[]Problem) any {
		var s string
		if first(raw) != '"' || json.Unmarshal(raw, &s) != nil {
			problem(problems, at, "error.expected.jsstring")
			return nil
		}
		if len(s) < minLen {
			problem(problems, at, "error.minLength")
		}
		if maxLen > 0 && len(s) > maxLen {
			problem(problems, at, "error.maxLength")
		}
		if pattern != nil && !pattern.MatchString(s) {
			problem(problems, at, "error.pattern")
		}
		return s
	}
}

func plain() shape { return text(0, nil, 0) }

func boolean(raw json.RawMessage, at string, problems *[]Problem) any {
	switch string(bytes.TrimSpace(raw)) {
	case "true":
		return true
	case "false":
		return false
	}
	problem(problems, at, "error.expected.jsboolean")
	return nil
}

// enum reads one of the words without regard to case, and gives it as Marathon spells it.
func enum(words ...string) shape {
	return func(raw json.RawMessage, at string, problems *[]Problem) any {
		s, ok := plain()(raw, at, problems).(string)
		if !ok {
			return nil
		}
		i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, s) })
		if i < 0 {
			problem(problems, at, "error.unknown.enum.literal")
			return nil
		}
		return words[i]
	}
}

func isNumber(raw json.RawMessage) bool { return strings.IndexByte("-0123456789", first(raw)) >= 0 }

// integer reads an int32, which may be written 2.0 or 1e0.
func integer(low, high int) shape {
	return func(raw json.RawMessage, at string, problems *[]Problem) any {
		if !isNumber(raw) {
			problem(problems, at, "error.expected.jsnumber")
			return nil
		}
		r, ok := exact(string(bytes.TrimSpace(raw)))
		if !ok || !r.IsInt() || !r.Num().IsInt64() || r.Num().Int64() < math.MinInt32 || r.Num().Int64() > math.MaxInt32 {
			problem(problems, at, "error.expected.int")
			return nil
		}
		n := int(r.Num().Int64())
		if n < low {
			problem(problems, at, "error.min")
		}
		if n > high {
			problem(problems, at, "error.max")
		}
		return n
	}
}

// exact is a decimal number as a fraction; exponents that would fill the memory are none.
func exact(s string) (*big.Rat, bool) {
	if _, exponent, ok := strings.Cut(strings.ToLower(s), "e"); ok && len(strings.TrimLeft(exponent, "+-0")) > 3 {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// number reads a double; one beyond the largest is infinite, as in Java.
func number(low, high float64) shape {
	return func(raw json.RawMessage, at string, problems *[]Problem) any {
		if !isNumber(raw) {
			problem(problems, at, "error.expected.jsnumber")
			return nil
		}
		f := parseFloat(string(bytes.TrimSpace(raw)))
		if f < low {
			problem(problems, at, "error.min")
		}
		if f > high {
			problem(problems, at, "error.max")
		}
		return Double(f)
	}
}
