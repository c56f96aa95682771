package repo

import (
	"errors"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Relation says how a commit relates to an earlier one.
type Relation string

// The relations.
const (
	Same     Relation = "same"
	Ahead    Relation = "ahead"    // it descends from the other
	Behind   Relation = "behind"   // the other descends from it
	Diverged Relation = "diverged" // neither descends from the other
	Unknown  Relation = "unknown"  // history is cut, or a commit is not here
)

// Ancestry tells how now relates to before; both are commit ids.
func (r *Repo) Ancestry(before, now string) (Relation, error) {
	if before == now {
		return Same, nil
	}
	if r.git == nil {
		return Unknown, nil
	}
	ahead, cutA, err := r.reaches(now, before)
	if err != nil || ahead {
		return relation(Ahead, err)
	}
	behind, cutB, err := r.reaches(before, now)
	switch {
	case err != nil || behind:
		return relation(Behind, err)
	case cutA || cutB:
		return Unknown, nil
	default:
		return Diverged, nil
	}
}

func relation(rel Relation, err error) (Relation, error) {
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return Unknown, nil
	}
	if err != nil {
		return Unknown, err
	}
	return rel, nil
}

// reaches walks the history of from until it meets to. cut says that the walk came to
// an end of a shallow clone.
func (r *Repo) reaches(from, to string) (found, cut bool, err error) {
	shallow, err := r.git.Storer.Shallow()
	if err != nil {
		return false, false, err
	}
	ends := map[plumbing.Hash]bool{}
	for _, h := range shallow {
		ends[h] = true
	}
	start, err := r.git.CommitObject(plumbing.NewHash(from))
	if err != nil {
		return false, false, err
	}
	seen := map[plumbing.Hash]bool{}
	queue := []*object.Commit{start}
	for len(queue) > 0 {
		c := queue[0]
		queue = queue[1:]
		if c.Hash.String() == to {
			return true, cut, nil
		}
		if ends[c.Hash] {
			cut = true
			continue
		}
		for _, p := range c.ParentHashes {
			if seen[p] {
				continue
			}
			seen[p] = true
			parent, err := r.git.CommitObject(p)
			if errors.Is(err, plumbing.ErrObjectNotFound) || errors.Is(err, io.EOF) {
				cut = true
				continue
			}
			if err != nil {
				return false, cut, err
			}
			queue = append(queue, parent)
		}
	}
	return false, cut, nil
}
