package primitive

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// FuzzNamesAndValuesAreData runs what each kind says to the shell with functions that only
// print their arguments: a name and a value come out as they went in, or they were code.
func FuzzNamesAndValuesAreData(f *testing.F) {
	for _, s := range []string{
		`a b`, `it's`, `"q"`, `$(touch canary)`, "`touch canary`", `;touch canary;`, `$HOME`, `-rf`, `*`, `?[a]`, `\`, `\n`,
		`%s%n`, `!x`, `#x`, `~`, `ä`, `a\'b`, `'"'"'`, ` lead`, `trail `, `${R}`, `&`, `|x`, `>x`, "tab\there", "\x01",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "\x00") || len(s) > 4096 {
			t.Skip("no argument of a program can be that")
		}
		for _, p := range All() {
			attrs := mesh.Tree{}
			for _, key := range []string{"value", "names", "sha256", "strip", "to", "url", "gid", "uid", "group", "groups", "home", "shell", "version", "hold", "test", "run"} {
				attrs[key] = s
			}
			var lines []string
			switch {
			case p.Recorded != nil:
				lines = []string{p.Recorded.Write(attrs)}
			case p.Named != nil && p.Named.Write != nil:
				lines = []string{p.Named.Write(word(s), attrs), p.Named.Now(word(s))}
			case p.Path != nil:
				lines = []string{p.Path.Write(word(s), func(string) string { return word(s) }, Content{Validate: s})}
			}
			for _, line := range lines {
				dataOnly(t, p, line, s)
			}
		}
	})
}

// dataOnly runs one command list with stand-ins for its functions, in a folder of its own.
func dataOnly(t *testing.T, p Primitive, line, s string) {
	t.Helper()
	if !strings.HasPrefix(line, "ms_") {
		return
	}
	function := regexp.MustCompile(`^ms_\w+`).FindString(line)
	dir := t.TempDir()
	cmd := exec.Command("/bin/sh", "-c", function+"() { for x do printf '<%s>' \"$x\"; done; }; "+line)
	cmd.Dir, cmd.Env = dir, []string{"PATH="}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %s: %v: %s", p.Kind, line, err, out)
	}
	want := s
	if p.Field == "sysctls" {
		want = sysctlPath(s)
	}
	if !strings.Contains(string(out), "<"+want+">") {
		t.Errorf("%s: %q came out as %s", p.Kind, s, out)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("%s: %q made %q", p.Kind, s, left)
	}
}
