package repo

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var at = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// example is a repository with the module infra/ in it and two commits.
func example(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "README", "x")
	put(t, dir, "infra/cue.mod/module.cue", `module: "example.com/infra"`)
	put(t, dir, "infra/prod/mesh.cue", "package prod\nv: 1\n")
	put(t, dir, "infra/prod/notes.txt", "no CUE")
	if err := Init(dir, "first", at); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "infra/prod/mesh.cue", "package prod\nv: 2\n")
	if err := CommitAll(dir, "second\n\nwith a body", at.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string) *Repo {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func runGit(t *testing.T, dir string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// reads checks that the mesh is found and that its text is the second commit's.
func reads(t *testing.T, start, dir string) Tree {
	t.Helper()
	tree, err := open(t, start).At("HEAD", dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(tree.Files["prod/mesh.cue"]); got != "package prod\nv: 2\n" || tree.Module != "infra" || len(tree.Files) != 2 {
		t.Fatalf("module %s, files %v, text %q", tree.Module, len(tree.Files), got)
	}
	return tree
}

func TestACommitIsReadFromAnywhereInItsRepository(t *testing.T) {
	t.Parallel()
	dir := example(t)
	for sub, want := range map[string]string{"": ".", "infra": ".", "infra/prod": "prod"} {
		if tree := reads(t, filepath.Join(dir, sub), filepath.Join(dir, sub)); tree.Dir != want {
			t.Errorf("%s: dir %s, want %s", sub, tree.Dir, want)
		}
	}
	tree := reads(t, dir, filepath.Join(dir, "infra/prod"))
	if s := tree.Source; s.Subject != "second" || s.Ref != "main" || len(s.Commit) != 40 || s.Time != "2026-01-01T01:00:00Z" || s.Dirty || s.Shallow {
		t.Errorf("%+v", s)
	}
	old, err := open(t, dir).At("HEAD~1", filepath.Join(dir, "infra"))
	if err != nil || string(old.Files["prod/mesh.cue"]) != "package prod\nv: 1\n" {
		t.Errorf("%v %s", err, old.Files["prod/mesh.cue"])
	}
}

func TestOtherKindsOfRepositories(t *testing.T) {
	t.Parallel()
	dir := example(t)
	bare, shallow, linked := filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "s"), filepath.Join(t.TempDir(), "l")
	runGit(t, dir, "clone", "-q", "--bare", dir, bare)
	runGit(t, dir, "clone", "-q", "--depth", "1", "file://"+dir, shallow)
	runGit(t, dir, "worktree", "add", "-q", "--detach", linked)
	reads(t, bare, filepath.Join(bare, "infra/prod"))
	if tree := reads(t, shallow, shallow); !tree.Source.Shallow {
		t.Error("a shallow clone is not said to be one")
	}
	if tree := reads(t, linked, linked); tree.Source.Ref != "" {
		t.Errorf("a detached HEAD has the branch %q", tree.Source.Ref)
	}
	runGit(t, dir, "gc", "-q")
	reads(t, dir, dir)
}

func TestWhatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	sha256 := t.TempDir()
	runGit(t, sha256, "init", "-q", "--object-format=sha256")
	if _, err := Open(sha256); err == nil || !strings.Contains(err.Error(), "SHA-256 repository") {
		t.Errorf("%v", err)
	}
	dir := example(t)
	partial := filepath.Join(t.TempDir(), "p")
	runGit(t, dir, "config", "uploadpack.allowFilter", "true")
	runGit(t, dir, "clone", "-q", "--no-checkout", "--filter=blob:none", "file://"+dir, partial)
	if _, err := open(t, partial).At("HEAD", partial); err == nil || !strings.Contains(err.Error(), "partial clone") {
		t.Errorf("%v", err)
	}
	if _, err := open(t, dir).At("nowhere", dir); err == nil || !strings.Contains(err.Error(), `there is no revision "nowhere"`) {
		t.Errorf("%v", err)
	}
	empty := t.TempDir()
	runGit(t, empty, "init", "-q")
	if _, err := open(t, empty).At("HEAD", empty); err == nil || !strings.Contains(err.Error(), "has no commit yet") {
		t.Errorf("%v", err)
	}
	none := t.TempDir()
	if _, err := open(t, none).At("HEAD", none); !errors.Is(err, ErrNoRepository) {
		t.Errorf("%v", err)
	}
}

func TestLinksAndSubmodulesInTheModuleAreRefused(t *testing.T) {
	t.Parallel()
	dir := example(t)
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "outside")); err != nil {
		t.Fatal(err)
	}
	if err := CommitAll(dir, "a link elsewhere", at); err != nil {
		t.Fatal(err)
	}
	reads(t, dir, dir)
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "infra/prod/secret.cue")); err != nil {
		t.Fatal(err)
	}
	if err := CommitAll(dir, "a link in the module", at); err != nil {
		t.Fatal(err)
	}
	for _, read := range []func(*Repo) (Tree, error){
		func(r *Repo) (Tree, error) { return r.At("HEAD", dir) },
		func(r *Repo) (Tree, error) { return r.Worktree(dir) },
	} {
		if _, err := read(open(t, dir)); err == nil || !strings.Contains(err.Error(), "prod/secret.cue is a symbolic link") {
			t.Errorf("%v", err)
		}
	}
}

func TestTheWorkTreeIsReadWhenAskedFor(t *testing.T) {
	t.Parallel()
	dir := example(t)
	put(t, dir, "infra/prod/mesh.cue", "package prod\nv: 3\n")
	put(t, dir, "infra/prod/new.cue", "package prod\n")
	tree, err := open(t, dir).At("HEAD", dir)
	if err != nil || !tree.Source.Dirty || strings.Join(tree.DirtyFiles, " ") != "prod/mesh.cue prod/new.cue" {
		t.Errorf("%v %+v %v", err, tree.Source, tree.DirtyFiles)
	}
	tree, err = open(t, dir).Worktree(filepath.Join(dir, "infra/prod"))
	if err != nil || string(tree.Files["prod/mesh.cue"]) != "package prod\nv: 3\n" || tree.Dir != "prod" || !tree.Source.Worktree || tree.Source.Commit == "" {
		t.Errorf("%v %+v", err, tree)
	}
}

func TestAncestry(t *testing.T) {
	t.Parallel()
	dir := example(t)
	r := open(t, dir)
	second, err := r.At("HEAD", dir)
	if err != nil {
		t.Fatal(err)
	}
	first, err := r.At("HEAD~1", dir)
	if err != nil {
		t.Fatal(err)
	}
	runGit(t, dir, "checkout", "-q", "-b", "side", "HEAD~1")
	runGit(t, dir, "commit", "-q", "--allow-empty", "-m", "side")
	side, err := open(t, dir).At("HEAD", dir)
	if err != nil {
		t.Fatal(err)
	}
	shallow := filepath.Join(t.TempDir(), "s")
	runGit(t, dir, "clone", "-q", "--depth", "1", "-b", "main", "file://"+dir, shallow)
	for _, x := range []struct {
		repo        string
		before, now string
		want        Relation
	}{
		{dir, first.Source.Commit, first.Source.Commit, Same},
		{dir, first.Source.Commit, second.Source.Commit, Ahead},
		{dir, second.Source.Commit, first.Source.Commit, Behind},
		{dir, second.Source.Commit, side.Source.Commit, Diverged},
		{dir, strings.Repeat("0", 40), second.Source.Commit, Unknown},
		{shallow, first.Source.Commit, second.Source.Commit, Unknown},
	} {
		if got, err := open(t, x.repo).Ancestry(x.before, x.now); err != nil || got != x.want {
			t.Errorf("%.7s → %.7s: %s %v, want %s", x.before, x.now, got, err, x.want)
		}
	}
}
