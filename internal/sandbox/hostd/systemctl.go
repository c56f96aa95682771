package hostd

import (
	"os"
	"path"
	"strings"
)

// A call is a command line of systemctl, taken apart.
type call struct {
	verb       string
	units      []string
	properties []string
	all, value bool
	quiet, now bool
	noReload   bool
}

// parseCall takes options in any place, as getopt does.
func parseCall(args []string) (call, string) {
	var c call
	var words []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			words = append(words, args[i+1:]...)
			i = len(args)
		case a == "-p" || a == "--property" || a == "-P":
			if i++; i == len(args) {
				return c, "systemctl: option requires an argument -- '" + strings.TrimLeft(a, "-") + "'\n"
			}
			c.properties = append(c.properties, strings.Split(args[i], ",")...)
			c.value = c.value || a == "-P"
		case strings.HasPrefix(a, "--property="):
			c.properties = append(c.properties, strings.Split(strings.TrimPrefix(a, "--property="), ",")...)
		case strings.HasPrefix(a, "-p"):
			c.properties = append(c.properties, strings.Split(a[2:], ",")...)
		case a == "--all" || a == "-a":
			c.all = true
		case a == "--value":
			c.value = true
		case a == "--quiet" || a == "-q":
			c.quiet = true
		case a == "--now":
			c.now = true
		case a == "--no-reload":
			c.noReload = true
		case a == "--no-pager" || a == "--no-block" || a == "--system" || a == "--no-ask-password" ||
			a == "--full" || a == "-l" || a == "--force" || a == "-f" || a == "--no-legend" || a == "--plain":
		case strings.HasPrefix(a, "-") && len(a) > 1:
			return c, "systemctl: unrecognized option '" + a + "'\n"
		default:
			words = append(words, a)
		}
	}
	if len(words) > 0 {
		c.verb, c.units = words[0], words[1:]
	}
	return c, ""
}

// systemctl answers a command line as systemd 252 does.
func (h *Host) systemctl(root bool, args []string) *answer {
	a := &answer{}
	c, problem := parseCall(args)
	if problem != "" {
		a.errorf("%s", problem)
		a.code = 1
		return a
	}
	verb, ok := verbs()[c.verb]
	switch {
	case !ok:
		a.errorf("Unknown command verb %s.\n", c.verb)
		a.code = 1
	case verb.changes && !root:
		a.errorf("Failed to %s: Interactive authentication required.\n", c.verb)
		a.code = 1
	case len(c.units) == 0 && verb.wantsUnits:
		a.errorf("Too few arguments.\n")
		a.code = 1
	default:
		verb.run(h, c, a)
	}
	return a
}

type verb struct {
	run                 func(*Host, call, *answer)
	changes, wantsUnits bool
}

func verbs() map[string]verb {
	job := func(f func(*unit) error) func(*Host, call, *answer) {
		return func(h *Host, c call, a *answer) { h.jobs(c, a, f) }
	}
	return map[string]verb{
		"show":                  {(*Host).show, false, false},
		"is-active":             {(*Host).isActive, false, true},
		"is-failed":             {(*Host).isFailed, false, true},
		"is-enabled":            {(*Host).isEnabled, false, true},
		"start":                 {job((*unit).start), true, true},
		"stop":                  {(*Host).stopUnits, true, true},
		"restart":               {job((*unit).restart), true, true},
		"try-restart":           {job((*unit).tryRestart), true, true},
		"reload":                {job((*unit).reload), true, true},
		"reload-or-restart":     {job((*unit).reloadOrRestart), true, true},
		"try-reload-or-restart": {job((*unit).tryRestart), true, true},
		"kill":                  {(*Host).killUnits, true, true},
		"enable":                {(*Host).enableUnits, true, true},
		"disable":               {(*Host).disableUnits, true, true},
		"mask":                  {(*Host).maskUnits, true, true},
		"unmask":                {(*Host).unmaskUnits, true, true},
		"daemon-reload":         {(*Host).daemonReload, true, false},
		"reset-failed":          {(*Host).resetFailed, true, false},
		"is-system-running":     {func(_ *Host, _ call, a *answer) { a.printf("running\n") }, false, false},
		"--version":             {func(_ *Host, _ call, a *answer) { a.printf("systemd 252 (252.39-1~deb12u1)\n") }, false, false},
	}
}

// full is a unit's name as systemd writes it.
func full(name string) string {
	if strings.Contains(name, ".") {
		return name
	}
	return name + ".service"
}

func (h *Host) isActive(c call, a *answer) {
	a.code = 3
	for _, name := range c.units {
		state := stateInactive
		if u := h.unit(name); u != nil {
			state = u.snapshot().state
		}
		if state == stateActive {
			a.code = 0
		}
		if !c.quiet {
			a.printf("%s\n", state)
		}
	}
}

func (h *Host) isFailed(c call, a *answer) {
	a.code = 1
	for _, name := range c.units {
		state := stateInactive
		if u := h.unit(name); u != nil {
			state = u.snapshot().state
		}
		if state == stateFailed {
			a.code = 0
		}
		if !c.quiet {
			a.printf("%s\n", state)
		}
	}
}

func (h *Host) isEnabled(c call, a *answer) {
	a.code = 1
	for _, name := range c.units {
		u := h.unit(name)
		if u == nil {
			a.errorf("Failed to get unit file state for %s: No such file or directory\n", full(name))
			a.code = 1
			return
		}
		state := u.fileState()
		if state == "enabled" || state == "static" {
			a.code = 0
		}
		if !c.quiet {
			a.printf("%s\n", state)
		}
	}
}

// killUnits sends KILL or TERM as somebody who ends the process and not the unit.
func (h *Host) killUnits(c call, a *answer) {
	for _, name := range c.units {
		if u := h.unit(name); u != nil {
			_ = u.kill()
		}
	}
}

// notInstallable is what systemctl says of a static unit, and ends well.
const notInstallable = `The unit files have no installation config (WantedBy=, RequiredBy=, Also=,
Alias= settings in the [Install] section, and DefaultInstance= for template
units). This means they are not meant to be enabled using systemctl.
 
Possible reasons for having this kind of units are:
• A unit may be statically enabled by being symlinked from another unit's
  .wants/ or .requires/ directory.
• A unit's purpose may be to act as a helper for some other unit which has
  a requirement dependency on it.
• A unit may be started when needed via activation (socket, path, timer,
  D-Bus, udev, scripted systemctl call, ...).
• In case of template units, the unit is meant to be enabled with some
  instance name specified.
`

func (h *Host) enableUnits(c call, a *answer) {
	defer h.reloadAfter(c)
	for _, name := range c.units {
		u := h.unit(name)
		switch {
		case u == nil:
			a.errorf("Failed to enable unit: Unit file %s does not exist.\n", full(name))
			a.code = 1
			return
		case u.masked():
			a.errorf("Failed to enable unit: Unit file %s is masked.\n", "/etc/systemd/system/"+full(name))
			a.code = 1
			return
		case u.fileState() == "enabled":
			continue
		case u.fileState() == "static":
			if !c.quiet {
				a.errorf("%s", notInstallable)
			}
			continue
		}
		if err := u.enable(); err != nil {
			a.errorf("Failed to enable unit: %v\n", err)
			a.code = 1
			return
		}
		file := u.fragment()
		a.errorf("Created symlink /etc/systemd/system/multi-user.target.wants/%s → %s.\n", full(name), strings.Replace(file, "/usr/lib/", "/lib/", 1))
	}
	if c.now {
		h.jobs(call{verb: "start", units: c.units}, a, (*unit).start)
	}
}

func (h *Host) disableUnits(c call, a *answer) {
	defer h.reloadAfter(c)
	for _, name := range c.units {
		u := h.unit(name)
		if u == nil {
			a.errorf("Failed to disable unit: Unit file %s does not exist.\n", full(name))
			a.code = 1
			return
		}
		if os.Remove(u.wants()) == nil {
			a.errorf("Removed \"/etc/systemd/system/multi-user.target.wants/%s\".\n", full(name))
		}
	}
	if c.now {
		h.stopUnits(c, a)
	}
}

func (h *Host) maskUnits(c call, a *answer) {
	defer h.reloadAfter(c)
	for _, name := range c.units {
		u := h.unit(name)
		if u == nil {
			a.errorf("Unit %s does not exist, proceeding anyway.\n", full(name))
			if u = newUnit(h, UnitOptions{Name: strings.TrimSuffix(name, ".service")}); checkUnitName(u.name) != nil {
				continue
			}
		}
		if u.masked() {
			continue
		}
		file := path.Join("/etc/systemd/system", full(u.name))
		if err := os.Symlink("/dev/null", h.in(file)); err != nil {
			a.errorf("Failed to mask unit: File %s already exists.\n", file)
			a.code = 1
			return
		}
		a.errorf("Created symlink /etc/systemd/system/%s → /dev/null.\n", full(u.name))
	}
	if c.now {
		h.stopUnits(c, a)
	}
}

func (h *Host) unmaskUnits(c call, a *answer) {
	defer h.reloadAfter(c)
	for _, name := range c.units {
		u := newUnit(h, UnitOptions{Name: strings.TrimSuffix(name, ".service")})
		if checkUnitName(u.name) == nil && u.masked() {
			_ = os.Remove(h.in("etc/systemd/system", full(u.name)))
			a.errorf("Removed \"/etc/systemd/system/%s\".\n", full(u.name))
		}
	}
}

// daemonReload reads all unit files again.
func (h *Host) daemonReload(_ call, _ *answer) { h.loadUnits() }

// reloadAfter is what systemctl has systemd do when it changed links to unit files.
func (h *Host) reloadAfter(c call) {
	if !c.noReload {
		h.loadUnits()
	}
}

func (h *Host) resetFailed(c call, _ *answer) {
	for _, u := range h.unitList() {
		named := len(c.units) == 0
		for _, n := range c.units {
			named = named || strings.TrimSuffix(n, ".service") == u.name
		}
		h.world.mu.Lock()
		if named && u.state == stateFailed {
			u.state, u.result = stateInactive, "success"
		}
		h.world.mu.Unlock()
	}
}
