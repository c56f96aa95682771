package render

import (
	"time"

	"meshsync.dev/meshsync/internal/apply"
)

// runSpan is when a run was, in UTC, and what it applied.
type runSpan struct {
	what        string // "apply prod at 4f2c9e1a7b03"
	began, last time.Time
	ended       bool // false: the journal ends before the run's end
}

// spanOf takes the times of events, which are in the order in which they were recorded.
func spanOf(events []apply.Event) runSpan {
	s := runSpan{began: events[0].Time.UTC(), last: events[len(events)-1].Time.UTC()}
	for _, e := range events {
		switch e.Type {
		case apply.RunStart:
			s.what, s.began = e.Message, e.Time.UTC()
		case apply.RunEnd:
			s.last, s.ended = e.Time.UTC(), true
		default: // what happened between
		}
	}
	return s
}

func (s runSpan) text() string {
	begin, took := s.began.Format(time.DateTime), s.last.Sub(s.began).Round(time.Second)
	if !s.ended {
		return "began " + begin + " UTC; the last event is of " + s.clock(s.last)
	}
	return "began " + begin + " UTC, ended " + s.clock(s.last) + " (" + took.String() + ")"
}

// clock is the time of day, with the day when the run is of more than one.
func (s runSpan) clock(t time.Time) string {
	if s.began.Format(time.DateOnly) != s.last.Format(time.DateOnly) {
		return t.UTC().Format(time.DateTime)
	}
	return t.UTC().Format(time.TimeOnly)
}

// targetsOf are the targets that events are about, sorted.
func targetsOf(events []apply.Event) []string {
	var out []string
	for _, e := range events {
		if e.Target != "" {
			out = append(out, safe(e.Target))
		}
	}
	return sortedUnique(out)
}

// timeline writes every event with its time.
func (t *printer) timeline(events []apply.Event, s runSpan) {
	t.line("%s", t.paint(bold, "EVENTS, times in UTC"))
	for _, e := range events {
		t.line("  %s  %-11s  %s", s.clock(e.Time), safe(string(e.Type)), safe(e.Message))
	}
}
