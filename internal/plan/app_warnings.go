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
	for _, w := range e.Warnings {
		b.warn(c, w.Code, w.Message, w.Hint)
	}
	b.staleAfterScaling(c, e)
	b.unmeetable(c)
}

// staleAfterScaling warns of tasks of an older configuration that stay as they are.
func (b *builder) staleAfterScaling(c diff.Change, e AppEffect) {
	if c.App == nil || c.App.TasksOutdated == 0 || e.Restarts > 0 || c.After == nil || c.Action == diff.Finish || len(c.App.Deployments) > 0 {
		return
	}
	b.warn(c, "app.stale",
		fmt.Sprintf("app %s: %s of an older configuration than it has, which this change does not replace", c.Addr.Name, tasks(c.App.TasksOutdated)),
		"plan again once it is applied: that plan restarts them")
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
