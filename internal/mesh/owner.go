package mesh

import (
	"fmt"
	"strconv"
	"strings"
)

// Owned is a field of an app that is not git's alone: what is live is kept.
type Owned struct {
	Marathon string
	App      string // absolute id
	Field    string // by Marathon's names, with dots: "instances", "env.FLAG"
	Bounds   *Bounds
	Ignored  *Ignored `json:",omitempty"` // of what git says who owns it and until when
	Origin   Pos      `json:"-"`
}

// Ignored says why a field is not compared.
type Ignored struct {
	Reason  string
	Owner   string // whom to ask
	Expires string // the last day on which it holds, in UTC: "2027-01-31"
}

// Bounds are what git allows of a number, both ends included.
type Bounds struct{ Min, Max int64 }

// AnyValue is how a declaration leaves a field of an app open altogether.
const AnyValue = "any"

// Address is the app's.
func (o Owned) Address() Address { return Address{Marathon(o.Marathon), App, o.App} }

// Open is how the declaration leaves the field open, as in Resource.Open.
func (o Owned) Open() string {
	if o.Bounds == nil {
		return AnyValue
	}
	return o.Bounds.String()
}

// String is such as "2..10".
func (b Bounds) String() string { return fmt.Sprintf("%d..%d", b.Min, b.Max) }

// ParseBounds reads what String wrote.
func ParseBounds(text string) (b Bounds, ok bool) {
	low, high, ok := strings.Cut(text, "..")
	if !ok {
		return b, false
	}
	var errLow, errHigh error
	b.Min, errLow = strconv.ParseInt(low, 10, 64)
	b.Max, errHigh = strconv.ParseInt(high, 10, 64)
	return b, errLow == nil && errHigh == nil
}

// Holds reports whether a number is within.
func (b Bounds) Holds(n int64) bool { return b.Min <= n && n <= b.Max }

// Nearest is the number within that is nearest.
func (b Bounds) Nearest(n int64) int64 { return max(b.Min, min(b.Max, n)) }

// FieldPath takes a field of an app apart. The name of a variable or a label is one part,
// dots and all.
func FieldPath(field string) []string {
	top, rest, below := strings.Cut(field, ".")
	if below && (top == "env" || top == "labels") {
		return []string{top, rest}
	}
	return strings.Split(field, ".")
}

// Move says that an app has another id now.
type Move struct {
	Marathon string
	From, To string // absolute ids
	Origin   Pos    `json:"-"`
}

// Old is the address that it had.
func (m Move) Old() Address { return Address{Marathon(m.Marathon), App, m.From} }

// New is the address that it has now.
func (m Move) New() Address { return Address{Marathon(m.Marathon), App, m.To} }
