package route

import "meshsync.dev/meshsync/internal/mesh"

// Loss is how much a table takes of the one before it.
type Loss int

// The losses. A Marathon that lost its store, or has just begun to lead, answers like one that has nothing.
const (
	LossSmall Loss = iota
	LossLarge      // more than half of the servers: to be seen twice before it is true
	LossAll        // though apps want tasks, or there is no app: not to be taken for true
)

// LossOf weighs a table against the one before. apps are what it was made of.
func LossOf(before, t Table, apps []mesh.RunningApp) Loss {
	had, has, wanted := before.Servers(), t.Servers(), 0
	for _, a := range apps {
		wanted += max(0, min(a.Instances, mostSpare))
	}
	switch {
	case had > 0 && has == 0 && (len(t.Backends) == 0 || wanted > 0):
		return LossAll
	case 2*has < had:
		return LossLarge
	default:
		return LossSmall
	}
}
