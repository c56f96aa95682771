// Package hosts has only tests. Some are the conformance suite of hosts, which runs against
// the sandbox and against a real Debian; the others need the real one: apt, dpkg, systemd,
// the kernel and the account tools are the host's own there.
package hosts
