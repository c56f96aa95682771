package render

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// Plan writes a plan for people: where it comes from, what it does to the cluster, what
// forbids it, the stages in order with their gates and details, what is not known, and
// the next command.
func Plan(w io.Writer, p plan.Plan, o Options) error {
	t := &printer{w: w, o: o}
	t.header(p, "plan")
	t.effects(p)
	t.refusals(p)
	for _, s := range p.Stages {
		t.stage(s)
	}
	t.remarks(p)
	t.summary(p)
	t.next(p)
	return t.err
}

// header says what is shown and how far it can be trusted.
func (t *printer) header(p plan.Plan, what string) {
	if p.Sandbox {
		t.line("%s", t.paint(bold, "SANDBOX: no real cluster is involved"))
	}
	t.line("%s", t.paint(bold, fmt.Sprintf("%s of %s %s", what, safe(p.Mesh), sourceText(p.Source))))
	switch {
	case p.Source.Worktree:
		t.line("read from the work tree, as the files are now%s", ifText(p.Source.Dirty, "; they differ from the commit"))
	case p.Source.Dirty:
		t.line("%s", t.paint(yellow, "files of the mesh differ from this commit and are not read; --worktree reads them"))
	}
	if p.Policy != "" && p.Policy != "this commit" {
		t.line("policy is read from %s", safe(p.Policy))
	}
	if p.Snapshot != "" {
		t.line("planned against the snapshot %s, not against the live cluster", safe(p.Snapshot))
	}
	if p.Filter != nil {
		t.line("narrowed: only %s, exclude %s; %s left out", orAll(p.Filter.Only), orNone(p.Filter.Exclude), count(p.Filter.Hidden, "change"))
	}
	if !p.Complete {
		t.line("%s", t.paint(red, fmt.Sprintf("INCOMPLETE: %s could not be observed; nothing is assumed about what was not seen", unseen(p))))
		for _, u := range p.Unknown {
			t.line("  ? %s  %s: %s", unknownName(u), u.Outcome, safe(u.Message))
		}
	}
	t.line("")
}

func unknownName(u plan.Unknown) string {
	if u.Addr != nil {
		return safe(u.Addr.String())
	}
	return u.Target.String()
}

// unseen counts what could not be observed: "1 target and 2 resources".
func unseen(p plan.Plan) string {
	targets, resources := 0, 0
	for _, u := range p.Unknown {
		if u.Addr == nil {
			targets++
		} else {
			resources++
		}
	}
	switch {
	case resources == 0:
		return count(targets, "target")
	case targets == 0:
		return count(resources, "resource")
	default:
		return count(targets, "target") + " and " + count(resources, "resource")
	}
}

func ifText(cond bool, s string) string {
	if cond {
		return s
	}
	return ""
}

func orAll(l []string) string {
	if len(l) == 0 {
		return "everything"
	}
	return safe(strings.Join(l, " "))
}

func orNone(l []string) string {
	if len(l) == 0 {
		return "nothing"
	}
	return safe(strings.Join(l, " "))
}

// sourceText is `@ 4f2c9e1a7b03 "raise tickTime" (Ann, 2026-11-27)`.
func sourceText(s mesh.Source) string {
	if s.Commit == "" {
		return "without a commit"
	}
	day, _, _ := strings.Cut(s.Time, "T")
	return fmt.Sprintf("@ %.12s \"%s\" (%s, %s)", s.Commit, safe(s.Subject), safe(s.Author), day)
}

// effects tells first what happens beyond the changes themselves, with causes.
func (t *printer) effects(p plan.Plan) {
	if p.Empty {
		return
	}
	t.line("%s", t.paint(bold, "EFFECTS"))
	if len(p.Effects) == 0 {
		t.line("  nothing restarts; no task is touched")
	}
	for _, g := range groupEffects(p.Effects) {
		t.line("  %s", t.paint(g.color(), g.text(t.o.Full)))
		for _, b := range g.because(t.o.Full) {
			t.line("      because %s", b)
		}
	}
	t.line("")
}

func (t *printer) refusals(p plan.Plan) {
	if len(p.Refusals) == 0 {
		return
	}
	t.line("%s", t.paint(red, "REFUSED: this plan cannot be applied as it is"))
	for _, r := range p.Refusals {
		t.line("  %s: %s", r.Code, safe(r.Message))
		if r.Hint != "" {
			t.line("      to do: %s", safe(r.Hint))
		}
		if r.Source != "" {
			t.line("      rule: %s", safe(r.Source))
		}
	}
	t.line("")
}

func (t *printer) stage(s plan.Stage) {
	t.line("%s", t.paint(bold, fmt.Sprintf("%d %s", s.N, safe(s.Title))))
	t.line("  order: %s", safe(s.Why))
	t.batches(s)
	var all []diff.Change
	for _, b := range s.Batches {
		all = append(all, b.Changes...)
	}
	diff.Sort(all)
	t.changes(all)
	t.line("")
}

// changes writes changes, equal ones once.
func (t *printer) changes(all []diff.Change) {
	last := mesh.Pos{}
	for _, f := range fold(all, t.o.Full) {
		t.change(f)
		if t.o.Brief {
			continue
		}
		if o := f.change.Origin; !o.IsZero() && (o != last || t.o.Full) {
			t.line("      %s", t.paint(dim, "from "+safe(o.String())))
			last = o
		}
	}
}

// batches lists the batches in the order in which they are meant to run. Equal gates are told once.
func (t *printer) batches(s plan.Stage) {
	if len(s.Batches) > 6 && !t.o.Full {
		t.line("  %s, of %s each", count(len(s.Batches), "batch")+ifText(len(s.Batches) > 1, ""), count(len(s.Batches[0].Targets), "host"))
	}
	for i, b := range s.Batches {
		if i >= 6 && !t.o.Full {
			break
		}
		var hosts []string
		for _, x := range b.Targets {
			hosts = append(hosts, x.Name)
		}
		t.line("  batch %d: %s%s", i+1, names(hosts, t.o.Full), stepsText(b))
		for _, g := range b.Before {
			t.line("      before: %s", safe(g.Text))
		}
		for _, g := range b.After {
			t.line("      after:  %s", safe(g.Text))
		}
	}
}

// stepsText is ": restart zookeeper" for what is done to services in a batch, and
// ": create /www" for an app, which has a batch of its own.
func stepsText(b plan.Batch) string {
	var out []string
	for _, c := range b.Changes {
		if c.Addr.Kind == mesh.App {
			out = append(out, string(c.Action)+" "+c.Addr.Name)
		}
	}
	for _, s := range b.Service {
		out = append(out, string(s.Op)+" "+s.Unit)
	}
	out = uniqueInOrder(out)
	if len(out) == 0 {
		return ""
	}
	return ": " + safe(strings.Join(out, ", "))
}

func uniqueInOrder(in []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range in {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// change writes one change with its details.
func (t *printer) change(f folded) {
	c := f.change
	where := ""
	if len(f.targets) > 1 || c.Addr.Target.Kind == mesh.HostTarget {
		where = "  on " + names(f.targets, t.o.Full)
	}
	head := fmt.Sprintf("  %s %s %s %s%s  (%s)", sign(c), t.verb(c), c.Addr.Kind, safe(c.Addr.Name), where, c.Class)
	t.line("%s", t.paint(changeColor(c), head))
	if t.o.Brief {
		return
	}
	if c.Reason != "" {
		t.line("      %s", safe(c.Reason))
	}
	if f.varied && c.Action != diff.Delete {
		t.line("      each has its own content; this is %s's (--full shows all)", safe(f.targets[0]))
	}
	t.details(c)
}

func changeColor(c diff.Change) string {
	switch {
	case c.Action == diff.Delete:
		return red
	case c.Class.Moved():
		return yellow
	default:
		return green
	}
}

func (t *printer) details(c diff.Change) {
	for _, f := range c.Fields {
		if f.Path == "content" && t.content(c) {
			continue
		}
		if f.Path == "content" && (mesh.ConfidentialAttrs(c.Before) || mesh.ConfidentialAttrs(c.After)) {
			t.line("      content: another one; not shown, because not everybody may read the file")
			continue
		}
		t.line("      %s: %s → %s", safe(f.Path), value(f.Before), value(f.After))
	}
	switch {
	case c.Action == diff.Create && c.Addr.Kind == mesh.File:
		if !t.content(c) && c.AfterText != nil {
			t.line("      %d bytes", len(*c.AfterText))
		}
	case c.Action == diff.Create && c.Addr.Kind == mesh.App:
		t.newApp(c)
	case c.Action == diff.Create && c.Addr.IsPath() && c.Addr.Kind != mesh.Directory:
		for _, key := range slices.Sorted(maps.Keys(c.After)) {
			t.line("      %s %s", safe(key), value(c.After[key]))
		}
	case c.Action == diff.Delete && c.Addr.Kind == mesh.File && c.BeforeText != nil:
		t.content(c)
	}
}

// How many lines of a new or deleted file, and of a diff, are shown unless everything is asked for.
const (
	maxWhole = 4
	maxDiff  = 24
)

// content shows how a file's text changes; false when the texts are not known.
func (t *printer) content(c diff.Change) bool {
	d := strings.TrimSuffix(contentDiff(c), "\n")
	if d == "" {
		return false
	}
	ls, limit := strings.Split(d, "\n"), maxDiff
	if c.Before == nil || c.After == nil { // its lines are enough
		ls, limit = ls[1:], maxWhole
	}
	for i, l := range ls {
		if i == limit && len(ls) > limit+2 && !t.o.Full {
			t.line("      … %s more (--full shows them)", count(len(ls)-limit, "line"))
			break
		}
		t.line("      %s", t.paint(lineColor(l), safe(l)))
	}
	return true
}

func lineColor(l string) string {
	switch {
	case strings.HasPrefix(l, "+"):
		return green
	case strings.HasPrefix(l, "-"):
		return red
	default:
		return dim
	}
}

// newApp shows the fields of a new app that people look for first.
func (t *printer) newApp(c diff.Change) {
	for _, f := range []string{"instances", "cpus", "mem", "cmd"} {
		if v, ok := c.After[f]; ok {
			t.line("      %s: %s", f, value(v))
		}
	}
	con, _ := c.After["container"].(map[string]any)
	docker, _ := con["docker"].(map[string]any)
	if image, ok := docker["image"]; ok {
		t.line("      image: %s", value(image))
	}
	t.line("      the whole definition: -o json")
}

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
		for _, n := range p.NotCompared {
			t.line("  %s %s: %s", safe(n.Addr.String()), safe(n.Field), safe(n.Reason))
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

func (t *printer) summary(p plan.Plan) {
	s := p.Summary
	if p.Empty {
		if p.Complete && len(p.NotServing) > 0 {
			t.line("%s", t.paint(yellow, fmt.Sprintf("Nothing to change: all %s are as git says, but %s not serve.", count(s.Unchanged, "resource"), doNot(len(p.NotServing)))))
		} else if p.Complete {
			t.line("%s", t.paint(green, fmt.Sprintf("Nothing to do: all %s are as git says.", count(s.Unchanged, "resource"))))
		} else {
			t.line("Nothing to do as far as could be seen: %s as git says.", count(s.Unchanged, "resource"))
		}
		return
	}
	t.line("%s", t.paint(bold, fmt.Sprintf("%d to create, %d to update, %d to delete, %d to release%s; %d unchanged. By class: %s.",
		s.Creates, s.Updates, s.Deletes, s.Releases, ifText(s.Finishes > 0, fmt.Sprintf(", %d to follow to its end", s.Finishes)), s.Unchanged, classes(s))))
}

func doNot(n int) string {
	if n == 1 {
		return "1 service does"
	}
	return fmt.Sprintf("%d services do", n)
}

func classes(s plan.Summary) string {
	var out []string
	for _, c := range []struct {
		n    int
		text string
	}{{s.Pending, "pending (git moved)"}, {s.Drift, "drift (the cluster moved)"}, {s.Both, "both"}, {s.Differs, "differs (no record tells who moved)"}} {
		if c.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", c.n, c.text))
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// next names the command to type.
func (t *printer) next(p plan.Plan) {
	switch {
	case p.Empty || p.Snapshot != "":
	case !p.Applicable:
		t.line("next: see REFUSED above, then meshsync plan%s", t.o.Flags)
	case !t.o.Apply:
		t.line("next: meshsync apply%s", t.o.Flags)
	}
}
