//go:build linux

package cluster

import (
	"fmt"
	"testing"
	"time"
)

// twoDown lists the glances at two members that were down at once, but for those that began
// between two moments: then one is down by somebody else's hand.
func twoDown(all []glance, from, to time.Time) []string {
	var out []string
	for _, g := range all {
		excused := g.from.After(from) && g.from.Before(to)
		if g.count(down) > 1 && !excused {
			out = append(out, fmt.Sprintf("at %s two members were down at once: %v", g.from.Format(time.StampMilli), g.members))
		}
	}
	return out
}

// stoppedBeside lists the members that were stopped while another one was down, whoever had done
// that: it was seen down before the stop, and not yet up behind it.
func stoppedBeside(all []glance, stops []stopping) []string {
	var out []string
	for _, s := range stops {
		before, after := around(all, s.at)
		for name, was := range before.members {
			if name != s.host && was == down && after.members[name] == down {
				out = append(out, fmt.Sprintf("%s was stopped at %s while %s was down: %v, then %v",
					s.host, s.at.Format(time.StampMilli), name, before.members, after.members))
			}
		}
	}
	return out
}

// around are the last glance that ended before a moment and the first that began behind it.
func around(all []glance, at time.Time) (before, after glance) {
	for _, g := range all {
		if g.to.Before(at) {
			before = g
		}
		if g.from.After(at) {
			return before, g
		}
	}
	return before, after
}

func TestAWatchTellsWhatIsBroken(t *testing.T) {
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	// Each glance takes the second that begins with it; stops are amid the next one.
	saw := func(second int, h1, h2, h3 string) glance {
		return glance{at(second), at(second + 1), map[string]string{"h1": h1, "h2": h2, "h3": h3}}
	}
	stop := func(host string, second int) []stopping {
		return []stopping{{host, at(second).Add(time.Second / 2)}}
	}
	none := time.Time{}
	for name, x := range map[string]struct {
		all      []glance
		from, to time.Time
		stops    []stopping
		want     int
	}{
		"one by one":                          {[]glance{saw(1, leader, follower, follower), saw(3, leader, follower, down), saw(5, leader, follower, follower), saw(7, leader, down, follower)}, none, none, append(stop("h3", 2), stop("h2", 6)...), 0},
		"an election, for the leader is last": {[]glance{saw(1, leader, follower, follower), saw(3, down, waiting, waiting)}, none, none, stop("h1", 2), 0},
		"two at once":                         {[]glance{saw(1, leader, follower, follower), saw(3, leader, down, down)}, none, none, nil, 1},
		"two at once, one by another's hand":  {[]glance{saw(1, leader, follower, follower), saw(3, down, down, waiting)}, at(2), at(9), nil, 0},
		"two at once behind that":             {[]glance{saw(3, leader, down, down)}, at(1), at(2), nil, 1},
		"a stop beside one that is down":      {[]glance{saw(1, leader, follower, down), saw(3, leader, down, down)}, at(0), at(9), stop("h2", 2), 1},
		"a stop of the one that is down":      {[]glance{saw(1, leader, follower, down), saw(3, leader, follower, down)}, none, none, stop("h3", 2), 0},
		"a stop once the other is back":       {[]glance{saw(1, leader, follower, down), saw(3, leader, down, waiting)}, none, none, stop("h2", 2), 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := append(twoDown(x.all, x.from, x.to), stoppedBeside(x.all, x.stops)...); len(got) != x.want {
				t.Errorf("got %d, want %d: %q", len(got), x.want, got)
			}
		})
	}
}
