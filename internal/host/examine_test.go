package host

import (
	"context"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/doctor"
	"meshsync.dev/meshsync/internal/mesh"
)

func TestExaminingAHostChangesNothing(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		h := b.host()
		f := h.Examine(context.Background(), time.Now)
		if f.Outcome != mesh.OK || len(f.Lacks) > 0 || f.Skew.Abs() > time.Second || f.Recorded || !f.Writable || f.Free <= 0 || len(f.Clients) == 0 || f.State.Outcome != mesh.OK {
			t.Errorf("%+v", f)
		}
		if again := h.Examine(context.Background(), time.Now); again.Recorded || again.Folder != f.Folder {
			t.Errorf("it left something: %s, then %s", f.Folder, again.Folder)
		}
	})
}

func TestASkewIsOnlyWhatIsCertain(t *testing.T) {
	t.Parallel()
	before := time.Unix(100, 0)
	after := before.Add(2 * time.Second)
	for text, want := range map[string]time.Duration{
		"100.500000000": 0, "102.000000000": 0, "103.500000000": 1500 * time.Millisecond, "98.000000000": -2 * time.Second,
		"99": 0, "95": -4 * time.Second, "105.%N": 3 * time.Second, "": 0, "x.y": 0,
	} {
		if got := skew(text, before, after); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func FuzzReadExamination(f *testing.F) {
	f.Add("@t begin\n@t root \n@t clock 1.5\n@t lacks flock\n@t client perl\n@t groups a b\n@t folder /var\n@t writable\n@t space /dev/a 1 2 3 4% /\n@t end\n")
	f.Add("@t space a b c d e f g\n@t end")
	f.Fuzz(func(t *testing.T, text string) {
		facts := doctor.HostFacts{Free: -1}
		if readExamination([]byte(text), "@t", time.Unix(0, 0), time.Unix(1, 0), &facts) == nil && facts.Free < -1 {
			t.Errorf("%d bytes are free", facts.Free)
		}
	})
}
