package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// report folds the events of one `go test -json` run. Printing happens while it reads.
type report struct {
	out     io.Writer
	output  map[testID][]string // what a test has printed so far; a package's own under an empty test
	parents map[testID]bool     // tests with subtests, which are not counted themselves
	ended   map[testID]string   // pass, fail or skip
	reasons map[testID]string   // why a test was skipped
	passed  int
	failed  int
	broken  int // packages that did not build, or failed outside of a test
}

func newReport(out io.Writer) *report {
	return &report{
		out: out, output: map[testID][]string{}, parents: map[testID]bool{},
		ended: map[testID]string{}, reasons: map[testID]string{},
	}
}

// read folds the whole stream and counts. A line that is no JSON is printed as it is:
// `go test` writes a few of its own complaints that way.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	events := 0
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil && e.Action != "" {
				events++
				r.add(e)
			} else {
				fmt.Fprintf(r.out, "%s", line)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("read the test events: %w", err)
		}
	}
	if events == 0 {
		return fmt.Errorf("no test event on standard input; it wants the output of go test -json")
	}
	r.count()
	return nil
}

func (r *report) add(e event) {
	id := testID{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "run":
		for p := parent(id); p.test != ""; p = parent(p) {
			r.parents[p] = true
		}
	case "output":
		r.output[id] = append(r.output[id], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e.Package, e.Action)
		} else {
			r.endTest(id, e.Action)
		}
	}
}

func (r *report) endTest(id testID, action string) {
	r.ended[id] = action
	switch action {
	case "fail":
		r.print(id)
	case "skip":
		r.reasons[id] = skipReason(r.output[id])
	}
	delete(r.output, id)
}

// endPackage prints the package's line. Of a package that failed it prints everything
// that is left, since the output of a panic or of a time limit belongs to no ended test.
func (r *report) endPackage(pkg, action string) {
	if action != "fail" {
		for _, line := range r.output[testID{pkg, ""}] {
			if strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "?   \t") {
				fmt.Fprint(r.out, line)
			}
		}
		delete(r.output, testID{pkg, ""})
		return
	}
	byTest := false
	for id, ended := range r.ended {
		byTest = byTest || id.pkg == pkg && ended == "fail"
	}
	if !byTest {
		r.broken++
	}
	for id := range r.output {
		if id.pkg == pkg && id.test != "" {
			r.print(id)
		}
	}
	r.print(testID{pkg, ""})
}

func (r *report) print(id testID) {
	for _, line := range r.output[id] {
		fmt.Fprint(r.out, line)
	}
	delete(r.output, id)
}

// count counts the tests without subtests. A parent that failed while none of its
// subtests did counts, too: otherwise its failure would be seen nowhere.
func (r *report) count() {
	below := map[testID]bool{}
	for id, ended := range r.ended {
		if ended == "fail" {
			for p := parent(id); p.test != ""; p = parent(p) {
				below[p] = true
			}
		}
	}
	for id, ended := range r.ended {
		switch {
		case ended == "fail" && !below[id]:
			r.failed++
		case ended == "pass" && !r.parents[id]:
			r.passed++
		}
	}
}

func parent(id testID) testID {
	i := strings.LastIndexByte(id.test, '/')
	return testID{id.pkg, id.test[:max(i, 0)]}
}

// logged matches what t.Log and t.Skip print: `    file_test.go:12: text`.
var logged = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)`)

// skipReason is the last thing that a skipped test logged: t.Skip logs its reason.
func skipReason(output []string) string {
	for i := len(output) - 1; i >= 0; i-- {
		if m := logged.FindStringSubmatch(output[i]); m != nil && m[1] != "" {
			return strings.TrimSpace(m[1])
		}
	}
	return "no reason given"
}
