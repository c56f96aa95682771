// Package marathond is a Marathon for the sandbox: an http.Handler that answers as
// Marathon 1.11.26 does on the wire, with tasks that take time to start, become healthy
// and stop. It shares no code with the client: what one of the two gets wrong shows as
// a difference. What it owes, and what it does not simulate, is listed in
// docs/sandbox-marathon.md; what is not simulated is refused with 501, never made easy.
//
// All state is behind one lock, as the real one has one queue of changes. Time passes
// through a Clock: what happens later (a task starts, a deployment ends) is on an agenda.
package marathond
