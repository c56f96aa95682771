package hostd

import (
	"errors"
	"fmt"
	"strings"
)

var errNoReload = errors.New("job type reload is not applicable")

func (u *unit) tryRestart() error {
	if !u.running() {
		return nil
	}
	return u.restart()
}

// execReload begins the line of a unit that can be reloaded.
const execReload = "ExecReload="

// reloads reports whether the unit's file says how to reload it, which Debian's ZooKeeper and
// Mesos' units do not.
func (u *unit) reloads() bool {
	text, err := u.host.read(u.fragment())
	return err == nil && strings.Contains(string(text), "\n"+execReload)
}

// reload has the process take its settings in again: what a sandbox's program answers hangs on none of them.
func (u *unit) reload() error {
	switch {
	case !u.reloads():
		return errNoReload
	case !u.running():
		return errors.New("unit is not active, cannot reload")
	default:
		return nil
	}
}

func (u *unit) reloadOrRestart() error { return u.restart() }

// jobs runs one job for each unit and reports failures as systemctl does.
func (h *Host) jobs(c call, a *answer, f func(*unit) error) {
	for _, name := range c.units {
		u := h.unit(name)
		if u == nil {
			a.errorf("Failed to %s %s: Unit %s not found.\n", c.verb, full(name), full(name))
			a.code = 5
			continue
		}
		if u.masked() {
			a.errorf("Failed to %s %s: Unit %s is masked.\n", c.verb, full(name), full(name))
			a.code = 1
			continue
		}
		err := f(u)
		if errors.Is(err, errNoReload) {
			a.errorf("Failed to %s %s: Job type reload is not applicable for unit %s.\n", c.verb, full(name), full(name))
			a.code = 3
			continue
		}
		if err != nil {
			a.errorf("%s", jobFailed(full(name), err))
			a.code = 1
		}
	}
}

// jobFailed is systemctl's message for a unit that did not start. What the program itself
// complained about stands below it, where on a real host one looks into the journal.
func jobFailed(name string, err error) string {
	return fmt.Sprintf("Job for %s failed because the control process exited with error code.\n"+
		"See \"systemctl status %s\" and \"journalctl -xeu %s\" for details.\n"+
		"sandbox: %s: %v\n", name, name, name, name, err)
}

func (h *Host) stopUnits(c call, a *answer) {
	for _, name := range c.units {
		u := h.unit(name)
		if u == nil {
			a.errorf("Failed to %s %s: Unit %s not loaded.\n", "stop", full(name), full(name))
			a.code = 5
			continue
		}
		u.stop()
	}
}
