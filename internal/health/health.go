// Package health turns raw answers into verdicts. It is pure: asking is the
// business of package host, waiting that of package apply. One file per named check.
package health

import "meshsync.dev/meshsync/internal/mesh"

// Status is the verdict on one member. The zero value is Unknown, which never
// counts as serving.
type Status string

// The verdicts.
const (
	Unknown    Status = "unknown"     // no answer that allows a verdict
	Serving    Status = "serving"     // it does its work
	NotServing Status = "not_serving" // it answered that it does not, or refused the connection
)

// Verdict is what one answer says.
type Verdict struct {
	Status Status `json:"status"`
	Leader bool   `json:"leader"`
	Reason string `json:"reason,omitempty"` // in words, for every status but Serving
	// Numbers are what the answer counts, by name; nil where it counts nothing.
	Numbers map[string]int `json:"numbers,omitempty"`
}

// View is an ensemble as its members' answers show it.
type View struct {
	Members map[string]Verdict `json:"members"` // every member, those without an answer as Unknown
}

// Serving returns the names of serving members, sorted.
func (v View) Serving() []string { return v.with(func(x Verdict) bool { return x.Status == Serving }) }

// Idle reports whether a member is known not to serve. One of which nothing is known may
// serve all the same: its answer may have been lost.
func (v View) Idle(member string) bool { return v.Members[member].Status == NotServing }

// Leader returns the one member that leads, or "" when none or several say so.
func (v View) Leader() string {
	l := v.with(func(x Verdict) bool { return x.Leader })
	if len(l) != 1 {
		return ""
	}
	return l[0]
}

// Of returns the view of an ensemble: one verdict per member, from the answers
// whose host and check kind are the member's. Answers of others are ignored.
func Of(e mesh.Ensemble, answers []mesh.Answer) View {
	v := View{Members: map[string]Verdict{}}
	for _, m := range e.Members {
		v.Members[m] = Verdict{Status: Unknown, Reason: "was not asked"}
	}
	for _, a := range answers {
		if _, ok := v.Members[a.Host]; ok && a.Check.Kind == e.Check.Kind {
			v.Members[a.Host] = Judge(a)
		}
	}
	return v
}
