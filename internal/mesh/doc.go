// Package mesh is the domain as values: what a repository declares (hosts,
// resources, apps, policy), what was observed, and what the records on the
// targets say.
//
// Everything here is plain data, built by config (desired) or by host and
// marathon (observed) and compared by diff. The package performs no I/O, reads
// no clock and starts no goroutine. Values are not changed once they were handed
// on; a function that needs another value makes a copy.
package mesh
