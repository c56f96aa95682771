package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"meshsync.dev/meshsync/internal/render"
)

// outputs are the values of -o: FORMAT or FORMAT=FILE, repeatable.
type outputs struct{ specs []string }

// writers maps a format to what writes a result in it.
type writers map[string]func(w io.Writer) error

// write renders the result in each asked format. The default is text on stdout.
// Files are replaced as a whole and only when they are regular files, so that a
// name such as /dev/stdout is never replaced by one.
func (o outputs) write(e *environment, ws writers) error {
	specs := o.specs
	if len(specs) == 0 {
		specs = []string{"text"}
	}
	for _, spec := range specs {
		format, file, toFile := strings.Cut(spec, "=")
		if !toFile {
			if err := ws[format](e.stdout); err != nil {
				return err
			}
			continue
		}
		var buf bytes.Buffer
		if err := ws[format](&buf); err != nil {
			return err
		}
		if err := writeFile(file, buf.Bytes()); err != nil {
			return fmt.Errorf("-o %s: %w", spec, err)
		}
	}
	return nil
}

// check refuses unknown formats, two results in one place, and files that cannot be
// written, before anything is asked or done.
func (o outputs) check(g *globals, formats ...string) error {
	stdout := 0
	files := map[string]bool{}
	for _, spec := range o.specs {
		format, file, toFile := strings.Cut(spec, "=")
		if !slices.Contains(formats, format) {
			return usage("-o %s: there is no format %q; there are %s", spec, format, joined(formats))
		}
		if toFile && file == "" {
			return usage("-o %s: a file name is missing after =", spec)
		}
		if !toFile {
			stdout++
			g.format = format
			continue
		}
		if files[file] {
			return usage("-o %s: another format goes to %s already", spec, file)
		}
		files[file] = true
		if info, err := os.Stat(dirOf(file)); err != nil || !info.IsDir() {
			return usage("-o %s: there is no folder %s", spec, dirOf(file))
		}
	}
	if stdout > 1 {
		return usage("only one format can go to standard output; write the others to files: -o FORMAT=FILE")
	}
	return nil
}

// writeFile replaces a regular file by one rename; anything else is written through.
func writeFile(name string, data []byte) error {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(name, data, 0o600)
	}
	return renameio.WriteFile(name, data, 0o644, renameio.WithTempDir(dirOf(name)))
}

func dirOf(name string) string {
	i := strings.LastIndexByte(name, '/')
	switch i {
	case -1:
		return "."
	case 0:
		return "/"
	default:
		return name[:i]
	}
}

// textOptions are how text is rendered on this terminal.
func textOptions(e *environment, flags string, full bool) render.Options {
	noColor := e.getenv("NO_COLOR") != "" || e.getenv("TERM") == "dumb"
	return render.Options{
		Color: (e.stdoutTTY && !noColor) || e.getenv("CLICOLOR_FORCE") == "1",
		ASCII: !strings.Contains(strings.ToUpper(e.getenv("LC_ALL")+e.getenv("LC_CTYPE")+e.getenv("LANG")), "UTF"),
		Full:  full, Width: e.width, Flags: flags,
	}
}
