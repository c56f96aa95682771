package appdef

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Object is a JSON object. After reading, its numbers are int or Double.
type Object = map[string]any

// Double is a number that GET shows as Java prints it: 1.0, 1.0E7, 1.0E-4, and beyond
// the largest one as the string "Infinity".
type Double float64

// MarshalJSON prints it so.
func (d Double) MarshalJSON() ([]byte, error) {
	f := float64(d)
	if math.IsInf(f, 0) {
		return []byte(`"Infinity"`), nil
	}
	if a := math.Abs(f); a != 0 && (a < 1e-3 || a >= 1e7) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		n, err := strconv.Atoi(exponent)
		return fmt.Appendf(nil, "%sE%d", mantissa, n), err
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return []byte(text), nil
}

// Problem is one thing that an answer 422 names.
type Problem struct {
	Path string
	Text string
}

// Refusal is why a definition is not taken: the status and body of the answer.
type Refusal struct {
	Status  int
	Message string
	Details []Problem // of a 422
}

// Error is the message with the places.
func (r *Refusal) Error() string {
	out := fmt.Sprintf("%d %s", r.Status, r.Message)
	for _, p := range r.Details {
		out += fmt.Sprintf("; %s: %s", p.Path, p.Text)
	}
	return out
}

func refuse500(format string, args ...any) *Refusal {
	return &Refusal{Status: 500, Message: fmt.Sprintf(format, args...)}
}

func refuse422(message string, details []Problem) *Refusal {
	if len(details) == 0 {
		return nil
	}
	return &Refusal{Status: 422, Message: message, Details: details}
}

// Invalid is the answer to a definition that can be read and breaks a rule.
func Invalid(details ...Problem) *Refusal { return refuse422("Object is not valid", details) }

// List is v as a list, or nothing.
func List(v any) []any {
	l, _ := v.([]any)
	return l
}

// Map is v as an object, or an empty one that nobody else has.
func Map(v any) Object {
	o, ok := v.(Object)
	if !ok {
		return Object{}
	}
	return o
}

// Text is v as a string, or "".
func Text(v any) string {
	s, _ := v.(string)
	return s
}

// Number is v as a number, or 0.
func Number(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case Double:
		return float64(v)
	case float64:
		return v
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return 0
		}
		return f
	default:
		return 0
	}
}

// Int is v as an integer, or 0.
func Int(v any) int { return int(Number(v)) }

// Clone is a deep copy.
func Clone[T any](v T) T {
	out, _ := cloned(v).(T)
	return out
}

func cloned(v any) any {
	switch v := v.(type) {
	case Object:
		out := make(Object, len(v))
		for k, x := range v {
			out[k] = cloned(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = cloned(x)
		}
		return out
	default:
		return v
	}
}

// unordered are the lists that Marathon holds as sets.
func unordered(key string) bool {
	return slices.Contains([]string{"constraints", "healthChecks", "dependencies", "acceptedResourceRoles", "httpStatusCodesForReady"}, key)
}

// Equal reports whether Marathon holds two values equal: numbers by value, sets without order.
func Equal(a, b any) bool { return reflect.DeepEqual(asCompared("", a), asCompared("", b)) }

func asCompared(key string, v any) any {
	switch v := v.(type) {
	case Object:
		out := make(Object, len(v))
		for k, x := range v {
			out[k] = asCompared(k, x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = asCompared("", x)
		}
		if unordered(key) {
			slices.SortFunc(out, func(a, b any) int { return strings.Compare(jsonText(a), jsonText(b)) })
			out = slices.CompactFunc(out, func(a, b any) bool { return jsonText(a) == jsonText(b) })
		}
		return out
	case json.Number, int, Double, float64:
		return Number(v)
	default:
		return v
	}
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// distinct drops what is there twice, the later one.
func distinct(list []any) []any {
	var out []any
	for _, x := range list {
		if !slices.ContainsFunc(out, func(y any) bool { return Equal(x, y) }) {
			out = append(out, x)
		}
	}
	return out
}

// Absolute resolves an id against a base, as Marathon does: dot segments folded, empty
// ones dropped.
func Absolute(id, base string) string {
	if strings.HasPrefix(id, "/") {
		return path.Clean(id)
	}
	return path.Join("/", base, id)
}

// parseFloat reads a JSON number; out of range it is infinite or 0.
func parseFloat(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64) // the only error is the range, and then f says which side
	return f
}

// smallSet is how many elements a set holds that keeps the order in which they came.
const smallSet = 4

// setOrder is the order in which a set is shown: a larger one has an order of its own, whatever
// order it was sent in. The real one's is that of hashes in Scala; this one is another.
func setOrder(list []any) []any {
	if len(list) <= smallSet {
		return list
	}
	hash := func(v any) uint32 {
		h := fnv.New32a()
		text, _ := json.Marshal(v) // decoded JSON can be encoded
		_, _ = h.Write(text)
		return h.Sum32()
	}
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b any) int { return cmp.Compare(hash(a), hash(b)) })
	return out
}
