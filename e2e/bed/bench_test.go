//go:build linux

package bed_test

import (
	"fmt"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
)

// BenchmarkBed is a bed's whole life: its hosts are made, greet, and are removed.
func BenchmarkBed(b *testing.B) {
	for _, n := range []int{1, 3, 5, 20} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				made := bed.Start(b, bed.Options{Hosts: n})
				b.StopTimer()
				made.Close(b)
				b.StartTimer()
			}
		})
	}
}
