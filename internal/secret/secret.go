// Package secret holds values that must not reach any output.
//
// It performs no I/O and knows nothing of where secrets come from. A Value
// cannot be printed, encoded or logged by accident: every formatting route
// yields Mask. Only Reveal gives the text, and a lint rule restricts its callers.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Mask is what every output shows in place of a secret.
const Mask = "(sensitive)"

// Value is a text that no formatter can print. The zero Value is the empty secret.
//
// The text sits behind a function, so that even fmt's reflection on an unexported
// field or a map, where methods are not called, shows an address at most.
type Value struct{ reveal func() string }

// New wraps text.
func New(text string) Value { return Value{reveal: func() string { return text }} }

// Reveal returns the text. Call it only to send the secret to the target that owns it.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// Equal reports whether both values hold the same text.
func (v Value) Equal(o Value) bool { return v.Reveal() == o.Reveal() }

// String returns Mask.
func (v Value) String() string { return Mask }

// Format writes Mask for every verb and flag.
func (v Value) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Mask) }

// MarshalText returns Mask.
func (v Value) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// MarshalJSON returns Mask as a JSON string.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// LogValue returns Mask.
func (v Value) LogValue() slog.Value { return slog.StringValue(Mask) }
