package hostd

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// put writes a file of the host with all of its content at once, and the directories above
// it. Symlinks on the way are followed inside the root; one at its end is replaced.
func (h *Host) put(file, text string, mode fs.FileMode) error {
	name, err := h.place(file)
	if err != nil {
		return err
	}
	tmp := name + ".sandbox-new"
	err = os.WriteFile(tmp, []byte(text), mode)
	if err == nil {
		err = os.Chmod(tmp, mode) // whatever the umask
	}
	if err == nil {
		err = h.handOver(tmp)
	}
	if err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil {
		_ = os.Remove(tmp)
	}
	return err
}

// place is where a file of the host is to be made. The directories above it are made.
func (h *Host) place(file string) (string, error) {
	dir := path.Dir(path.Clean("/" + file))
	if err := h.mkdir(dir); err != nil {
		return "", err
	}
	dir, err := h.inRoot(dir)
	return filepath.Join(dir, path.Base(file)), err
}

// mkdir makes a directory of the host and those above it.
func (h *Host) mkdir(dir string) error {
	if dir == "/" {
		return nil
	}
	name, err := h.inRoot(dir)
	if err != nil {
		return err
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil
	}
	if err := h.mkdir(path.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(name, 0o755); err != nil {
		return err
	}
	return h.handOver(name)
}

// remove deletes a file, a symlink or an empty directory of the host. That nothing is there
// is no error.
func (h *Host) remove(file string) error {
	dir, err := h.inRoot(path.Dir(file))
	if err != nil {
		return err
	}
	err = os.Remove(filepath.Join(dir, path.Base(file)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// exists reports whether anything is at a path of the host, a dangling symlink too.
func (h *Host) exists(file string) bool {
	dir, err := h.inRoot(path.Dir(file))
	if err != nil {
		return false
	}
	_, err = os.Lstat(filepath.Join(dir, path.Base(file)))
	return err == nil
}

// names lists a directory of the host; none when it cannot be read.
func (h *Host) names(dir string) []string {
	name, err := h.inRoot(dir)
	if err != nil {
		return nil
	}
	entries, _ := os.ReadDir(name) // sorted
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// handOver gives a file that this process made to the user who runs the host's commands.
func (h *Host) handOver(name string) error {
	if h.world.mode == ModePlain && isRoot() {
		return os.Lchown(name, nobody, nobody)
	}
	return nil
}

// layFile makes an entry of a package on the running host.
func (h *Host) layFile(e entry) error {
	file := "/" + e.path
	switch e.kind {
	case fs.ModeDir:
		if err := h.mkdir(file); err != nil {
			return err
		}
	case fs.ModeSymlink:
		name, err := h.place(file)
		if err == nil {
			err = os.Symlink(e.text, name)
		}
		if err != nil {
			return err
		}
		return h.handOver(name)
	default:
		if err := h.put(file, e.text, e.mode); err != nil {
			return err
		}
	}
	name, err := h.inRoot(file)
	if err == nil {
		err = os.Chmod(name, e.mode)
	}
	if err != nil || e.uid == 0 {
		return err
	}
	return h.own(name, e.uid)
}

// own gives a file to one of a fresh host's users and the group of the same name.
func (h *Host) own(name string, uid int) error {
	user := "root"
	for line := range strings.Lines(passwd) {
		if f := strings.Split(line, ":"); f[2] == strconv.Itoa(uid) {
			user = f[0]
		}
	}
	return h.chown(name, strconv.Itoa(uid), strconv.Itoa(uid), user)
}

// chown gives a file to a user and the group with a number, named like the user where
// owners are kept beside the files.
func (h *Host) chown(name, uid, gid, user string) error {
	if h.world.mode != ModeNamespaces {
		return h.noteOwner(name, user)
	}
	u, err := strconv.Atoi(uid)
	if err != nil {
		return err
	}
	g, err := strconv.Atoi(gid)
	if err != nil {
		return err
	}
	return os.Lchown(name, u, g)
}

// said is the innermost text of an error of a file as programs print it: "No space left on device".
func said(err error) string {
	text := cause(err).Error()
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
