// Package hosts has only tests: every kind of resource on a real Debian, from the look at
// it to its change and its removal. What stubs cannot show is here: apt, dpkg, systemd,
// the kernel and the account tools are the host's own.
package hosts
