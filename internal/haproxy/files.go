package haproxy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// fileMode lets everybody read the files: there is nothing secret in them, and HAProxy may check them as its own user.
const fileMode = 0o644

// mapFile is where the names are, beside the backends: x.map of x.cfg.
func (i *Installer) mapFile() string { return MapFile(i.o.File) }

// MapFile is the file of names that goes with a file of backends.
func MapFile(file string) string { return strings.TrimSuffix(file, ".cfg") + ".map" }

// has reports whether a file holds just that.
func (i *Installer) has(file, text string) bool {
	data, err := os.ReadFile(file)
	return err == nil && string(data) == text
}

// The note that a reload is due lies beside the file from before the write until after the reload: a run that ends
// between the two leaves it, and the next one reloads.
func (i *Installer) dueFile() string { return i.o.File + ".reload-due" }

func (i *Installer) isDue() bool {
	_, err := os.Stat(i.dueFile())
	return err == nil
}

func (i *Installer) markDue() error {
	if i.isDue() {
		return nil
	}
	return replace(i.dueFile(), "")
}

func (i *Installer) unmarkDue() error {
	if err := os.Remove(i.dueFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func replace(file, text string) error {
	return renameio.WriteFile(file, []byte(text), fileMode, renameio.WithTempDir(dirOf(file)))
}

func dirOf(file string) string { return filepath.Dir(file) }
