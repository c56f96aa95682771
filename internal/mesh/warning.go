package mesh

// A Warning is about something in the repository that is allowed, and that somebody will regret.
type Warning struct {
	Pos  Pos
	Msg  string
	Hint string // what to do; may be empty
}

// Line is the warning with its place and without its hint.
func (w Warning) Line() string {
	if w.Pos.IsZero() {
		return w.Msg
	}
	return w.Pos.String() + ": " + w.Msg
}

// String is the warning with all that belongs to it, on one line.
func (w Warning) String() string {
	if w.Hint == "" {
		return w.Line()
	}
	return w.Line() + "; hint: " + w.Hint
}
