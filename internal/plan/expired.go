package plan

import (
	"fmt"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

// GraceDays is for how many days a rule that expired is a warning, before it is an error: two
// weeks, in which whoever owns it is back from a holiday.
const GraceDays = 14

// noticeDays is for how many days before a rule expires that is told, the last one included.
const noticeDays = 14

// An Expiry is a rule that expired, or is about to.
type Expiry struct {
	Owned mesh.Owned
	Code  string // "ignore.expires" before, "ignore.expired" after the last day
	Over  bool   // the time of grace, too
	Text  string
	Hint  string
}

// Expiries lists the rules that expired before a day or are about to, in their order; none for a day
// that is "".
func Expiries(owned []mesh.Owned, date string) []Expiry {
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
		if err == nil && !day.Before(last.AddDate(0, 0, -noticeDays)) {
			out = append(out, expiry(o, day, last))
		}
	}
	return out
}

// expiry is what is said on a day of a rule whose last day is near or over.
func expiry(o mesh.Owned, day, last time.Time) Expiry {
	end := last.AddDate(0, 0, GraceDays)
	x := Expiry{
		Owned: o, Code: "ignore.expired", Over: day.After(end),
		Hint: fmt.Sprintf("ask %s: take the rule out, or give it another day", o.Ignored.Owner),
	}
	rule := fmt.Sprintf("the rule that ignores %s of app %s", o.Field, o.App)
	switch {
	case !day.After(last):
		x.Code = "ignore.expires"
		x.Text = fmt.Sprintf("%s expires on %s (%s); from %s on that is an error", rule, o.Ignored.Expires, o.Ignored.Reason, end.AddDate(0, 0, 1).Format(time.DateOnly))
	case x.Over:
		x.Text = fmt.Sprintf("%s expired on %s (%s), more than %d days ago", rule, o.Ignored.Expires, o.Ignored.Reason, GraceDays)
	default:
		x.Text = fmt.Sprintf("%s expired on %s (%s); after %s that is an error", rule, o.Ignored.Expires, o.Ignored.Reason, end.Format(time.DateOnly))
	}
	return x
}

// expiredRules warns of the rules that expired or are about to, and refuses the plan when their time of grace is
// over. What they ignore stays ignored: nothing changes by a date alone.
func (b *builder) expiredRules() {
	for _, x := range Expiries(b.in.Mesh.Owned, b.in.Date) {
		switch {
		case !b.in.Filter.Match(x.Owned.Address().String()):
		case x.Over:
			b.plan.Refusals = append(b.plan.Refusals, Refusal{
				Code: x.Code, Subject: x.Owned.Address().String(), Message: x.Text, Hint: x.Hint, Source: x.Owned.Origin.String(),
			})
		default:
			b.plan.Warnings = append(b.plan.Warnings, Warning{Code: x.Code, Subject: x.Owned.Address().String(), Message: x.Text, Hint: x.Hint})
		}
	}
}
