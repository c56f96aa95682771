package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// module is what an import path begins with; the list of allowed skips leaves it out.
const module = "meshsync.dev/meshsync/"

// allowance is one line of the list: a test, with everything below it, that may be skipped.
type allowance struct {
	name   string // internal/marathon.TestRealServer
	reason string
	used   bool
}

func readAllowed(file string) ([]*allowance, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the list of allowed skips: %w", err)
	}
	return parseAllowed(bytes.NewReader(text), file)
}

// parseAllowed reads lines of `PACKAGE.TEST reason`; # begins a comment line. A line
// without a reason is an error: the list is only worth something with reasons.
func parseAllowed(in io.Reader, file string) ([]*allowance, error) {
	var all []*allowance
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, _ := strings.Cut(line, " ")
		if reason = strings.TrimSpace(reason); reason == "" {
			return nil, fmt.Errorf("%s:%d: %s has no reason; write `PACKAGE.TEST reason`", file, n, name)
		}
		all = append(all, &allowance{name: name, reason: reason})
	}
	return all, lines.Err()
}

func (a *allowance) covers(name string) bool {
	rest, ok := strings.CutPrefix(name, a.name)
	return ok && (rest == "" || rest[0] == '/')
}

// summary prints the skips by reason and the counts, and returns how many skips the list
// does not allow; with strict it names those.
func (r *report) summary(allowed []*allowance, strict bool) (refused int) {
	byReason := map[string][]string{}
	for id, reason := range r.reasons {
		byReason[reason] = append(byReason[reason], strings.TrimPrefix(id.pkg, module)+"."+id.test)
	}
	fmt.Fprint(r.out, "\nskips by reason:")
	if len(byReason) == 0 {
		fmt.Fprint(r.out, " none")
	}
	fmt.Fprintln(r.out)
	for _, reason := range slices.SortedFunc(maps.Keys(byReason), func(a, b string) int {
		return cmp.Or(len(byReason[b])-len(byReason[a]), cmp.Compare(a, b))
	}) {
		fmt.Fprintf(r.out, "%5d  %s\n", len(byReason[reason]), reason)
	}
	if strict {
		refused = r.refuse(byReason, allowed)
	}
	if r.broken > 0 {
		fmt.Fprintf(r.out, "%d packages did not build, or failed outside of a test\n", r.broken)
	}
	fmt.Fprintf(r.out, "tests: %d passed, %d failed, %d skipped\n", r.passed, r.failed+r.broken, len(r.reasons))
	return refused
}

func (r *report) refuse(byReason map[string][]string, allowed []*allowance) (refused int) {
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		for _, name := range slices.Sorted(slices.Values(byReason[reason])) {
			i := slices.IndexFunc(allowed, func(a *allowance) bool { return a.covers(name) })
			if i >= 0 {
				allowed[i].used = true
				continue
			}
			refused++
			fmt.Fprintf(r.out, "not allowed to be skipped here: %s: %s\n", name, reason)
		}
	}
	for _, a := range allowed {
		if !a.used {
			fmt.Fprintf(r.out, "allowed to be skipped, but was not: %s (%s)\n", a.name, a.reason)
		}
	}
	return refused
}
