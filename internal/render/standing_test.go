package render

import (
	"bytes"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/plan"
)

// Drift tells of what no apply can pass and of what is so whether or not anything is applied, and of nothing that a change would cost. What
// a reviewer of a change reads has all of it.
func TestDriftTellsOfWhatStands(t *testing.T) {
	t.Parallel()
	p := plan.Plan{
		Complete: true, Notes: []string{"a note of the plan"},
		Refusals: []plan.Refusal{{Code: "marathon.differs", Message: "git says 1.8"}, {Code: "limits.deletions", Message: "21 deletions"}},
		Warnings: []plan.Warning{{Code: "ignore.expired", Message: "the rule expired", Hint: "ask team web"}, {Code: "app.harmless", Message: "a label"}},
	}
	var text, document, again, markdown bytes.Buffer
	if err := Drift(&text, p, Options{}); err != nil {
		t.Fatal(err)
	}
	if err := DriftJSON(&document, p); err != nil {
		t.Fatal(err)
	}
	read, err := ReadDrift(bytes.NewReader(document.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := Drift(&again, read, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{text.String(), document.String(), again.String()} {
		for _, want := range []string{"marathon.differs", "ignore.expired", "the rule expired", "ask team web"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s is missing in %s", want, got)
			}
		}
		if strings.Contains(got, "limits.deletions") || strings.Contains(got, "app.harmless") {
			t.Errorf("what a change would cost is in %s", got)
		}
	}
	if err := PlanMarkdown(&markdown, p, CommentLimit); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"**warning** (ignore.expired): the rule expired. ask team web", "**note:** a note of the plan"} {
		if !strings.Contains(markdown.String(), want) {
			t.Errorf("%q is missing in %s", want, markdown.String())
		}
	}
}
