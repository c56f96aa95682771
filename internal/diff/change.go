// Package diff compares what the repository wants with what was observed and with
// what the records say was last applied. It is pure: no I/O, no clock, no
// knowledge of where resources come from, and it never fails.
package diff

import "meshsync.dev/meshsync/internal/mesh"

// Action is what a change does to its resource.
type Action string

// The actions. They are the only vocabulary for changes: plan, render and apply use them.
const (
	Create  Action = "create"
	Update  Action = "update"
	Replace Action = "replace" // another kind of thing is in the way (a directory where a file belongs)
	Delete  Action = "delete"
	// Finish is for an app that is as desired but whose deployment no run saw end: it is
	// followed to its end, nothing is written.
	Finish Action = "finish"
	// Restart is for an app that is as desired and of which tasks run an older configuration.
	Restart Action = "restart"
	Release Action = "release" // git dropped it, and it is not meshsync's to delete, or gone: only the record forgets it
)

// Class says who moved, by the record of the last apply.
type Class string

// The classes.
const (
	Pending Class = "pending" // git moved, nobody touched the target
	Drift   Class = "drift"   // the target moved without git
	Both    Class = "both"
	Differs Class = "differs" // no record tells which of the two moved
	Stale   Class = "stale"   // what is declared is as git says, and what runs is older
)

// Moved reports whether the target moved without git, as far as one can tell:
// the classes that make drift exit with 2.
func (c Class) Moved() bool { return c == Drift || c == Both || c == Differs || c == Stale }

// Change is one resource's difference.
type Change struct {
	Addr   mesh.Address `json:"address"`
	Action Action       `json:"action"`
	Class  Class        `json:"class"`
	Fields []Field      `json:"fields,omitempty"` // sorted by path; for update only
	Before mesh.Tree    `json:"before,omitempty"` // nil for create
	After  mesh.Tree    `json:"after,omitempty"`  // nil for delete and release

	// Replaces is the kind of what is in the way, which Before describes; for replace only.
	Replaces mesh.Kind `json:"replaces,omitempty"`

	// BeforeText and AfterText are a file's contents where they are known and no secret.
	BeforeText *string `json:"-"`
	AfterText  *string `json:"-"`

	// Diff is the unified diff of a file's contents, where a document carries it; Diff
	// itself, the function, leaves it empty.
	Diff string `json:"diff,omitempty"`

	// Recursive deletes a directory with all that is in it. Validate is the command that
	// must accept a file before it goes live.
	Recursive bool   `json:"recursive,omitempty"`
	Validate  string `json:"validate,omitempty"`

	// Secret is where the content of the file that is written comes from; nil where it is no secret.
	Secret *mesh.SecretSource `json:"-"`

	// Open is what the declaration leaves open, as in mesh.Resource.
	Open map[string]string `json:"-"`

	// Gone is set where git wants nothing at the path: the address of that wish, which the
	// record holds once what lay there is deleted.
	Gone *mesh.Address `json:"-"`

	// Purged says that git purges the directory that it lies in: each small file there is one
	// thing of the whole, such as a flag of a process.
	Purged bool `json:"purged,omitempty"`

	Role    string            `json:"role,omitempty"`
	Origin  mesh.Pos          `json:"origin,omitzero"`
	Reason  string            `json:"reason,omitempty"` // why, when it is not plain: "in purged directory /etc/mesos-master"
	Service *mesh.ServiceSpec `json:"-"`                // desired service, for kind service
	App     *mesh.AppState    `json:"-"`                // observed app, for kind app
}

// BeforeKind is the kind of thing that Before describes.
func (c Change) BeforeKind() mesh.Kind {
	if c.Replaces != "" {
		return c.Replaces
	}
	return c.Addr.Kind
}

// Was identifies what the change was planned on, for the record.
func (c Change) Was() string {
	switch {
	case c.Before == nil:
		return mesh.AbsentDigest
	case c.Replaces != "":
		return "other:" + string(c.Replaces) // none of those that a record can name under this address
	default:
		return mesh.Digest(c.Before)
	}
}

// Field is one attribute that differs. An absent side is nil.
type Field struct {
	Path   string `json:"path"` // dotted; list elements as [2]
	Before any    `json:"before"`
	After  any    `json:"after"`
}
