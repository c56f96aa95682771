package sandbox_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/sandbox"
)

// BenchmarkExec is what one command on a host costs from end to end, over a connection that is open.
func BenchmarkExec(b *testing.B) {
	c, err := sandbox.Start(b.Context(), sandbox.Options{Dir: b.TempDir(), Hosts: example()})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	client, err := dial(b, c, "m1")
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for _, x := range []struct{ name, line, stdin string }{
		{"true", "/bin/true", ""},
		{"sh", "sudo -n /bin/sh -s", "exit 0\n"},
		{"systemctl", "sudo -n /bin/sh -s", "systemctl show -p Id,LoadState,ActiveState,SubState,UnitFileState,MainPID zookeeper mesos-master logshipper\n"},
	} {
		b.Run(x.name, func(b *testing.B) {
			for b.Loop() {
				if r := run(client, x.line, x.stdin); r.code != 0 || r.failure != nil {
					b.Fatal(r)
				}
			}
		})
	}
}

// BenchmarkStart boots sandboxes of several sizes and ends them.
func BenchmarkStart(b *testing.B) {
	for _, n := range []int{5, 20, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var hosts []sandbox.HostOptions
			for i := range n {
				hosts = append(hosts, sandbox.HostOptions{Name: fmt.Sprintf("a%d", i+1), Units: []sandbox.UnitOptions{
					{Name: "mesos-slave", Kind: "mesos-agent"}, {Name: "logshipper", Kind: "generic", Enabled: true},
				}})
			}
			var ending time.Duration
			memory := 0.0
			for b.Loop() {
				c, err := sandbox.Start(b.Context(), sandbox.Options{Dir: b.TempDir(), Hosts: hosts})
				if err != nil {
					b.Fatal(err)
				}
				memory = resident(b)
				began := time.Now()
				if err := c.Close(); err != nil {
					b.Fatal(err)
				}
				ending += time.Since(began)
			}
			b.ReportMetric(memory, "MB-resident")
			b.ReportMetric(float64(ending.Milliseconds())/float64(b.N), "ms-to-close/op")
		})
	}
}

// resident is the memory of this process in MB.
func resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		b.Fatal(err)
	}
	return float64(pages*os.Getpagesize()) / 1e6
}
