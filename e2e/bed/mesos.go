//go:build linux

package bed

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// MesosVersion is the version of the stand-in for Mesos that every host can install and
// that the services' hosts have.
const MesosVersion = "1.11.0-1"

// A Mesos is a stand-in Debian package for Mesos, for which Debian has none: the places it
// reads, its units and its answers are the real ones', the cluster behind them is not.
type Mesos struct {
	// Version is Debian's, with a revision; what comes before the revision is what the
	// processes say of themselves.
	Version string
	// Postinst is run by sh at the end of the package's postinst. With "exit 1" the package
	// is unpacked and stays half-configured.
	Postinst string
}

// mesosFiles is the package but for its program: folder by folder what lies where.
//
//go:embed all:mesos
var mesosFiles embed.FS

// mesosRecipe is what decides the package's content beside the program.
func mesosRecipe() string {
	out := MesosVersion
	_ = fs.WalkDir(mesosFiles, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			text, _ := mesosFiles.ReadFile(name) // what is embedded can be read
			out += "\n" + name + "\n" + string(text)
		}
		return err
	})
	return out
}

// buildStandin builds the program of the package, static, since no host has a compiler's
// libraries. The same source makes the same bytes.
func buildStandin(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, standinFile)
	cmd := command(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=",
		"-o", program, "meshsync.dev/meshsync/e2e/standin")
	cmd.Env = append(cmd.Env, "CGO_ENABLED=0", "GOFLAGS=")
	_, err := run(cmd)
	return program, err
}

// build makes the package file in dir and returns its name.
func (m Mesos) build(ctx context.Context, program, dir string) (file string, err error) {
	upstream, _, _ := strings.Cut(m.Version, "-")
	temp, err := os.MkdirTemp(dir, ".build-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if err := os.Chmod(temp, 0o755); err != nil { // it becomes the package's root folder
		return "", err
	}
	architecture, err := run(command(ctx, "dpkg", "--print-architecture"))
	if err != nil {
		return "", err
	}
	fill := strings.NewReplacer("@VERSION@", m.Version, "@UPSTREAM@", upstream,
		"@ARCHITECTURE@", strings.TrimSpace(architecture), "@POSTINST@", m.Postinst)
	if err := m.lay(temp, fill); err != nil {
		return "", err
	}
	master, agent := filepath.Join(temp, "usr/sbin/mesos-master"), filepath.Join(temp, "usr/sbin/mesos-agent")
	if err := os.MkdirAll(filepath.Dir(master), 0o755); err != nil {
		return "", err
	}
	if err := copyFile(master, program, 0o755); err != nil {
		return "", err
	}
	if err := os.Link(master, agent); err != nil {
		return "", err
	}
	if err := os.Symlink("mesos-agent", filepath.Join(temp, "usr/sbin/mesos-slave")); err != nil {
		return "", err
	}
	file = filepath.Join(dir, "mesos_"+m.Version+".deb")
	// Not compressed: it is read from this disk, once or twice.
	_, err = run(command(ctx, "dpkg-deb", "--root-owner-group", "-Znone", "--build", temp, file))
	return file, err
}

// lay writes the package's text files. A script says in its first line that it is one.
func (m Mesos) lay(dir string, fill *strings.Replacer) error {
	return fs.WalkDir(mesosFiles, "mesos", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, strings.TrimPrefix(name, "mesos"))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		text, err := mesosFiles.ReadFile(name)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(string(text), "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(to, []byte(fill.Replace(string(text))), mode); err != nil {
			return fmt.Errorf("package mesos %s: %w", m.Version, err)
		}
		return os.Chmod(to, mode)
	})
}
