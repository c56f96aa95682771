package apply

import "slices"

// Report is what a run came to: a fold of its events, the same for a run that just
// ended and for a journal that is read later.
type Report struct {
	Run     string  `json:"run"`
	Code    string  `json:"code"` // of the last event; "" when the journal ends without one: the run was killed
	Done    []Event `json:"done"`
	Failed  []Event `json:"failed"`  // failed and conflict
	Unknown []Event `json:"unknown"` // ended unseen, or announced and never ended
	// RolledBack failed, and what was there before is there again.
	RolledBack []Event `json:"rolled_back,omitempty"`
	Skipped    []Event `json:"skipped"`
	// Truth compares the restarts of tasks with the plan's; nil when the run updated no app.
	Truth *Truth `json:"truth,omitempty"`
	// Stopped is the gate or failure that ended the run early; nil when none did.
	Stopped *Event `json:"stopped,omitempty"`
}

// Fold makes the report of a run's events, in the order in which they were recorded.
func Fold(events []Event) Report {
	r := Report{Done: []Event{}, Failed: []Event{}, Unknown: []Event{}, Skipped: []Event{}}
	type key struct{ subject, action string }
	open := map[key]Event{}
	var order []key
	for _, e := range events {
		k := key{e.Subject, e.Action}
		switch e.Type {
		case RunStart:
			r.Run = e.Run
		case Starting:
			open[k] = e
			order = append(order, k)
			continue
		case Done:
			r.Done = append(r.Done, e)
			r.Truth = r.Truth.with(e)
		case Failed, Conflict:
			r.Failed = append(r.Failed, e)
			r.stop(e)
		case RolledBack:
			r.RolledBack = append(r.RolledBack, e)
			r.Done, r.Failed = besides(r.Done, e.Subject), besides(r.Failed, e.Subject)
			r.stop(e)
		case UnknownEnd:
			r.Unknown = append(r.Unknown, e)
			r.stop(e)
		case Skipped:
			r.Skipped = append(r.Skipped, e)
		case GateFailed, Interrupt, LeaseHeld, LeaseLost:
			r.stop(e)
		case RunEnd:
			r.Code = e.Code
		default: // what is only told on the way
		}
		if ends(e.Type) {
			delete(open, k)
		}
	}
	for _, k := range order {
		if e, still := open[k]; still {
			e.Message = e.Action + " " + e.Subject + ": the journal ends before its end"
			r.Unknown = append(r.Unknown, e)
			delete(open, k)
		}
	}
	return r
}

// besides are the events of other subjects: what was done and then taken back was not done.
func besides(es []Event, subject string) []Event {
	return slices.DeleteFunc(es, func(e Event) bool { return e.Subject == subject })
}

func ends(t EventType) bool {
	return slices.Contains([]EventType{Done, Failed, Conflict, RolledBack, Skipped, UnknownEnd}, t)
}

// stop remembers the first event that ended the run early.
func (r *Report) stop(e Event) {
	if r.Stopped == nil {
		r.Stopped = &e
	}
}
