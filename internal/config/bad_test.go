package config

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestBadRepositories holds the errors of bad repositories to their golden texts. An
// archive's files replace or add to the example's; UPDATE=1 rewrites what is wanted.
func TestBadRepositories(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join("testdata", "bad", "*.txtar"))
	if err != nil || len(names) < 40 {
		t.Fatalf("%d archives, %v", len(names), err)
	}
	var rules sync.Map
	if flag.Lookup("test.run").Value.String() == "" {
		t.Cleanup(func() { everyRuleWasSeen(t, &rules) })
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			badRepository(t, name, &rules)
		})
	}
}

// badFiles is the example with an archive's files, and what else the archive says.
func badFiles(t *testing.T, a *txtar.Archive) (files map[string][]byte, dir, want string) {
	t.Helper()
	files, dir = maps.Clone(example(t)), "prod"
	for line := range strings.Lines(string(a.Comment)) {
		if m, ok := strings.CutPrefix(line, "mesh: "); ok {
			dir = strings.TrimSpace(m)
		}
	}
	for _, f := range a.Files {
		switch {
		case f.Name == "want":
			want = string(f.Data)
		case string(f.Data) == "DELETE\n":
			delete(files, f.Name)
		default:
			files[f.Name] = f.Data
		}
	}
	return files, dir, want
}

func badRepository(t *testing.T, name string, rules *sync.Map) {
	t.Helper()
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files, dir, want := badFiles(t, a)
	_, err = Load(files, dir)
	var invalid *Errors
	if !errors.As(err, &invalid) {
		t.Fatalf("no error, or another one: %v", err)
	}
	got := err.Error() + "\n"
	plainWords(t, invalid, got)
	for _, e := range invalid.List {
		rules.Store(e.Rule, true)
	}
	if os.Getenv("UPDATE") == "1" {
		kept := slices.DeleteFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
		a.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(name, txtar.Format(a), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("another text than before; UPDATE=1 rewrites it:\n%s", cmp.Diff(want, got))
	}
}

// jargon are words of the evaluator, of the contract's inside and of shipped files,
// which an operator need not know.
var jargon = regexp.MustCompile(`#[A-Z]\w*Keys|\bout\.|\bover\b|\byield\.|\b_dir|conjunct|disjunction|incomplete|unif|EOF|IDENT|=~|contract|hunter`)

// plainWords holds any error text to what a tired operator can take.
func plainWords(t *testing.T, errs *Errors, text string) {
	t.Helper()
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		hint := strings.HasPrefix(line, "    ")
		if bad := jargon.FindString(line); bad != "" && !strings.Contains(line, "hint: write package") {
			t.Errorf("%q in %q", bad, line)
		}
		if seen[line] && !hint {
			t.Errorf("twice: %q", line)
		}
		seen[line] = true
	}
	for i, e := range errs.List {
		if e.Rule == "" || e.Rule == "internal" || e.Msg == "" || !e.Pos.IsZero() && !users(e.Pos) {
			t.Errorf("%+v", e)
		}
		if i > 0 && before(e.Pos, errs.List[i-1].Pos) && e.Pos.File == errs.List[i-1].Pos.File {
			t.Errorf("not sorted: %v after %v", e.Pos, errs.List[i-1].Pos)
		}
	}
}

// everyRuleWasSeen reads the rules out of the package's source.
func everyRuleWasSeen(t *testing.T, seen *sync.Map) {
	t.Helper()
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range rule.FindAllStringSubmatch(string(text), -1) {
			if _, ok := seen.Load(m[1]); !ok && m[1] != "internal" && m[1] != "too-large" {
				t.Errorf("%s: no bad repository for the rule %q", name, m[1])
			}
		}
	}
}

var rule = regexp.MustCompile(`\bRule(?:: *|(?:, \w+\.\w+)? = )"([a-z-]+)"`)

func TestTooLarge(t *testing.T) {
	t.Parallel()
	files := maps.Clone(example(t))
	files["prod/big.cue"] = []byte("package prod\n//" + strings.Repeat("x", maxFileSize))
	if _, err := Load(files, "prod"); err == nil || err.Error() != "prod/big.cue:1: the file has 4194319 bytes, and at most 4194304 are read\n1 error" {
		t.Error(err)
	}
	delete(files, "prod/big.cue")
	for i := range maxFiles {
		files[fmt.Sprintf("x%d.cue", i)] = nil
	}
	if _, err := Load(files, "prod"); err == nil || !strings.HasPrefix(err.Error(), "the module has 500") {
		t.Error(err)
	}
}
