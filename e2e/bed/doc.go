// Package bed boots real systemd hosts for tests: Debian in systemd-nspawn, each with its
// own disk, network namespace, journal, cron, apt and OpenSSH, and nothing outside in reach.
//
// A package that uses it hands its tests over in TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(bed.Main(m)) }
//
// Main builds the trees of the hosts when this machine has none yet, and runs the tests
// within a network namespace that has the hosts' bridge and no way out. A test then boots
// what it needs with Start. The package owns the trees, the hosts and their removal; it
// knows nothing of what is tested on them.
//
// All of it needs root on a Debian machine with Linux namespaces; elsewhere Start skips the
// test with the reason. docs/e2e.md tells what it costs and where it ends.
package bed
