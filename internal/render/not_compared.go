package render

import "meshsync.dev/meshsync/internal/plan"

// foldedBeyond is how many things may be left out of the comparison for one reason before they
// share one line.
const foldedBeyond = 8

// notCompared has a line for each thing that is not compared, and one line for many that are left out
// for the same reason.
func notCompared(all []plan.NotCompared, full bool) []string {
	key := func(n plan.NotCompared) [2]string { return [2]string{n.Field, n.Reason} }
	alike := map[[2]string][]string{}
	for _, n := range all {
		alike[key(n)] = append(alike[key(n)], safe(n.Addr.String()))
	}
	var out []string
	for _, n := range all {
		of, same := safe(n.Addr.String()), alike[key(n)]
		if !full && len(same) > foldedBeyond {
			if of != same[0] {
				continue
			}
			of = names(same, false)
		}
		out = append(out, of+ifText(n.Field != "", " "+safe(n.Field))+": "+safe(n.Reason))
	}
	return out
}
