package host

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/primitive"
)

// watched is one change or step of a batch that the host takes back by itself, by its number among the actions.
type watched struct {
	n      int
	action string // what is said of it then: "put back", "reload again"
}

// watches lists what the host takes back of a batch that can cut it off: files and links of the ways in, and what was done to
// their services. Nothing else: other services stop under gates only, which a host that is cut off cannot ask.
func (b *batch) watches() []watched {
	if b.work.Confirm == 0 {
		return nil
	}
	var out []watched
	for i, c := range b.work.Changes {
		if b.puts(c) || c.Addr.Kind == mesh.Service && b.touches(c.Addr.Name) {
			out = append(out, watched{i, "put back"})
		}
	}
	for j, s := range b.work.Services {
		if plan.StepCutsOff(s) != "" {
			out = append(out, watched{len(b.work.Changes) + j, string(back(s.Op))})
		}
	}
	return out
}

// puts reports whether a change is one whose old state can be put back whole, as that of a folder cannot.
func (b *batch) puts(c diff.Change) bool {
	const folder = 0o040000
	whole := func(k mesh.Kind) bool {
		p, _ := primitive.Of(k)
		return p.Path != nil && p.Path.Type != 0 && p.Path.Type != folder
	}
	return plan.CutsOff(c) != "" && (c.After == nil || whole(c.Addr.Kind)) && (c.Before == nil || whole(c.BeforeKind())) && !c.Recursive
}

// touches reports whether the batch does something to a service of a way in.
func (b *batch) touches(unit string) bool {
	return slices.ContainsFunc(b.work.Services, func(s plan.ServiceStep) bool { return s.Unit == unit && plan.StepCutsOff(s) != "" })
}

// back is the operation that takes one back: what a service has read it reads again.
func back(op plan.Op) plan.Op {
	switch op {
	case plan.OpStart:
		return plan.OpStop
	case plan.OpStop:
		return plan.OpStart
	case plan.OpEnable:
		return plan.OpDisable
	case plan.OpDisable:
		return plan.OpEnable
	case plan.OpMask:
		return plan.OpUnmask
	case plan.OpUnmask:
		return plan.OpMask
	default:
		return op
	}
}

// expectedAfter is what ms_now says once the change is made.
func expectedAfter(c diff.Change) string {
	if c.After == nil {
		return "absent"
	}
	p, _ := primitive.Of(c.Addr.Kind)
	return string(c.Addr.Kind) + " " + p.Path.Expected(c.After)
}

// watch is the code that leaves a process behind before the first change: it is in no way the batch's any more.
func (b *batch) watch() string {
	if len(b.watches()) == 0 {
		return ""
	}
	var copies strings.Builder
	for i, c := range b.work.Changes {
		if b.puts(c) && c.Before != nil {
			fmt.Fprintf(&copies, "ms_copied %d %s\n", i, rooted(c.Addr.Name))
		}
	}
	return fmt.Sprintf(armPart, quote(b.watcher()), copies.String())
}

// watcher is the script of that process.
func (b *batch) watcher() string {
	var s strings.Builder
	fmt.Fprintf(&s, "ms_watcher() {\nT=watch\ncd /\n%sB=%s RUN=%s M=%s WITHIN=%d LONGEST=%d\n", observePrelude, rooted(stateDir(b.mesh)), quote(b.work.Run), quote(b.mesh), int(b.work.Confirm/time.Second), int(longestBatch/time.Second))
	s.WriteString(changeVariables + lockFunction + operations + slowPart + placePart + secretPart + digestPart + nowFunction() + watcherPart)
	for _, c := range b.work.Changes {
		if mesh.SecretContent(c.Before["content"]) || c.Secret != nil {
			fmt.Fprintf(&s, "sec=$sec$nl%s\n", rooted(c.Addr.Name))
		}
	}
	s.WriteString("ms_waited \"$@\" || return 0\n")
	b.putBack(&s)
	s.WriteString("ms_ended\n}\nms_watcher \"$@\"\n")
	return s.String()
}

// putBack is the code that takes back the files, then the services, then the record.
func (b *batch) putBack(s *strings.Builder) {
	for i, c := range b.work.Changes {
		if b.puts(c) {
			fmt.Fprintf(s, "P%d=''\nif ms_back %[1]d %s %s %s; then P%[1]d=1; fi\n", i, rooted(c.Addr.Name), quote(expected(c)), quote(expectedAfter(c)))
		}
	}
	s.WriteString("ms_out\n")
	if b.writesUnits() {
		s.WriteString("ms_try systemctl daemon-reload\n")
	}
	for j, st := range slices.Backward(b.work.Services) {
		if plan.StepCutsOff(st) != "" {
			fmt.Fprintf(s, "ms_again %d %s %s\n", len(b.work.Changes)+j, back(st.Op), quote(primitive.UnitFile(st.Unit)))
		}
	}
	for i, c := range b.work.Changes {
		if c.Addr.Kind == mesh.Service && b.touches(c.Addr.Name) {
			fmt.Fprintf(s, "P%d=1; ms_tell back %[1]d\n", i)
		}
	}
	b.rewind(s)
}

// rewind is the code that puts the entries of what was put back as they were before the batch, each a line of the record,
// and those of services that were made to read again what they had before.
func (b *batch) rewind(s *strings.Builder) {
	var goes, entries, services strings.Builder
	for i, c := range b.work.Changes {
		if !b.puts(c) && (c.Addr.Kind != mesh.Service || !b.touches(c.Addr.Name)) {
			continue
		}
		names := quote(lineOf(c.Addr.String())) + "*"
		if other, ok := besides(c); ok {
			names += "|" + quote(lineOf(other.String())) + "*"
		}
		fmt.Fprintf(&goes, "%s) [ -n \"$P%d\" ];;\n", names, i)
		if old := b.record.changes[i].old; old != "" {
			fmt.Fprintf(&entries, "[ -z \"$P%d\" ] || ms_line %s\n", i, quote(old))
		}
	}
	done := map[string]bool{}
	for j, st := range b.work.Services {
		if plan.StepCutsOff(st) == "" || done[st.Unit] {
			continue
		}
		done[st.Unit] = true
		fmt.Fprintf(&goes, "%s*) true;;\n", quote(lineOf(st.Unit)))
		if was := b.record.steps[j].was; was != "" && st.Op == plan.OpReload { // the process that it is of goes on
			fmt.Fprintf(&services, "ms_line %s\n", quote(was))
		}
	}
	fmt.Fprintf(s, rewindPart, goes.String(), entries.String(), services.String())
}

// lineOf is how the line of a member begins.
func lineOf(name string) string {
	line := member(name, 0)
	return strings.TrimSuffix(line, "0")
}
