package plan

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
)

// warnOfApp tells what a change of an app costs, or may come to, that is not plain from it.
func (b *builder) warnOfApp(c diff.Change, e AppEffect) {
	if e.Restarts > 0 && e.Harmless {
		b.warn(c, "app.harmless",
			fmt.Sprintf("app %s: a change of %s alone costs %s: Marathon replaces all tasks for any field but instances, also where nothing changes of what they run",
				c.Addr.Name, strings.Join(restarting(e.Because), ", "), restarts(e.Restarts)),
			"to let it wait for a change that restarts the app anyway: --exclude '"+c.Addr.String()+"'")
	}
}

func (b *builder) warn(c diff.Change, code, message, hint string) {
	b.plan.Warnings = append(b.plan.Warnings, Warning{Code: code, Subject: c.Addr.String(), Message: message, Hint: hint})
}

func restarts(n int) string {
	if n == 1 {
		return "1 restart"
	}
	return fmt.Sprintf("%d restarts", n)
}
