//go:build linux

package bed

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An archive is the machine's apt with lists of its own, so that neither a machine that
// never updated its lists nor one that updates them right now matters. The machine's
// settings and sources hold; no registry is named here.
type archive struct {
	dir     string
	sources string // Debian's lines among the machine's sources
}

// openArchive fetches the lists of the machine's sources into dir.
func openArchive(ctx context.Context, dir string) (*archive, error) {
	a := &archive{dir: dir}
	for _, name := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return nil, err
		}
	}
	if _, err := run(a.apt(ctx, "update")); err != nil {
		return nil, err
	}
	out, err := run(a.apt(ctx, "indextargets", "--format",
		"$(ORIGIN)|deb $(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages"))
	if err != nil {
		return nil, err
	}
	lines := debianOf(out)
	if len(lines) == 0 {
		return nil, errors.New("apt has no source of Debian's; apt-get indextargets shows what it has")
	}
	a.sources = strings.Join(lines, "\n") + "\n"
	return a, os.WriteFile(a.file(), []byte(a.sources), 0o644)
}

// debianOf takes the lines of Debian's own archive: a host is made of nothing else,
// whatever the machine has for itself.
func debianOf(targets string) []string {
	var out []string
	for line := range strings.Lines(targets) {
		if source, ok := strings.CutPrefix(strings.TrimSpace(line), "Debian|"); ok {
			out = append(out, source)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (a *archive) file() string { return filepath.Join(a.dir, "sources.list") }

// apt prepares an apt-get with the archive's lists. Its user for downloads may not be able
// to write below the bed's folder, so that root downloads.
func (a *archive) apt(ctx context.Context, args ...string) *program {
	options := []string{
		"-o", "Dir::State::Lists=" + filepath.Join(a.dir, "lists"),
		"-o", "Dir::Cache=" + filepath.Join(a.dir, "cache"),
		"-o", "Acquire::Languages=none",
		"-o", "Acquire::Retries=3",
		"-o", "APT::Sandbox::User=root",
		"-qq",
	}
	if a.sources != "" {
		options = append(options, "-o", "Dir::Etc::SourceList="+a.file(), "-o", "Dir::Etc::SourceParts=-")
	}
	return command(ctx, "apt-get", append(options, args...)...)
}

// download fetches packages, and what they need beyond what the tree root has installed.
func (a *archive) download(ctx context.Context, root string, packages ...string) error {
	_, err := run(a.apt(ctx, append([]string{
		"-o", "Dir::State::Status=" + filepath.Join(root, "var/lib/dpkg/status"),
		"-o", "Dir::State::Extended_States=" + filepath.Join(root, "var/lib/apt/extended_states"),
		"-o", "Debug::NoLocking=true", // the machine's own dpkg is not touched
		"--yes", "--no-install-recommends", "--download-only", "install",
	}, packages...)...))
	return err
}
