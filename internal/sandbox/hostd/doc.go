// Package hostd runs hosts in a box: for each a real SSH server on loopback, a folder
// that stands for its root, and units that are real processes. Commands that arrive over
// SSH are run by the machine's own /bin/sh and its own tools, with the root's path in $R;
// only systemctl and sudo are stand-ins. Where the machine allows it, a host has mount,
// network, process, IPC and UTS namespaces of its own, in which nothing but its root can be written
// and only its own loopback exists.
//
// The units know the protocols by which their health is judged and behave as members of
// their clusters: ZooKeepers serve when a majority of those that agree on the membership
// runs, Mesos masters elect a leader through them, agents register with it.
//
// It shares no code with what is tested against it: were both to use the same parser, both
// would be wrong in the same way.
package hostd
