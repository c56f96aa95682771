package hostd

import (
	"errors"
	"path/filepath"
	"strconv"
)

// disk is the part of a confinement that can make a host's file system small. Of fill and
// empty one is called at a time.
type disk interface {
	// fill moves the host's root to a file system of its own that has free bytes left.
	fill(free int64) error
	// empty moves it back. When it is there, empty does nothing.
	empty() error
	// view is the path by which this process sees what the host sees at a path.
	view(path string) string
}

// fillDisk serves the fault full-disk, and notes it as far as it got.
func (h *Host) fillDisk(arg string) error {
	d, ok := h.cage.(disk)
	if !ok {
		return errors.New("full-disk needs a host with namespaces, and this machine gives none")
	}
	h.diskJob.Lock()
	defer h.diskJob.Unlock()
	if err := d.empty(); err != nil {
		return err
	}
	h.faults.put(FaultFullDisk, Off)
	if arg == Off {
		return nil
	}
	kb, _ := strconv.ParseInt(arg, 10, 64) // checked by Fault; "" is 0
	if err := d.fill(kb << 10); err != nil {
		return err
	}
	h.faults.put(FaultFullDisk, arg)
	return nil
}

// bringBack moves the root back where it belongs before the host ends.
func (h *Host) bringBack() error {
	d, ok := h.cage.(disk)
	if !ok {
		return nil
	}
	h.diskJob.Lock()
	defer h.diskJob.Unlock()
	return d.empty()
}

// seen is the folder of the host's root as the host sees it now.
func (h *Host) seen() string {
	if d, ok := h.cage.(disk); ok {
		return d.view(h.root)
	}
	return h.root
}

// in is a path below the root as the host sees it now. Symlinks are not looked at.
func (h *Host) in(parts ...string) string {
	return filepath.Join(append([]string{h.seen()}, parts...)...)
}
