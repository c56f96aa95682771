package render

import "meshsync.dev/meshsync/internal/plan"

// remarks tells what stands beside the changes.
func (t *printer) remarks(p plan.Plan) {
	begin := func(title string, n int) bool {
		if n > 0 {
			t.line("%s", t.paint(bold, title))
		}
		return n > 0
	}
	evidence := func(es []plan.Evidence) {
		for _, e := range es {
			t.line("  %s on %s: %s", safe(e.Unit), e.Target.Name, safe(e.Message))
		}
		t.line("")
	}
	if begin("STALE: processes that run with old input", len(p.Stale)) {
		evidence(p.Stale)
	}
	if begin("UNSURE: processes that may run with old input; nothing is done about them", len(p.Unsure)) {
		evidence(p.Unsure)
	}
	if begin("NOT SERVING: services that run as git says and fail their check", len(p.NotServing)) {
		evidence(p.NotServing)
	}
	if begin("NOT COMPARED", len(p.NotCompared)) {
		for _, line := range notCompared(p.NotCompared, t.o.Full) {
			t.line("  %s", line)
		}
		t.line("")
	}
	if begin("UNMANAGED: live, not in git, left alone", len(p.Unmanaged)) {
		var all []string
		for _, a := range p.Unmanaged {
			all = append(all, safe(a.String()))
		}
		t.line("  %s", names(all, t.o.Full))
		t.line("")
	}
	if begin("NOTES", len(p.Notes)) {
		for _, n := range p.Notes {
			t.line("  %s", safe(n))
		}
		t.line("")
	}
}
