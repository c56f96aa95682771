package plan

import (
	"fmt"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

// GraceDays is for how many days a rule that expired is a warning, before it is an error: two
// weeks, in which whoever owns it is back from a holiday.
const GraceDays = 14

// An Expiry is a rule that expired.
type Expiry struct {
	Owned mesh.Owned
	Over  bool // the time of grace, too
	Text  string
	Hint  string
}

// Expired lists the rules that expired before a day, in their order; none for a day that is "".
func Expired(owned []mesh.Owned, date string) []Expiry {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return nil
	}
	var out []Expiry
	for _, o := range owned {
		if o.Ignored == nil {
			continue
		}
		last, err := time.Parse(time.DateOnly, o.Ignored.Expires)
		if err != nil || !day.After(last) {
			continue
		}
		end := last.AddDate(0, 0, GraceDays)
		x := Expiry{Owned: o, Over: day.After(end), Hint: fmt.Sprintf("ask %s: take the rule out, or give it another day", o.Ignored.Owner)}
		x.Text = fmt.Sprintf("the rule that ignores %s of app %s expired on %s (%s)", o.Field, o.App, o.Ignored.Expires, o.Ignored.Reason)
		if x.Over {
			x.Text += fmt.Sprintf(", more than %d days ago", GraceDays)
		} else {
			x.Text += "; after " + end.Format(time.DateOnly) + " that is an error"
		}
		out = append(out, x)
	}
	return out
}

// expiredRules warns of the rules that expired, and refuses the plan when their time of grace is
// over. What they ignore stays ignored: nothing changes by a date alone.
func (b *builder) expiredRules() {
	for _, x := range Expired(b.in.Mesh.Owned, b.in.Date) {
		switch {
		case !b.in.Filter.Match(x.Owned.Address().String()):
		case x.Over:
			b.plan.Refusals = append(b.plan.Refusals, Refusal{
				Code: "ignore.expired", Subject: x.Owned.Address().String(), Message: x.Text, Hint: x.Hint, Source: x.Owned.Origin.String(),
			})
		default:
			b.plan.Warnings = append(b.plan.Warnings, Warning{Code: "ignore.expired", Subject: x.Owned.Address().String(), Message: x.Text, Hint: x.Hint})
		}
	}
}
