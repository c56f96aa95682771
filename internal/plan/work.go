package plan

import (
	"errors"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// Work is one target's part of a batch, as a target receives it.
type Work struct {
	Run    string // id of the run: lower-case letters, digits and dashes
	Commit string // for the record; "" when the desired state has none
	Time   string // for the record, RFC 3339 in UTC
	// Changes are done in the order that primitive.Order gives them, deletions last and
	// deepest first. Each is checked against its Before immediately before the write.
	Changes []diff.Change
	// Later are, for the first work of a stage on the target, its changes in the batches after this
	// one: a target may write them down ahead together with these. More says that there is such a batch.
	Later []diff.Change
	More  bool
	// Services are done after the changes, in order. None is done when a change failed or conflicted.
	Services []ServiceStep
	// Confirm is how long after its end a new connection may take to come in, of a batch that can cut the host off; else the
	// host takes it back by itself. 0: nobody waits for one.
	Confirm time.Duration
	// Members are the machine ids of the members of each ensemble, for the record.
	Members map[string]map[string]string
	// Adopt lists resources that are as desired and that the record does not hold
	// yet: address → entry, of which digest and what is open are given. They are recorded as
	// adopted together with the work.
	Adopt map[string]mesh.RecordEntry
	// Running are services that the record does not know yet, see Adopted. They are recorded
	// together with the work.
	Running map[string]mesh.ServiceRecord
}

// Result says how one action of a Work ended.
type Result string

// The results.
const (
	ResultDone       Result = "done"
	ResultFailed     Result = "failed"
	ResultConflict   Result = "conflict"    // the resource is no longer as planned; nothing was written
	ResultSkipped    Result = "skipped"     // not tried, because something before it failed
	ResultUnknown    Result = "unknown"     // it was sent and no end was seen
	ResultRolledBack Result = "rolled_back" // it was sent, failed, and what was there before is there again
	ResultProgress   Result = "progress"    // not an end: it still runs, Message says what it waits for
)

// ErrUntouched is the error of a work of which nothing was begun: no action of it has an end that is not known.
var ErrUntouched = errors.New("nothing was changed")

// Outcome reports on one action of a Work.
type Outcome struct {
	Subject string // address of the resource; for a service step the address of the service
	Action  string // diff.Action or Op
	Result  Result
	Message string // one line; why and what to do, for every result but done
	Due     bool   // done, and Message says why another plan has more to do
	// Restarts are those of an app's tasks; nil where nothing was to be told of them.
	Restarts *Restarts
}

// Restarts are how many tasks an update of an app replaces, by the plan, and how many it did.
type Restarts struct {
	Predicted int `json:"predicted"`
	Observed  int `json:"observed"`
}
