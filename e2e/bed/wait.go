//go:build linux

package bed

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A limit is far beyond what its step takes on a busy machine: reaching it means that the
// step never ends, not that it was slow.
const (
	bootLimit = 2 * time.Minute
	killLimit = time.Minute
	pause     = 20 * time.Millisecond // between two looks
)

// errNever says that no further look will find anything else.
var errNever = errors.New("it has ended")

// await looks until a look finds no error, or until it is of no use. The last look tells
// what was missing.
func await(ctx context.Context, limit time.Duration, what string, look func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	next := time.NewTicker(pause)
	defer next.Stop()
	for {
		err := look(ctx)
		if err == nil {
			return nil
		}
		if errors.Is(err, errNever) {
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-next.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w", what, ctx.Err(), err)
		}
	}
}
