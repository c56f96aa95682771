// Package conformance is what a Marathon 1.11 owes its clients, as a test suite that talks
// HTTP only: it runs against the sandbox's Marathon always, and against a real one whose URL
// is in MESHSYNC_MARATHON_URL (build tag realmarathon). On a real one it works in a group of its own, which it
// removes, with tasks that sleep and need next to nothing.
package conformance
