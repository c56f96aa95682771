package render

import (
	"io"

	"meshsync.dev/meshsync/internal/health"
	"meshsync.dev/meshsync/internal/mesh"
)

// SnapshotText writes what a snapshot holds, in short.
func SnapshotText(w io.Writer, s Snapshot, o Options) error {
	t := &printer{w: w, o: o}
	if s.Sandbox {
		t.line("%s", t.paint(bold, "SANDBOX: no real cluster is involved"))
	}
	t.line("%s", t.paint(bold, "observed "+safe(s.Mesh)+" at "+safe(s.At)))
	for _, x := range s.Observed.Targets {
		if x.Outcome != mesh.OK {
			t.line("? %s  %s: %s", x.Target, x.Outcome, safe(x.Message))
			continue
		}
		t.line("  %s  %s, %d absent, %d unknown; record: %s", x.Target, count(len(x.Resources), "resource"), len(x.Absent), len(x.Unknown), x.RecordState)
		if x.Host != nil {
			for _, a := range x.Host.Answers {
				if health.IsReport(a) {
					continue
				}
				v := health.Judge(a)
				text := string(v.Status)
				if v.Leader {
					text += ", leader"
				}
				if v.Reason != "" {
					text += " (" + safe(v.Reason) + ")"
				}
				t.line("      %s on %s: %s", a.Check.Kind, safe(a.Check.Where()), text)
			}
		}
		if x.Marathon != nil {
			t.line("      Marathon %s, %s%s", safe(x.Marathon.Version), count(len(x.Marathon.Deployments), "running deployment"), pods(x.Marathon))
		}
	}
	return t.err
}

// pods are those of a Marathon, where it has any.
func pods(m *mesh.MarathonFacts) string {
	if m.GroupsUnread != "" {
		return "; groups and pods could not be read: " + safe(m.GroupsUnread)
	}
	return ifText(len(m.Pods) > 0, ", "+count(len(m.Pods), "pod"))
}
