// Package internal_test holds the shape of the program: which package may know which,
// what the pure core may not do, and which library stands behind which door. It asks the
// go command for the imports, so it needs no tool; docs/ARCHITECTURE.md tells the reasons
// at length. When it fails, the message says why the rule is there. To change a rule is to
// change the architecture: change the picture there in the same commit.
package internal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "meshsync.dev/meshsync"

// picture is the whole graph of this module: for each package, what it may import of the
// others. A package that stands in no row is an error, so that a new one gets its place.
// A row that ends in /... stands for everything below it.
func picture() map[string][]string {
	pure := func(more ...string) []string { return append(more, "internal/mesh", "internal/secret") }
	return map[string][]string{
		".":                            {}, // embeds the example
		"schema":                       {}, // embeds the contract and the roles
		"schema/...":                   {},
		"internal/secret":              {},
		"internal/mesh":                {"internal/secret"},
		"internal/diff":                pure("internal/primitive"),
		"internal/primitive":           pure(),
		"internal/health":              pure(),
		"internal/plan":                pure("internal/diff", "internal/health", "internal/primitive"),
		"internal/route":               pure(),
		"internal/doctor":              pure(),
		"internal/status":              pure("internal/health", "internal/plan"),
		"internal/repo":                pure(),
		"internal/unseal":              pure(),
		"internal/config":              pure("internal/health", "internal/marathon/rules", "internal/primitive", "schema"), // which checks and kinds there are
		"internal/config/configtest":   pure("internal/config", "schema"),
		"internal/recorded":            {}, // for tests
		"internal/remote":              pure(),
		"internal/observe":             pure(),
		"internal/marathon/definition": pure("internal/diff", "internal/marathon/rules", "internal/plan"), // what an app of Deimos means today
		"internal/marathon/rules":      pure(),
		"internal/marathon":            pure("internal/diff", "internal/plan", "internal/marathon/definition"),
		"internal/haproxy":             pure("internal/route"),
		"internal/host":                pure("internal/diff", "internal/doctor", "internal/plan", "internal/primitive", "internal/remote"),
		"internal/apply":               pure("internal/diff", "internal/health", "internal/plan"),
		"internal/render":              pure("internal/apply", "internal/config", "internal/diff", "internal/doctor", "internal/health", "internal/plan", "internal/status"),
		// The sandbox is the real thing's stand-in: were it to share code with what is
		// tested against it, both would be wrong in the same way.
		"internal/sandbox":     {"internal/sandbox/..."},
		"internal/sandbox/...": {"internal/sandbox/..."},
		"cmd/meshsync":         {".", "schema", "internal/..."},
		"bench/...":            {"e2e/bed"},
		// The bed of real hosts is the other thing to test against, and as strange to the
		// program as they are. Its packages are for tests, which may know both.
		"e2e/...": {"e2e/..."},
	}
}

// core lists the packages that are functions of their arguments: the same repository and
// the same observations give the same plan on every machine, tables and fuzzing test them.
func core() []string {
	return []string{
		"internal/secret", "internal/mesh", "internal/primitive", "internal/diff", "internal/plan",
		"internal/health", "internal/route", "internal/doctor", "internal/status", "internal/marathon/definition", "internal/marathon/rules",
	}
}

// impure lists what the core may not import, beside everything that is not of the
// standard library. A row that ends in / stands for what is below it.
func impure() []string {
	return []string{
		"os", "os/", "io/ioutil", "path/filepath", "net", "net/http", "net/http/", "net/rpc", "math/rand", "math/rand/",
		"crypto/rand", "syscall", "runtime", "runtime/", "unsafe", "plugin", "log", "testing", "C",
	}
}

// clock lists what of package time depends on when it is called.
func clock() []string {
	return []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
}

// A door is a library and the only packages that may import it.
type door struct {
	library string // an import path; what is below it is meant, too
	keepers []string
	why     string
}

func doors() []door {
	return []door{
		{"github.com/go-git", []string{"internal/repo", "bench/prescribed"}, "git is read in one place"},
		{"github.com/ProtonMail/go-crypto", []string{"internal/config"}, "keys are verified where a repository is read"},
		{"cuelang.org/go", []string{"internal/config", "internal/config/...", "bench/prescribed"}, "the rest of the program knows values, not CUE"},
		{"golang.org/x/crypto/ssh", []string{"internal/remote", "internal/sandbox", "internal/sandbox/...", "bench/floor", "bench/prescribed"}, "host keys, bounds and outcomes are handled in one place"},
		{"github.com/skeema/knownhosts", []string{"internal/remote"}, "host keys are checked in one place"},
		{"github.com/kevinburke/ssh_config", []string{"internal/remote"}, "ssh_config is read in one place"},
		{"github.com/gliderlabs/ssh", []string{"internal/sandbox", "internal/sandbox/..."}, "only the sandbox serves SSH"},
		{"github.com/sergi/go-diff", []string{"internal/render", "bench/prescribed"}, "a text diff is a rendering"},
		{"github.com/spf13", []string{"cmd/meshsync"}, "only the command line knows flags"},
		{"net/http", []string{"internal/marathon", "internal/sandbox", "internal/sandbox/...", "cmd/meshsync", "e2e/standin", "bench/floor", "bench/run"}, "the only server that meshsync talks HTTP to is a Marathon"},
		{"filippo.io/age", []string{"internal/unseal"}, "a secret is opened in one place"},
		{"os/exec", []string{"internal/sandbox", "internal/sandbox/...", "cmd/meshsync", "bench/run", "e2e/bed"}, "a plan runs nobody's code"},
	}
}

// A pkg is what is checked of a package, test files left out.
type pkg struct {
	path    string // relative to the module, . for its root
	name    string
	imports []string // import paths as written
	sources []source
}

// A source is one Go file of a package of the core.
type source struct {
	name string
	file *ast.File
}

// violations returns what breaks the rules above, one sentence each.
func violations(pkgs []pkg) []string {
	var out []string
	for _, p := range pkgs {
		out = append(out, namingOf(p)...)
		out = append(out, pictureOf(p)...)
		out = append(out, doorsOf(p)...)
		if slices.Contains(core(), p.path) {
			out = append(out, purityOf(p)...)
		}
	}
	return out
}

func namingOf(p pkg) []string {
	if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "types", "misc", "base", "shared"}, p.name) {
		return []string{fmt.Sprintf("%s: no package is named %s: a name says what is in it, and this one takes anything", p.path, p.name)}
	}
	return nil
}

// within reports whether name is the pattern, or below a pattern that ends in /... .
func within(name, pattern string) bool {
	above, below := strings.CutSuffix(pattern, "/...")
	return name == pattern || below && strings.HasPrefix(name, above+"/")
}

func anyWithin(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return within(name, p) })
}

func pictureOf(p pkg) []string {
	allowed, known := picture()[p.path]
	for pattern, imports := range picture() {
		if !known && within(p.path, pattern) {
			allowed, known = imports, true
		}
	}
	if !known {
		return []string{fmt.Sprintf("%s stands in no row of the picture: decide what it may import, in internal/arch_test.go and docs/ARCHITECTURE.md", p.path)}
	}
	var out []string
	for _, imp := range p.imports {
		inner, ours := strings.CutPrefix(imp+"/", module+"/")
		if !ours {
			continue
		}
		if inner = strings.TrimSuffix(inner, "/"); inner == "" {
			inner = "."
		}
		if !anyWithin(inner, allowed) {
			out = append(out, fmt.Sprintf("%s imports %s, which the picture does not have (allowed: %s): data flows one way, from the repository and the targets to the plan, from the plan to its effects",
				p.path, inner, strings.Join(allowed, ", ")))
		}
	}
	return out
}

func doorsOf(p pkg) []string {
	var out []string
	for _, d := range doors() {
		for _, imp := range p.imports {
			if (imp == d.library || strings.HasPrefix(imp, d.library+"/")) && !anyWithin(p.path, d.keepers) {
				out = append(out, fmt.Sprintf("%s imports %s, which is for %s only: %s", p.path, imp, strings.Join(d.keepers, ", "), d.why))
			}
		}
	}
	return out
}

func purityOf(p pkg) []string {
	const why = "the core is pure, so that a plan can be repeated, saved and tested by tables"
	var out []string
	for _, imp := range p.imports {
		first, _, _ := strings.Cut(imp, "/")
		foreign := strings.Contains(first, ".") && imp != module && !strings.HasPrefix(imp, module+"/")
		denied := slices.ContainsFunc(impure(), func(d string) bool {
			return imp == d || strings.HasSuffix(d, "/") && strings.HasPrefix(imp, d)
		})
		if foreign || denied {
			out = append(out, fmt.Sprintf("%s imports %s: %s", p.path, imp, why))
		}
	}
	for _, s := range p.sources {
		out = append(out, impureCode(s, why)...)
	}
	return out
}

// impureCode finds goroutines and reads of the clock, under whatever name time is imported.
func impureCode(s source, why string) []string {
	timeName := ""
	for _, imp := range s.file.Imports {
		if imp.Path.Value == `"time"` {
			timeName = "time"
			if imp.Name != nil {
				timeName = imp.Name.Name
			}
		}
	}
	var out []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			out = append(out, fmt.Sprintf("%s starts a goroutine: %s", s.name, why))
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && timeName != "" && x.Name == timeName && slices.Contains(clock(), n.Sel.Name) {
				out = append(out, fmt.Sprintf("%s uses time.%s: take the time from the caller; %s", s.name, n.Sel.Name, why))
			}
		}
		return true
	})
	if timeName == "." {
		out = append(out, fmt.Sprintf("%s imports time as . , which hides its uses of the clock: %s", s.name, why))
	}
	return out
}

// maxLines is the length beyond which a file tells that it holds two ideas.
const maxLines = 500

// longFiles lists the files that were longer when the rule came, with the length that
// they may not exceed. It only ever gets shorter.
func longFiles() map[string]int { return map[string]int{} }

// tooLong reports on files by their slash-separated path and number of lines.
func tooLong(lines map[string]int, allowed map[string]int) []string {
	var out []string
	for name, n := range lines {
		limit := max(maxLines, allowed[name])
		if n > limit {
			out = append(out, fmt.Sprintf("%s has %d lines, more than %d: split it by idea, one concept a file", name, n, limit))
		}
	}
	for name := range allowed {
		if lines[name] <= maxLines {
			out = append(out, fmt.Sprintf("%s is no longer too long: take it off the list in internal/arch_test.go", name))
		}
	}
	slices.Sort(out)
	return out
}

func TestImportsAndPurity(t *testing.T) {
	t.Parallel()
	pkgs := load(t)
	if len(pkgs) < 8 {
		t.Fatalf("only %d packages were found, so the rules would hold for nothing", len(pkgs))
	}
	for _, v := range violations(pkgs) {
		t.Error(v)
	}
}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	lines := map[string]int{}
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a test of another package has removed it meanwhile
			}
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		lines[filepath.ToSlash(strings.TrimPrefix(name, ".."+string(filepath.Separator)))] = bytes.Count(text, []byte("\n"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) == 0 {
		t.Fatal("no Go file was found")
	}
	for _, v := range tooLong(lines, longFiles()) {
		t.Error(v)
	}
}

// TestLayout keeps the folders that people and scripts were told about.
func TestLayout(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"cmd/meshsync", "schema", "internal/diff", "internal/apply", "internal/marathon", "example-repo",
		"go.mod", "Makefile", ".ci/run", "README.md", "LICENSE", "docs/ARCHITECTURE.md",
	} {
		if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(name))); err != nil {
			t.Errorf("%s: %v: the top-level layout is part of what the project promises", name, err)
		}
	}
}

// load asks the go command for every package of the module, and parses those of the core.
func load(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Name,Dir,GoFiles,CgoFiles,Imports", "./...")
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list ./...: %v\n%s", err, &stderr)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l struct {
			ImportPath, Name, Dir      string
			GoFiles, CgoFiles, Imports []string
		}
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		if len(l.GoFiles)+len(l.CgoFiles) == 0 {
			continue // tests only
		}
		p := pkg{path: ".", name: l.Name, imports: l.Imports}
		if l.ImportPath != module {
			p.path = strings.TrimPrefix(l.ImportPath, module+"/")
		}
		if slices.Contains(core(), p.path) {
			for _, name := range append(l.GoFiles, l.CgoFiles...) {
				p.sources = append(p.sources, parse(t, path.Join(p.path, name), filepath.Join(l.Dir, name), nil))
			}
		}
		pkgs = append(pkgs, p)
	}
}

// parse reads file, or text when it is not nil.
func parse(t *testing.T, name, file string, text any) source {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{name: name, file: f}
}

// TestTheCheckerCanFail gives the checker a graph that breaks each rule, and one that
// breaks none: a check that cannot fail shows nothing.
func TestTheCheckerCanFail(t *testing.T) {
	t.Parallel()
	code := func(body string) []source {
		return []source{parse(t, "internal/diff/x.go", "x.go", "package diff\n"+body)}
	}
	tests := []struct {
		name string
		pkg  pkg
		want string // empty: nothing is wrong
	}{
		{"an allowed import", pkg{path: "internal/plan", name: "plan", imports: []string{module + "/internal/diff", "strings"}}, ""},
		{"below an allowed folder", pkg{path: "internal/sandbox", name: "sandbox", imports: []string{module + "/internal/sandbox/hostd"}}, ""},
		{"an import against the flow", pkg{path: "internal/diff", name: "diff", imports: []string{module + "/internal/plan"}}, "internal/diff imports internal/plan"},
		{"the sandbox sharing the program's code", pkg{path: "internal/sandbox/marathond", name: "marathond", imports: []string{module + "/internal/marathon/definition"}}, "imports internal/marathon/definition"},
		{"the root package", pkg{path: "internal/config", name: "config", imports: []string{module}}, "internal/config imports ."},
		{"a package without a place", pkg{path: "internal/novel", name: "novel"}, "stands in no row"},
		{"a name that takes anything", pkg{path: "internal/sandbox/util", name: "util"}, "no package is named util"},
		{"a library behind its door", pkg{path: "internal/repo", name: "repo", imports: []string{"github.com/go-git/go-git/v5"}}, ""},
		{"a library at another door", pkg{path: "internal/host", name: "host", imports: []string{"golang.org/x/crypto/ssh/agent"}}, "is for internal/remote, internal/sandbox"},
		{"a sibling of a library", pkg{path: "internal/host", name: "host", imports: []string{"golang.org/x/crypto/sshx"}}, ""},
		{"files in the core", pkg{path: "internal/diff", name: "diff", imports: []string{"os"}}, "imports os: the core is pure"},
		{"the network in the core", pkg{path: "internal/health", name: "health", imports: []string{"net"}}, "imports net: the core is pure"},
		{"addresses are no network", pkg{path: "internal/mesh", name: "mesh", imports: []string{"net/netip", "net/url"}}, ""},
		{"chance in the core", pkg{path: "internal/plan", name: "plan", imports: []string{"math/rand/v2"}}, "imports math/rand/v2: the core is pure"},
		{"a foreign library in the core", pkg{path: "internal/mesh", name: "mesh", imports: []string{"golang.org/x/sync/errgroup"}}, "imports golang.org/x/sync/errgroup: the core is pure"},
		{"a goroutine in the core", pkg{path: "internal/diff", name: "diff", sources: code("func f() { go f() }")}, "starts a goroutine"},
		{"the clock in the core", pkg{path: "internal/diff", name: "diff", sources: code("import \"time\"\nvar t = time.Now()")}, "uses time.Now"},
		{"the clock under another name", pkg{path: "internal/diff", name: "diff", sources: code("import c \"time\"\nvar f = c.Since")}, "uses time.Since"},
		{"the clock without a name", pkg{path: "internal/diff", name: "diff", sources: code("import . \"time\"\nvar t = Now()")}, "hides its uses"},
		{"time as a value", pkg{path: "internal/diff", name: "diff", sources: code("import \"time\"\nvar d = 2 * time.Second")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := violations([]pkg{tt.pkg})
			switch {
			case tt.want == "" && len(got) > 0:
				t.Errorf("nothing is wrong, got %q", got)
			case tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)):
				t.Errorf("got %q, want one that says %s", got, strconv.Quote(tt.want))
			}
		})
	}
	long := tooLong(map[string]int{"a.go": maxLines, "b.go": maxLines + 1, "c.go": 600, "d.go": 601, "e.go": 9},
		map[string]int{"c.go": 600, "d.go": 600, "e.go": 600})
	if len(long) != 3 {
		t.Errorf("want complaints about b.go, d.go and the stale e.go, got %q", long)
	}
}
