package render

import "io"

// ErrorDocument is the JSON of a command that failed.
type ErrorDocument struct {
	Schema  string `json:"schema"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// ErrorJSON writes an error.
func ErrorJSON(w io.Writer, code, message, hint string) error {
	return encode(w, ErrorDocument{Schema: ErrorSchema, Code: code, Message: message, Hint: hint})
}
