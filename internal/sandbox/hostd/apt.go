package hostd

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// archive is where a host's packages come from, as apt shows it. Nothing is asked there.
const archive = "http://deb.debian.org/debian"

// lockHolder is the process that holds apt's lock under the fault.
const lockHolder = 4711

func isNotEmpty(err error) bool {
	return errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST)
}

// aptOptions are those of apt-get that the sandbox takes, most of them without effect.
const aptOptions = "q/quiet y/yes/assume-yes o/option= s/simulate/dry-run/just-print/recon/no-act no-install-recommends install-recommends " +
	"no-install-suggests allow-downgrades allow-change-held-packages allow-remove-essential allow-unauthenticated reinstall purge f/fix-broken " +
	"m/fix-missing d/download-only V/verbose-versions only-upgrade no-upgrade auto-remove/autoremove u/show-upgraded c/config-file= t/target-release= " +
	"force-yes assume-no no-show-progress no-remove "

// aptGet installs, removes and updates.
func (h *Host) aptGet(c *toolCall) {
	o, problem := c.parse(aptOptions)
	if problem != "" {
		option := strings.Trim(problem[strings.LastIndexByte(problem, ' ')+1:], "'")
		c.fail(100, "E: Command line option %s is not understood in combination with the other options", option)
		return
	}
	if len(o.words) == 0 {
		c.printf("apt 2.6.1 (%s)\nUsage: apt-get [options] command\n", architecture())
		c.code = 1
		return
	}
	for _, x := range o.list["o"] {
		if v := strings.ToLower(x); v == "apt::get::assume-yes=true" || v == "apt::get::assume-yes=1" {
			o.set["y"] = ""
		}
	}
	verb := o.words[0]
	if !contains([]string{"install", "remove", "purge", "update", "upgrade", "dist-upgrade", "autoremove", "clean", "autoclean", "check"}, verb) {
		c.fail(100, "E: Invalid operation %s", verb)
		return
	}
	if !o.has("s") && !c.aptMay(h, verb) {
		return
	}
	t := &transaction{h: h, c: c, o: o, all: h.packages(), purge: verb == "purge" || o.has("purge")}
	switch verb {
	case "update":
		h.aptUpdate(c)
	case "install":
		t.install(o.words[1:])
	case "remove", "purge":
		t.removeNamed(o.words[1:])
	case "upgrade", "dist-upgrade":
		t.upgrade()
	default:
		c.printf("Reading package lists...\n")
	}
}

// aptMay reports whether apt gets its locks.
func (c *toolCall) aptMay(h *Host, verb string) bool {
	file, lock, what := "/var/lib/dpkg/lock-frontend", "Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend)", "is another process using it?"
	if verb == "update" {
		file, lock, what = "/var/lib/apt/lists/lock", "Unable to lock directory /var/lib/apt/lists/", ""
	}
	switch {
	case !c.root:
		c.errorf("E: Could not open lock file %s - open (13: Permission denied)\n", file)
		if what != "" {
			what = "are you root?"
		}
	case h.faults.on(FaultAptLock):
		c.errorf("E: Could not get lock %s. It is held by process %d (unattended-upgr)\n", file, lockHolder)
	default:
		return true
	}
	if what != "" {
		lock += ", " + what
	}
	c.fail(100, "E: %s", lock)
	return false
}

// aptUpdate finds what it had: the time of its lists is all that changes.
func (h *Host) aptUpdate(c *toolCall) {
	c.printf("Hit:1 %s bookworm InRelease\nReading package lists...\n", archive)
	err := h.mkdir("/var/lib/apt/lists")
	name, err2 := h.inRoot("/var/lib/apt/lists")
	if err = errors.Join(err, err2); err == nil {
		now := time.Now()
		err = os.Chtimes(name, now, now)
	}
	if err != nil {
		c.fail(100, "E: The package lists or status file could not be parsed or opened: %s", said(err))
	}
}

// A transaction is one run of apt-get that changes packages.
type transaction struct {
	h     *Host
	c     *toolCall
	o     options
	all   map[string]*pkg
	purge bool

	want   map[string]string // package → version that it is to have
	order  []string          // as they were named, dependencies behind
	remove []string
	unmet  []string // in apt's words
}

// candidate is the version that apt would take; "" when it knows none.
func (h *Host) candidate(all map[string]*pkg, name string) string {
	best := ""
	if of := h.catalog[name]; of != nil {
		best = of.versions[0]
	}
	if p := all[name]; p.there() && (best == "" || compareVersions(p.version, best) > 0) {
		best = p.version
	}
	return best
}

func (t *transaction) begin() {
	t.want = map[string]string{}
	t.c.printf("Reading package lists...\nBuilding dependency tree...\nReading state information...\n")
}

// install brings packages to versions: NAME, NAME=VERSION, NAME=PREFIX* or NAME- to remove one.
func (t *transaction) install(words []string) {
	t.begin()
	for _, w := range words {
		name, version, exact := strings.Cut(w, "=")
		if gone, ok := strings.CutSuffix(name, "-"); ok && !exact && t.h.catalog[name] == nil {
			t.remove = append(t.remove, gone)
			continue
		}
		candidate := t.h.candidate(t.all, name)
		switch {
		case candidate == "":
			t.c.fail(100, "E: Unable to locate package %s", name)
		case !exact:
			t.add(name, candidate)
		default:
			found := t.h.lookVersion(t.all, name, version)
			if found == "" {
				t.c.fail(100, "E: Version '%s' for '%s' was not found", version, name)
				continue
			}
			t.add(name, found)
		}
	}
	if t.c.code == 0 {
		t.carryOut(len(t.order))
	}
}

// lookVersion finds a version that apt knows, or the newest that begins as one with a * at its end.
func (h *Host) lookVersion(all map[string]*pkg, name, version string) string {
	var known []string
	if of := h.catalog[name]; of != nil {
		known = of.versions
	}
	if p := all[name]; p.there() {
		known = append(slices.Clone(known), p.version)
	}
	prefix, glob := strings.CutSuffix(version, "*")
	i := slices.IndexFunc(known, func(v string) bool { return v == version || glob && strings.HasPrefix(v, prefix) })
	if i < 0 {
		return ""
	}
	return known[i]
}

func (t *transaction) add(name, version string) {
	if _, twice := t.want[name]; !twice {
		t.order = append(t.order, name)
	}
	t.want[name] = version
}

// upgrade brings all that is installed, and not held, to its candidate.
func (t *transaction) upgrade() {
	t.begin()
	for _, p := range sorted(t.all) {
		if v := t.h.candidate(t.all, p.name); p.there() && p.want != "hold" && v != p.version {
			t.add(p.name, v)
		}
	}
	t.carryOut(len(t.order))
}

// removeNamed removes packages and those that need them.
func (t *transaction) removeNamed(words []string) {
	t.begin()
	for _, n := range words {
		p := t.all[n]
		switch {
		case t.h.candidate(t.all, n) == "" && p == nil:
			t.c.fail(100, "E: Unable to locate package %s", n)
		case p.there() || t.purge && p != nil && p.status == pkgConfigFiles:
			t.remove = append(t.remove, n)
		default:
			t.c.printf("Package '%s' is not installed, so not removed\n", n)
		}
	}
	if t.c.code == 0 {
		t.carryOut(len(t.remove))
	}
}

// aptCache answers what apt could install.
func (h *Host) aptCache(c *toolCall) {
	o, problem := c.parse("q/quiet o/option= a/all-versions n/names-only i/important no-all-versions c/config-file=")
	switch {
	case problem != "" || len(o.words) == 0:
		c.fail(100, "E: Command line is not understood: %s", problem)
	case o.words[0] == "policy":
		h.policy(c, o.words[1:])
	case o.words[0] == "madison":
		for _, n := range o.words[1:] {
			if of := h.catalog[n]; of != nil {
				for _, v := range of.versions {
					c.printf("%10s | %10s | %s bookworm/main %s Packages\n", n, v, archive, architecture())
				}
			}
		}
	default:
		c.fail(100, "E: the sandbox's apt-cache knows policy and madison, not %s", o.words[0])
	}
}

// policy prints the versions of packages; of one that apt does not know, nothing.
func (h *Host) policy(c *toolCall, names []string) {
	all := h.packages()
	source := "        500 " + archive + " bookworm/main " + architecture() + " Packages\n"
	if len(names) == 0 {
		c.printf("Package files:\n 100 /var/lib/dpkg/status\n     release a=now\n%sPinned packages:\n", strings.TrimPrefix(source, "       "))
		return
	}
	for _, n := range names {
		candidate := h.candidate(all, n)
		if candidate == "" {
			continue
		}
		installed := ""
		if p := all[n]; p.there() {
			installed = p.version
		}
		var versions []string
		if of := h.catalog[n]; of != nil {
			versions = slices.Clone(of.versions)
		}
		available := len(versions)
		if installed != "" && !slices.Contains(versions, installed) {
			versions = append(versions, installed)
			slices.SortStableFunc(versions, func(a, b string) int { return compareVersions(b, a) })
		}
		c.printf("%s:\n  Installed: %s\n  Candidate: %s\n  Version table:\n", n, map[bool]string{true: "(none)", false: installed}[installed == ""], candidate)
		for _, v := range versions {
			offered := available > 0 && slices.Contains(h.catalog[n].versions, v)
			switch {
			case v == installed && offered:
				c.printf(" *** %s 500\n%s        100 /var/lib/dpkg/status\n", v, source)
			case v == installed:
				c.printf(" *** %s 100\n        100 /var/lib/dpkg/status\n", v)
			default:
				c.printf("     %s 500\n%s", v, source)
			}
		}
	}
}

// aptMark holds packages and lets them go.
func (h *Host) aptMark(c *toolCall) {
	o, problem := c.parse("q/quiet o/option= y/yes/assume-yes")
	if problem != "" || len(o.words) == 0 {
		c.fail(100, "E: Command line is not understood: %s", problem)
		return
	}
	verb, names := o.words[0], o.words[1:]
	all := h.packages()
	if verb == "showhold" {
		for _, p := range sorted(all) {
			if p.want == "hold" {
				c.printf("%s\n", p.name)
			}
		}
		return
	}
	if !contains([]string{"hold", "unhold", "auto", "manual"}, verb) {
		c.fail(100, "E: Invalid operation %s", verb)
		return
	}
	for _, n := range names {
		if h.candidate(all, n) == "" && all[n] == nil {
			c.fail(100, "E: Unable to locate package %s", n)
		}
	}
	switch {
	case c.code != 0:
		c.fail(100, "E: No packages found")
	case verb == "auto" || verb == "manual":
		for _, n := range names {
			c.printf("%s set to %s installed.\n", n, map[string]string{"auto": "automatically", "manual": "manually"}[verb])
		}
	case !c.root || h.faults.on(FaultAptLock):
		c.fail(100, "E: Executing dpkg failed. Are you root?")
	default:
		h.hold(c, all, verb == "hold", names)
	}
}

func (h *Host) hold(c *toolCall, all map[string]*pkg, hold bool, names []string) {
	var said string
	for _, n := range names {
		held := all[n] != nil && all[n].want == "hold"
		switch {
		case hold && held:
			said += n + " was already set on hold.\n"
		case hold:
			sel(all, n, "hold")
			said += n + " set on hold.\n"
		case held:
			sel(all, n, map[bool]string{true: "install", false: "deinstall"}[all[n].there()])
			said += "Canceled hold on " + n + ".\n"
		default:
			said += n + " was already not on hold.\n"
		}
	}
	if h.keep(c, all) {
		c.printf("%s", said)
	}
}
