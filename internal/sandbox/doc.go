// Package sandbox is a cluster in a box: hosts behind real SSH servers (package hostd) and
// Marathons that behave on the wire as the real one does, all on this machine's loopback
// and below one folder. Tests, the demo and rehearsals of a plan run against it through the
// same doors as against a real cluster; a connect file says where those are.
//
// A sandbox is never kinder than the real thing where that is known; what it cannot show is
// listed in docs/sandbox.md.
package sandbox
