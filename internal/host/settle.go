package host

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/remote"
)

// takingBack is how long a host may take to put things back, and to let somebody in again, once its time is up.
const takingBack = 20 * time.Second

// settle has a new connection confirm a batch that can cut the host off, or learns that the host took it back. What ended
// early is not confirmed: nobody knows all that it did.
func (h *Host) settle(ctx context.Context, b *batch, f *follower, ended error) error {
	said, first := h.askWatch(ctx, b, ended == nil)
	switch said.word {
	case "confirmed":
		f.emit(plan.Outcome{Subject: h.Target().String(), Action: "confirm", Result: plan.ResultProgress, Message: "a new login came in, so it stays"})
		return ended
	case "took":
		h.tellTaken(b, f, said.lines, why(ended, first, b))
		h.observe(ctx) // what was remembered of the batch is no longer true
		return fmt.Errorf("host %s: it took back by itself what was to be confirmed: %s", h.o.Name, why(ended, first, b))
	default:
		return fmt.Errorf("host %s: nobody could come in any more to learn whether it took back by itself what was to be confirmed, which it does within %s: %s; the next run looks",
			h.o.Name, b.work.Confirm, why(ended, first, b))
	}
}

// why says in words why a batch was not confirmed.
func why(ended, first error, b *batch) string {
	switch {
	case ended != nil:
		return "its end was not seen: " + clean(ended.Error())
	case first != nil:
		return "no new login came in within " + b.work.Confirm.String() + ": " + clean(first.Error())
	default:
		return "no new login came in within " + b.work.Confirm.String()
	}
}

// tellTaken reports on what the host took back, by the numbers of its actions.
func (h *Host) tellTaken(b *batch, f *follower, lines []string, because string) {
	became := map[int][2]string{}
	for _, l := range lines {
		word, rest, _ := strings.Cut(l, " ")
		number, text, _ := strings.Cut(rest, " ")
		if n, err := strconv.Atoi(number); err == nil {
			became[n] = [2]string{word, text}
		}
	}
	for _, w := range b.watches() {
		o := plan.Outcome{Subject: f.actions[w.n].Subject, Action: w.action, Result: plan.ResultRolledBack, Message: because}
		switch is := became[w.n]; is[0] {
		case "back":
		case "left":
			o.Result, o.Message = plan.ResultFailed, "the host could not take it back: "+is[1]
		default:
			o.Result, o.Message = plan.ResultUnknown, "the host does not say that it took it back"
		}
		f.emit(o)
	}
}

// watchSaid is what a host says of a watch: "confirmed", "took" with what became of each action, "armed", "gone".
type watchSaid struct {
	word  string
	lines []string
}

// askWatch asks by new connections, one after another with pauses that grow, until there is an answer that stays. The error is
// that of the first one that did not come in.
func (h *Host) askWatch(ctx context.Context, b *batch, confirm bool) (said watchSaid, first error) {
	ctx, cancel := context.WithTimeout(ctx, b.work.Confirm+takingBack)
	defer cancel()
	for pause := time.Second / 4; ; pause = min(2*pause, 8*time.Second) {
		said, err := h.askOnce(ctx, b, confirm)
		if err == nil && (said.word == "confirmed" || said.word == "took" || said.word == "gone") {
			return said, first
		}
		if err != nil && first == nil && !errors.Is(err, context.DeadlineExceeded) {
			first = err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return watchSaid{}, first
		}
	}
}

// askOnce logs in anew, and runs its script as any other: by sudo where that is how it is done here.
func (h *Host) askOnce(ctx context.Context, b *batch, confirm bool) (said watchSaid, err error) {
	if h.conn != nil {
		h.drop()
	}
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	token, yes := newToken(), ""
	if confirm {
		yes = "yes"
	}
	r, err := h.run(ctx, leaseScript(h.o.Mesh, token, b.work.Run, h.lease, "CONFIRM="+quote(yes)+"\n"+confirmBody))
	if err != nil {
		return said, err
	}
	for line := range strings.Lines(string(r.Stdout)) {
		rest, own := strings.CutPrefix(strings.TrimSuffix(line, "\n"), token+" ")
		word, arg, _ := strings.Cut(rest, " ")
		switch {
		case !own:
		case word == "said":
			said.lines = append(said.lines, clean(arg))
		case word == "confirmed", word == "took", word == "armed", word == "gone":
			said.word = word
		}
	}
	if said.word == "" {
		return said, &remote.Error{Outcome: mesh.ScriptFailed, Host: h.o.Name, Msg: "it does not say whether it is confirmed"}
	}
	return said, nil
}
