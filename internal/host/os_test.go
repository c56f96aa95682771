package host

import (
	"context"
	"testing"
)

// Debian's os-release has the version before the name.
func TestTheSystemIsNamedAsGitNamesIt(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, b *box) {
		s := b.host(directory("/d", false)).Observe(context.Background())
		if s.Host == nil || s.Host.OS != "debian 12" {
			t.Errorf("%s %s: %+v", s.Outcome, s.Message, s.Host)
		}
	})
}
