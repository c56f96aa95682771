package hostd

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// unpack lays a version of a package on the host. What is below /etc and there already stays
// as it is: dpkg asks, and is told to keep it. ok is false when the disk has no room for it.
func (h *Host) unpack(c *toolCall, all map[string]*pkg, of *offer, version string) bool {
	old := all[of.name]
	p := newPkg(of.name, version)
	p.depends = of.dependencies(version)
	if old != nil {
		p.want = map[bool]string{true: "hold", false: "install"}[old.want == "hold"]
	}
	if old.there() {
		c.printf("Preparing to unpack .../%s_%s_%s.deb ...\nUnpacking %s (%s) over (%s) ...\n", of.name, archived(version), architecture(), of.name, version, old.version)
		p.rest = append(p.rest, "Config-Version: "+old.version)
	} else {
		c.printf("Selecting previously unselected package %s.\nPreparing to unpack .../%s_%s_%s.deb ...\nUnpacking %s (%s) ...\n",
			of.name, of.name, archived(version), architecture(), of.name, version)
	}
	var files []string
	for _, e := range of.all(version) {
		files = append(files, "/"+e.path)
		if h.exists("/"+e.path) && (strings.HasPrefix(e.path, "etc/") || e.kind != 0) {
			continue
		}
		if err := h.layFile(e); err != nil {
			c.errorf("dpkg: error processing archive /var/cache/apt/archives/%s_%s_%s.deb (--unpack):\n unable to create '/%s.dpkg-new' (while processing './%s'): %s\n",
				of.name, archived(version), architecture(), e.path, e.path, said(err))
			return false
		}
	}
	slices.Sort(files)
	if err := h.put(listFile(of.name), strings.Join(files, "\n")+"\n", 0o644); err != nil {
		c.errorf("dpkg: error processing package %s (--unpack):\n unable to create its list of files: %s\n", of.name, said(err))
		return false
	}
	all[of.name] = p
	return h.keep(c, all)
}

// archived is a version in the name of an archive.
func archived(version string) string { return strings.ReplaceAll(version, ":", "%3a") }

// all are the entries of a package with its units and what tells its version.
func (o *offer) all(version string) []entry {
	out := slices.Clone(o.entries)
	for _, u := range o.units {
		out = append(out, file("usr/lib/systemd/system/"+u.Name+".service", unitFile(u)))
	}
	return append(out, file("usr/share/doc/"+o.name+"/changelog.Debian", o.name+" ("+version+") bookworm; urgency=medium\n"))
}

// configure runs what each package does after it was unpacked, those first that others
// need. ok is false when one of them failed.
func (h *Host) configure(c *toolCall, all map[string]*pkg, names []string) bool {
	h.daemonReload(call{}, nil)
	var failed []string
	for _, n := range dependenciesFirst(all, names) {
		if !h.configureOne(c, all, all[n]) {
			failed = append(failed, n)
		}
	}
	ok := h.keep(c, all)
	if len(failed) > 0 {
		c.errorf("Errors were encountered while processing:\n %s\n", strings.Join(failed, "\n "))
	}
	return ok && len(failed) == 0
}

func dependenciesFirst(all map[string]*pkg, names []string) []string {
	var out []string
	var add func(n string, depth int)
	add = func(n string, depth int) {
		if slices.Contains(out, n) || all[n] == nil || depth > len(all) {
			return
		}
		for _, d := range all[n].depends {
			if needed, _, _ := strings.Cut(d, " "); slices.Contains(names, needed) {
				add(needed, depth+1)
			}
		}
		out = append(out, n)
	}
	for _, n := range names {
		add(n, 0)
	}
	return out
}

func (h *Host) configureOne(c *toolCall, all map[string]*pkg, p *pkg) bool {
	for _, d := range p.depends {
		needed, _, _ := strings.Cut(d, " ")
		if q := all[needed]; q == nil || q.status != pkgInstalled {
			c.errorf("dpkg: dependency problems prevent configuration of %s:\n %s depends on %s; however:\n  Package %s is not configured yet.\n\n"+
				"dpkg: error processing package %s (--configure):\n dependency problems - leaving unconfigured\n", p.name, p.name, d, needed, p.name)
			return false
		}
	}
	c.printf("Setting up %s (%s) ...\n", p.name, p.version)
	if arg, ok := h.faults.arg(FaultPostinstFails); ok && arg == p.name {
		c.errorf("dpkg: error processing package %s (--configure):\n installed %s package post-installation script subprocess returned error exit status 1\n", p.name, p.name)
		p.status = pkgHalf
		return false
	}
	upgrade := p.field("Config-Version") != ""
	p.status = pkgInstalled
	p.rest = slices.DeleteFunc(p.rest, func(l string) bool { return strings.HasPrefix(l, "Config-Version: ") })
	for _, name := range h.unitsOf(p.name) {
		if u := h.unit(name); u != nil {
			h.postinst(c, u, upgrade)
		}
	}
	return true
}

// unitsOf are the units that an installed package brought.
func (h *Host) unitsOf(name string) []string {
	var out []string
	for _, f := range h.filesOf(name) {
		if n, ok := strings.CutPrefix(f, "/usr/lib/systemd/system/"); ok && strings.HasSuffix(n, ".service") {
			out = append(out, strings.TrimSuffix(n, ".service"))
		}
	}
	return out
}

// postinst is what debhelper puts into a package with a unit: it is enabled when it is new,
// and started, or started anew after an upgrade. That it does not start is no error.
func (h *Host) postinst(c *toolCall, u *unit, upgrade bool) {
	if !upgrade && u.fileState() == "disabled" {
		if err := u.enable(); err == nil {
			c.printf("Created symlink /etc/systemd/system/multi-user.target.wants/%s.service → /lib/systemd/system/%s.service.\n", u.name, u.name)
		}
	}
	switch {
	case u.masked():
	case upgrade && u.fileState() != "enabled" && !u.running():
		c.printf("%s.service is a disabled or a static unit not running, not starting it.\n", u.name)
	case upgrade:
		if h.policyAllows(c, u, "restart") {
			_ = u.restart()
		}
	case h.policyAllows(c, u, "start"):
		_ = u.start()
	}
}

// policyAllows asks the host's policy-rc.d, as deb-systemd-invoke does: 101 forbids.
func (h *Host) policyAllows(c *toolCall, u *unit, action string) bool {
	const policy = "/usr/sbin/policy-rc.d"
	name, err := h.inRoot(policy)
	if err != nil || !h.exists(policy) {
		return true
	}
	cmd := h.command(true, name, u.name+".service", action)
	cmd.Env = append(cmd.Env, h.environOf(c.pid)...)
	if err := h.start(cmd); err != nil {
		c.errorf("%s: %v\n", policy, err)
		return true // as where it says anything but 101
	}
	_ = h.wait(cmd)
	if cmd.ProcessState.ExitCode() != 101 {
		return true
	}
	c.errorf("%s returned 101, not running '%s %s.service'\n", policy, action, u.name)
	return false
}

// environOf is the environment in which a process of the host was started: what a package
// runs inherits that of apt-get.
func (h *Host) environOf(pid string) []string {
	if _, err := strconv.Atoi(pid); err != nil {
		return nil
	}
	file := "/proc/" + pid + "/environ"
	if k, ok := h.cage.(interface{ covered(path string) string }); ok {
		file = k.covered(file)
	}
	text, _ := os.ReadFile(file) // of one that was killed meanwhile there is none
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == 0 })
}

// take removes a package: its units are stopped, its files go, what is below /etc stays
// unless it is purged.
func (h *Host) take(c *toolCall, all map[string]*pkg, p *pkg, purge bool) bool {
	c.printf("Removing %s (%s) ...\n", p.name, p.version)
	for _, name := range h.unitsOf(p.name) {
		if u := h.unit(name); u != nil && u.running() && h.policyAllows(c, u, "stop") {
			u.stop()
		}
	}
	files := h.filesOf(p.name)
	slices.Reverse(files) // what lies in a directory before the directory
	kept := false
	for _, f := range files {
		if config := strings.HasPrefix(f, "/etc/"); config && !purge {
			kept = true
			continue
		}
		if err := h.remove(f); err != nil && !errors.Is(err, fs.ErrExist) && !isNotEmpty(err) {
			c.errorf("dpkg: error processing package %s (--remove):\n cannot remove '%s': %s\n", p.name, f, said(err))
			return false
		}
	}
	if p.status, p.want = pkgConfigFiles, "deinstall"; !kept {
		p.status = pkgMissing
		if err := h.remove(listFile(p.name)); err != nil {
			c.errorf("dpkg: warning: %s\n", said(err))
		}
	}
	if purge {
		for _, u := range h.catalogUnits(p.name) {
			_ = h.remove("/etc/systemd/system/multi-user.target.wants/" + u.Name + ".service")
		}
	}
	h.daemonReload(call{}, nil)
	return h.keep(c, all)
}

func (h *Host) catalogUnits(name string) []UnitOptions {
	if of := h.catalog[name]; of != nil {
		return of.units
	}
	return nil
}
