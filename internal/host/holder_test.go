package host

import (
	"context"
	"fmt"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestWhoHoldsALeaseIsReadAsTheScriptsDo(t *testing.T) {
	t.Parallel()
	const now = int64(1_700_000_000)
	for _, x := range []struct {
		name, file string
		left       time.Duration // 0: nobody holds it
	}{
		{"held", "r1\n1700000100\n300\nann@ci\nhttps://ci\np\n", 100 * time.Second},
		{"without a job", "r1\n1700000100\n300\nann@ci\n\n\n", 100 * time.Second},
		{"given back", "", 0},
		{"expired", "r1\n1700000000\n300\nann@ci\n\n\n", 0},
		{"from before the clock was set back", "r1\n1700000301\n300\nann@ci\n\n\n", 0},
		{"for longer than any lease is", "r1\n1700000100\n400\nann@ci\n\n\n", 0},
		{"no lease", "hello\n", 0},
		{"no numbers", "r1\nsoon\n300\n", 0},
	} {
		got := holderOf(mesh.Host("h"), x.file, now*1e9)
		if x.left == 0 && got != nil || x.left != 0 && (got == nil || got.Left != x.left || got.By.Run != "r1" || got.By.Who != "ann@ci") {
			t.Errorf("%s: %+v", x.name, got)
		}
	}
	if got := holderOf(mesh.Host("h"), "r1\n1700000000\n300\nann@ci\n\n\n", 0); got == nil || got.Left != 0 {
		t.Errorf("without a clock: %+v", got)
	}
}

func TestALeaseIsSeenWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{true, false} {
		b := newBox(t)
		b.put("/var/lib/meshsync/prod/lease", fmt.Sprintf("r1\n%d\n300\nann@ci\n\n\n", time.Now().Unix()+200))
		s := New(Options{Mesh: "prod", Name: "h", Lease: asked, Dialer: b, Timeout: time.Minute}).Observe(context.Background())
		if s.Outcome != mesh.OK || (s.Host.Lease != nil) != asked {
			t.Errorf("asked %v: %s %s, %+v", asked, s.Outcome, s.Message, s.Host)
		}
	}
}
