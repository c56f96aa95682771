//go:build linux

package bed

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// indexEntry is what the index of a flat apt repository in dir says of one package file:
// its control fields, where it lies, and by what it is known to be whole.
func indexEntry(ctx context.Context, dir, name string) (string, error) {
	file := filepath.Join(dir, name)
	control, err := run(command(ctx, "dpkg-deb", "--field", file))
	if err != nil {
		return "", err
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s\nFilename: ./%s\nSize: %d\nSHA256: %x\n\n", strings.TrimSpace(control), name, size, sum.Sum(nil)), nil
}
