package plan

import "meshsync.dev/meshsync/internal/diff"

// Moved reports whether something moved without git, as far as one can tell: a
// resource, or a process that runs with old input. It is what drift alarms about.
func (p Plan) Moved() bool { return len(p.MovedChanges()) > 0 || len(p.Stale) > 0 }

// MovedChanges lists the changes whose target moved without git, sorted by address
// within each stage.
func (p Plan) MovedChanges() []diff.Change { return p.changes(diff.Class.Moved) }

// PendingChanges lists the changes that git wants and nobody else made.
func (p Plan) PendingChanges() []diff.Change {
	return p.changes(func(c diff.Class) bool { return !c.Moved() })
}

func (p Plan) changes(keep func(diff.Class) bool) []diff.Change {
	var out []diff.Change
	for _, s := range p.Stages {
		for _, b := range s.Batches {
			for _, c := range b.Changes {
				if keep(c.Class) {
					out = append(out, c)
				}
			}
		}
	}
	diff.Sort(out)
	return out
}
