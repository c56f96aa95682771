package render

import (
	"fmt"

	"meshsync.dev/meshsync/internal/apply"
)

// truthLines compare the restarts of tasks with the plan's; none where no app was updated.
func truthLines(t *apply.Truth) []string {
	if t == nil {
		return nil
	}
	if t.Restarts == 0 {
		return []string{"truth: no task was restarted, as predicted"}
	}
	out := []string{fmt.Sprintf("truth: %d of %s as predicted", t.Held, count(t.Restarts, "restart"))}
	for _, d := range t.Differs {
		out = append(out, fmt.Sprintf("%s: %s predicted, %s", d.Subject, count(d.Predicted, "restart"), replaced(d.Observed)))
	}
	return out
}

func replaced(tasks int) string {
	switch tasks {
	case 0:
		return "and no task was replaced"
	case 1:
		return "and 1 task was replaced"
	default:
		return fmt.Sprintf("and %d tasks were replaced", tasks)
	}
}

func (t *printer) truth(of *apply.Truth) {
	for i, line := range truthLines(of) {
		if i == 0 {
			t.line("  %s", line)
		} else {
			t.line("    %s", t.paint(yellow, safe(line)))
		}
	}
}
