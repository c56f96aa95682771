// Package cluster has only tests: real services change by the program's own hand, the command
// line and all, while clients use them and somebody watches from outside. What is held true is
// what the clients and the watcher saw, and nothing that the program says of itself.
package cluster
