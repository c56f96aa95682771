package status

import (
	"cmp"
	"slices"

	"meshsync.dev/meshsync/internal/plan"
)

// conclude sorts what was found, the worst first, and answers the two questions.
func (b *builder) conclude() Status {
	s := b.status
	rank := codes()
	slices.SortStableFunc(s.Wrong, func(x, y Finding) int {
		return cmp.Compare(slices.Index(rank, x.Code), slices.Index(rank, y.Code))
	})
	s.Healthy, s.Complete = len(s.Wrong) == 0, len(s.Unseen) == 0
	// A list without entries is one in JSON, too.
	s.Wrong, s.Unseen = append([]Finding{}, s.Wrong...), append([]Finding{}, s.Unseen...)
	s.Groups, s.Marathons = append([]Group{}, s.Groups...), append([]Marathon{}, s.Marathons...)
	s.Leases = append([]Lease{}, s.Leases...)
	s.Stale, s.Unsure = append([]plan.Evidence{}, s.Stale...), append([]plan.Evidence{}, s.Unsure...)
	return s
}
