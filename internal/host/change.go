package host

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// functions are the shell functions of the kinds that the batch changes, each once, behind
// what every batch begins with.
func (b *batch) functions() string {
	var s strings.Builder
	for _, p := range primitive.All() {
		if p.Named != nil {
			s.WriteString(p.Named.Begin)
		}
	}
	if slices.ContainsFunc(b.work.Changes, func(c diff.Change) bool { return c.Recursive }) {
		s.WriteString(treeFunctions)
	}
	used := map[mesh.Kind]bool{}
	for _, c := range b.work.Changes {
		used[c.Addr.Kind] = true
	}
	for _, p := range primitive.All() {
		switch {
		case p.Path != nil && used[p.Kind]:
			s.WriteString(p.Path.Functions)
		case p.Named != nil && used[p.Kind]:
			s.WriteString(p.Named.Functions)
		case p.Recorded != nil && used[p.Kind]:
			s.WriteString(p.Recorded.Functions)
		}
	}
	return s.String()
}

// changes writes the code of all changes but those of services, whose steps come later.
// The changes of a kind that are made in one go are checked one by one, made, and looked
// at one by one.
func (b *batch) changes(s *strings.Builder) {
	groups := map[string][]int{}
	b.beforePackages(s)
	for i, c := range b.work.Changes {
		if c.Addr.Kind == mesh.Service {
			continue
		}
		if !c.Addr.IsPath() {
			s.WriteString("ms_out\n")
		}
		fmt.Fprintf(s, "printf '%%s start %d\\n' \"$T\"\n", i)
		together := togetherBy(c)
		if together == "" {
			s.WriteString(b.change(i, c) + "\n")
			continue
		}
		fmt.Fprintf(s, "G%d=''; %s; if ms_check %d %s; then %s; G%d=1; else E%d=%s; fi\n",
			i, now(c), i, quote(expected(c)), b.write(c), i, i, quote(b.record.changes[i].old))
		groups[together] = append(groups[together], i)
		if i+1 == len(b.work.Changes) || togetherBy(b.work.Changes[i+1]) != together {
			b.finishTogether(s, together, groups[together])
		}
	}
}

// beforePackages looks at paths before packages bring files of their own to them: where it was
// as planned then, what a package brought there since may be overwritten.
func (b *batch) beforePackages(s *strings.Builder) {
	if !changesPackages(b.work.Changes) {
		return
	}
	s.WriteString(broughtPart)
	b.early = map[int]bool{}
	for i, c := range b.work.Changes {
		if c.Addr.IsPath() && c.Action != diff.Release {
			b.early[i] = true
			fmt.Fprintf(s, "P%d=''; %s; if [ \"$N\" = %s ]; then P%d=1; fi\n", i, now(c), quote(expected(c)), i)
		}
	}
}

// broughtPart tells whether what is at a path now is the packages' doing: it is the file of one, or
// nothing was there before. Whatever else changed while they were installed somebody else changed.
const broughtPart = `ms_brought() { [ "$N" != "$2" ] && { [ "$2" = absent ] || dpkg -S -- "$1" >/dev/null 2>&1; }; }
`

// togetherBy is the shell function that makes a change together with others of its kind;
// "" for one that is made by itself, or that changes nothing.
func togetherBy(c diff.Change) string {
	p, _ := primitive.Of(c.Addr.Kind)
	switch {
	case p.Named == nil || c.Action == diff.Release:
		return ""
	case c.After == nil:
		return p.Named.TogetherGone
	default:
		return p.Named.Together
	}
}

// finishTogether makes the changes that were noted, and tells of each what became of it. A
// change that came to be is done, even where another one of them failed.
func (b *batch) finishTogether(s *strings.Builder, together string, group []int) {
	var noted []string
	for _, i := range group {
		noted = append(noted, fmt.Sprintf("$G%d", i))
	}
	before, behind, remark := "", "", ""
	if b.work.Changes[group[0]].Addr.Kind == mesh.Package {
		before, behind = b.cameAlong()
		remark = ` "$X"; X=`
	}
	fmt.Fprintf(s, "%sY=''; if [ -n \"%s\" ]; then %s || Y=$W; fi\n%s", before, strings.Join(noted, ""), together, behind)
	for _, i := range group {
		c := b.work.Changes[i]
		after := "absent"
		if c.After != nil {
			p, _ := primitive.Of(c.Addr.Kind)
			after = glob(p.Named.Expected(c.After))
		}
		fmt.Fprintf(s, "if [ -n \"$G%[1]d\" ]; then %[2]s; case $N in %[3]s) E%[1]d=%[4]s; ms_done %[1]d%[5]s;; *) ms_fail %[1]d \"${Y:-it is $N now}\"; %[6]s;; esac; fi\n",
			i, now(c), after, quote(b.record.changes[i].holds), remark, b.undone(i))
	}
}

// glob is a pattern for a case of the shell: a version may be declared as one, all other
// characters stand for themselves.
func glob(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r == '*' || r == '?' {
			out.WriteRune(r)
		} else {
			out.WriteString(quote(string(r)))
		}
	}
	return out.String()
}

// change is the shell code of one change: the check, the write, the report, and which
// form its entry in the record takes.
func (b *batch) change(i int, c diff.Change) string {
	n := strconv.Itoa(i)
	entry := b.record.changes[i]
	ok := fmt.Sprintf("E%s=%s; ms_done %s", n, quote(entry.holds), n)
	if c.Action == diff.Release {
		return ok
	}
	if mesh.SecretContent(c.Before["content"]) && c.Secret == nil {
		ok += "; ms_unnote " + rooted(c.Addr.Name)
	}
	conflict := fmt.Sprintf("E%s=%s", n, quote(entry.old))
	check := fmt.Sprintf("ms_check %s %s", n, quote(expected(c)))
	if b.early[i] && !strings.ContainsAny(c.Addr.Name, `*?[\`) { // dpkg would take such a path for a pattern
		check = fmt.Sprintf("{ [ -n \"$P%s\" ] && ms_brought %s %s; } || %s", n, quote(c.Addr.Name), quote(expected(c)), check)
	}
	return fmt.Sprintf("%s; if %s; then if %s; then %s; else ms_fail %s \"$W\"; %[1]s; %[7]s; fi; else %[6]s; fi",
		now(c), check, b.write(c), ok, n, conflict, b.undone(i))
}

// undone is the shell code that, where a failed change left everything as it was (N says
// how it is), puts back the entry that was there: nothing is intended any more, and what
// somebody else then makes under that name is not taken for the change's.
func (b *batch) undone(i int) string {
	return fmt.Sprintf("if [ \"$N\" = %[1]s ]; then E%[2]d=%[3]s; printf '%%s undone %[2]d\\n' \"$T\"; fi",
		quote(expected(b.work.Changes[i])), i, quote(b.record.changes[i].old))
}

// now is the shell code that puts into N how the subject of a change is.
func now(c diff.Change) string {
	p, _ := primitive.Of(c.Addr.Kind)
	switch {
	case p.Named != nil:
		return p.Named.Now(quote(c.Addr.Name))
	case p.Recorded != nil:
		return "N=absent"
	case c.Recursive:
		return "ms_now_tree " + rooted(c.Addr.Name)
	default:
		return "ms_now " + rooted(c.Addr.Name)
	}
}

// nowFunction is the shell function ms_now PATH, which puts what is there into N.
func nowFunction() string {
	var s strings.Builder
	s.WriteString("ms_now() {\n  if ")
	for _, p := range primitive.All() {
		if p.Path != nil && p.Path.Now != "" {
			s.WriteString(p.Path.Now + "; then return 0\n  elif ")
		}
	}
	s.WriteString("[ -e \"$1\" ] || [ -L \"$1\" ]; then N=other\n  else N=absent; fi\n}\n")
	return s.String()
}

// expected is what N must be before the change.
func expected(c diff.Change) string {
	if c.Before == nil {
		return "absent"
	}
	kind := c.BeforeKind()
	p, _ := primitive.Of(kind)
	switch {
	case p.Named != nil && p.Named.Expected != nil:
		return p.Named.Expected(c.Before)
	case p.Path == nil:
		return "" // a service: its steps do the work
	}
	return string(kind) + " " + p.Path.Expected(c.Before)
}

// write is the shell command that brings a resource to its desired state.
func (b *batch) write(c diff.Change) string {
	p, _ := primitive.Of(c.Addr.Kind)
	switch {
	case p.Named != nil && c.After == nil:
		return p.Named.Remove(quote(c.Addr.Name))
	case p.Named != nil:
		return p.Named.Write(quote(c.Addr.Name), c.After)
	case p.Recorded != nil:
		return p.Recorded.Write(c.After)
	}
	path, place := rooted(c.Addr.Name), b.content(c)
	if c.Recursive {
		return "ms_gone_all " + path
	}
	if c.After == nil {
		return "ms_gone " + path + " '" + place.Old + "'"
	}
	return p.Path.Write(path, func(key string) string { s, _ := c.After[key].(string); return quote(s) }, place)
}

// content is what the write of a change needs to know beside the attributes. What a file
// held is kept, unless it stays, or is or was a secret.
func (b *batch) content(c diff.Change) primitive.Content {
	s := b.slices[c.Addr.Name]
	out := primitive.Content{Offset: s.off, Size: s.size, Validate: c.Validate, Confidential: mesh.ConfidentialAttrs(c.After)}
	if c.Before["content"] != nil && c.Secret == nil && !mesh.SecretContent(c.Before["content"]) && c.Before["content"] != c.After["content"] {
		out.Old = oldName(c.Addr)
	}
	return out
}

// oldName is what the old contents of a file are kept as.
func oldName(a mesh.Address) string {
	return strings.TrimPrefix(mesh.DigestBytes([]byte(a.Name)), "sha256:")
}

// workOrder is the order in which the changes of a batch are made: what others need
// first, deletions last and deepest first.
func workOrder(a, b diff.Change) int {
	switch da, db := a.After == nil, b.After == nil; {
	case da != db && da:
		return 1
	case da != db:
		return -1
	case da:
		return primitive.Order(b.Addr, a.Addr)
	default:
		return primitive.Order(a.Addr, b.Addr)
	}
}

func inWorkOrder(changes []diff.Change) []diff.Change {
	out := slices.Clone(changes)
	slices.SortStableFunc(out, workOrder)
	return out
}
