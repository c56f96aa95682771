package mesh

import "fmt"

// Pos is a place in the repository. The path is relative to the CUE module's
// root, with slashes. The zero Pos means "not from the repository".
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"column,omitempty"`
}

// IsZero reports whether p names no place.
func (p Pos) IsZero() bool { return p.File == "" }

// String returns FILE:LINE or FILE:LINE:COLUMN, or "" for the zero Pos.
func (p Pos) String() string {
	switch {
	case p.IsZero():
		return ""
	case p.Col > 0:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
	default:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
}
