package rules

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// fields is an object of a definition. What is missing, null, or of another type reads as
// nothing: types are the contract's to check.
type fields map[string]any

func asFields(v any) fields {
	m, _ := v.(map[string]any)
	return m
}

func (f fields) has(name string) bool { return f[name] != nil }

func (f fields) object(name string) fields { return asFields(f[name]) }

func (f fields) list(name string) []any {
	l, _ := f[name].([]any)
	return l
}

// objects returns the elements of a list; one that is no object is an empty one, as Marathon
// reads it.
func (f fields) objects(name string) []fields {
	var out []fields
	for _, v := range f.list(name) {
		out = append(out, asFields(v))
	}
	return out
}

func (f fields) text(name string) string {
	s, _ := f[name].(string)
	return s
}

// word returns the value of an enumeration, which Marathon reads in any case.
func (f fields) word(name, missing string) string {
	if s := f.text(name); s != "" {
		return strings.ToUpper(s)
	}
	return missing
}

// number returns the value of a number, missing when there is none.
func (f fields) number(name string, missing float64) float64 {
	if n, ok := asNumber(f[name]); ok {
		return n
	}
	return missing
}

// asNumber reads a number however it is written: 2, 2.0 and 2e0 are one. What is too large
// is infinite.
func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := strconv.ParseFloat(v.String(), 64)
		return n, err == nil || math.IsInf(n, 0)
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// shown writes a number as a person would.
func shown(n float64) string {
	if math.Abs(n) < 1e15 {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}

// inside is the path of a field when it is written, and of its object when it is not.
func inside(path []string, f fields, name string) []string {
	if f.has(name) {
		return below(path, name)
	}
	return path
}

// wholeNumbers refuses numbers that Marathon cannot hold: its own have 32 bits.
func (c *checker) wholeNumbers(path []string, f fields, names ...string) {
	for _, name := range names {
		if n := f.number(name, 0); n > math.MaxInt32 || n < math.MinInt32 {
			c.refuse(Finding{
				Path: below(path, name), Rule: "app-number",
				Msg:  fmt.Sprintf("has the number %v for %s, which is more than Marathon can hold", f[name], name),
				Hint: fmt.Sprintf("the largest is %d", math.MaxInt32),
			})
		}
	}
}
