package hostd

import (
	"errors"
	"path/filepath"
	"strconv"
)

// disk is the part of a confinement that can make a host's file system small.
type disk interface {
	// fill moves the host's root to a file system of its own that has free bytes left.
	fill(free int64) error
	// empty moves it back.
	empty() error
	// view is the path by which this process sees what the host sees at a path.
	view(path string) string
}

// fillDisk serves the fault full-disk.
func (h *Host) fillDisk(arg string) error {
	d, ok := h.cage.(disk)
	if !ok {
		h.faults.put(FaultFullDisk, Off)
		return errors.New("full-disk needs a host with namespaces, and this machine gives none")
	}
	h.diskJob.Lock()
	defer h.diskJob.Unlock()
	if err := d.empty(); err != nil || arg == Off {
		return err
	}
	kb, _ := strconv.ParseInt(arg, 10, 64) // checked by Fault; "" is 0
	return d.fill(kb << 10)
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
