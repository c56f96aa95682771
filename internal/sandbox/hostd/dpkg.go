package hostd

import (
	"cmp"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
)

// statusFile is where dpkg keeps what is installed, in its own form.
const statusFile = "/var/lib/dpkg/status"

// The states of a package, in dpkg's words.
const (
	pkgInstalled   = "installed"
	pkgHalf        = "half-configured"
	pkgUnpacked    = "unpacked"
	pkgConfigFiles = "config-files"
	pkgMissing     = "not-installed"
)

// A pkg is what dpkg knows of one package.
type pkg struct {
	name, want, status string
	version            string
	depends            []string
	rest               []string // further lines, which stay
}

// there reports whether the package's files are there.
func (p *pkg) there() bool {
	return p != nil && p.status != pkgConfigFiles && p.status != pkgMissing
}

// architecture is Debian's name of the machine's.
func architecture() string {
	return cmp.Or(map[string]string{"386": "i386", "arm": "armhf", "ppc64le": "ppc64el"}[runtime.GOARCH], runtime.GOARCH)
}

// packages reads what is installed.
func (h *Host) packages() map[string]*pkg {
	text, _ := h.read(statusFile) // a host without one has no packages
	all := map[string]*pkg{}
	for stanza := range strings.SplitSeq(string(text), "\n\n") {
		p := &pkg{want: "install", status: pkgInstalled}
		for line := range strings.Lines(stanza) {
			line = strings.TrimSuffix(line, "\n")
			key, value, _ := strings.Cut(line, ": ")
			switch key {
			case "Package":
				p.name = value
			case "Version":
				p.version = value
			case "Depends":
				p.depends = strings.Split(value, ", ")
			case "Status":
				if f := strings.Fields(value); len(f) == 3 {
					p.want, p.status = f[0], f[2]
				}
			default:
				if line != "" {
					p.rest = append(p.rest, line)
				}
			}
		}
		if p.name != "" {
			all[p.name] = p
		}
	}
	return all
}

// newPkg is a package as it is unpacked.
func newPkg(name, version string) *pkg {
	return &pkg{name: name, want: "install", status: pkgUnpacked, version: version, rest: []string{
		"Priority: optional", "Section: admin", "Maintainer: The sandbox <root@localhost>", "Architecture: " + architecture(), "Description: " + name,
	}}
}

func statusText(all map[string]*pkg) string {
	var b strings.Builder
	for _, p := range sorted(all) {
		if p.status == pkgMissing && p.want != "hold" {
			continue
		}
		fmt.Fprintf(&b, "Package: %s\nStatus: %s ok %s\n", p.name, p.want, p.status)
		if p.version != "" {
			fmt.Fprintf(&b, "Version: %s\n", p.version)
		}
		if len(p.depends) > 0 {
			fmt.Fprintf(&b, "Depends: %s\n", strings.Join(p.depends, ", "))
		}
		for _, l := range p.rest {
			b.WriteString(l + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func sorted(all map[string]*pkg) []*pkg {
	var out []*pkg
	for _, p := range all {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *pkg) int { return strings.Compare(a.name, b.name) })
	return out
}

// dpkgQuery tells what is installed.
func (h *Host) dpkgQuery(c *toolCall) {
	o, problem := c.parse("W/show f/showformat= s/status L/listfiles l/list S/search no-pager admindir=")
	if problem != "" {
		c.fail(2, "dpkg-query: error: unknown option %s", strings.Trim(problem[strings.LastIndexByte(problem, ' ')+1:], "'"))
		return
	}
	h.query(c, o)
}

// query serves dpkg-query and the options that dpkg passes on to it.
func (h *Host) query(c *toolCall, o options) {
	all := h.packages()
	switch {
	case o.has("L"):
		h.listFiles(c, all, o.words)
	case o.has("S"):
		h.searchFiles(c, all, o.words)
	case o.has("s"):
		for _, n := range o.words {
			if p := all[n]; p == nil {
				c.fail(1, "dpkg-query: package '%s' is not installed and no information is available\n"+
					"Use dpkg --info (= dpkg-deb --info) to examine archive files.", n)
			} else {
				c.printf("%s", statusText(map[string]*pkg{n: p}))
			}
		}
	case o.has("l"):
		found := c.matching(all, o.words)
		if len(found) == 0 {
			return
		}
		c.printf("Desired=Unknown/Install/Remove/Purge/Hold\n" +
			"| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n" +
			"|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n" +
			"||/ Name           Version      Architecture Description\n" +
			"+++-==============-============-============-=================================\n")
		for _, p := range found {
			c.printf("%s  %-14s %-12s %-12s %s\n", p.field("db:Status-Abbrev")[:2], p.name, p.version, architecture(), p.field("Description"))
		}
	case o.has("W"):
		format := "${Package}\\t${Version}\\n"
		if o.has("f") {
			format = o.set["f"]
		}
		for _, p := range c.matching(all, o.words) {
			c.printf("%s", p.format(format))
		}
	default:
		c.fail(2, "dpkg-query: error: need an action option")
	}
}

// matching are the packages of a list of names and patterns; without any, all that are there.
func (c *toolCall) matching(all map[string]*pkg, names []string) []*pkg {
	for _, n := range names {
		known := slices.ContainsFunc(sorted(all), func(p *pkg) bool { ok, _ := path.Match(n, p.name); return ok })
		if !known {
			c.fail(1, "dpkg-query: no packages found matching %s", n)
		}
	}
	return slices.DeleteFunc(sorted(all), func(p *pkg) bool {
		for _, n := range names {
			if ok, _ := path.Match(n, p.name); ok {
				return false
			}
		}
		return len(names) > 0 || p.status == pkgMissing
	})
}

// field is a field of a package, as dpkg-query names it.
func (p *pkg) field(name string) string {
	switch name {
	case "Package", "binary:Package", "source:Package":
		return p.name
	case "Version", "source:Version":
		return p.version
	case "Status":
		return p.want + " ok " + p.status
	case "db:Status-Want":
		return p.want
	case "db:Status-Status":
		return p.status
	case "db:Status-Eflag":
		return "ok"
	case "db:Status-Abbrev":
		letter := map[string]string{pkgInstalled: "i", pkgHalf: "F", pkgUnpacked: "U", pkgConfigFiles: "c", pkgMissing: "n"}[p.status]
		return map[string]string{"deinstall": "r"}[p.want] + map[bool]string{true: "", false: p.want[:1]}[p.want == "deinstall"] + letter + " "
	case "Depends":
		return strings.Join(p.depends, ", ")
	default:
		for _, l := range p.rest {
			if key, value, ok := strings.Cut(l, ": "); ok && strings.EqualFold(key, strings.TrimPrefix(name, "binary:")) {
				return value
			}
		}
		return ""
	}
}

// format fills in ${FIELD} and ${FIELD;WIDTH} and the escapes of dpkg-query.
func (p *pkg) format(f string) string {
	var b strings.Builder
	for f != "" {
		switch {
		case strings.HasPrefix(f, "${") && strings.Contains(f, "}"):
			name, rest, _ := strings.Cut(f[2:], "}")
			name, width, _ := strings.Cut(name, ";")
			n := 0
			_, _ = fmt.Sscan(width, &n) // without one nothing is padded
			fmt.Fprintf(&b, "%*s", n, p.field(name))
			f = rest
		case strings.HasPrefix(f, "\\") && len(f) > 1:
			b.WriteString(map[byte]string{'n': "\n", 't': "\t", 'r': "\r", '\\': "\\"}[f[1]])
			f = f[2:]
		default:
			b.WriteByte(f[0])
			f = f[1:]
		}
	}
	return b.String()
}

func listFile(name string) string { return "/var/lib/dpkg/info/" + name + ".list" }

func (h *Host) filesOf(name string) []string {
	text, _ := h.read(listFile(name))
	return strings.Fields(string(text))
}

func (h *Host) listFiles(c *toolCall, all map[string]*pkg, names []string) {
	for _, n := range names {
		files := h.filesOf(n)
		switch {
		case !all[n].there():
			c.fail(1, "dpkg-query: package '%s' is not installed\nUse dpkg --contents (= dpkg-deb --contents) to list archive files contents.", n)
		case len(files) == 0:
			c.printf("Package '%s' does not contain any files (!)\n", n)
		default:
			c.printf("/.\n%s\n", strings.Join(files, "\n"))
		}
	}
}

func (h *Host) searchFiles(c *toolCall, all map[string]*pkg, patterns []string) {
	for _, pattern := range patterns {
		found := false
		for _, p := range sorted(all) {
			for _, f := range h.filesOf(p.name) {
				if f == pattern || !strings.HasPrefix(pattern, "/") && strings.Contains(f, pattern) {
					c.printf("%s: %s\n", p.name, f)
					found = true
				}
			}
		}
		if !found {
			c.fail(1, "dpkg-query: no path found matching pattern %s", pattern)
		}
	}
}

// dpkg configures what is unpacked, keeps selections, and answers what dpkg-query does.
func (h *Host) dpkg(c *toolCall) {
	o, problem := c.parse("configure a/pending s/status L/listfiles l/list S/search print-architecture compare-versions set-selections " +
		"get-selections audit/C force-confdef force-confold force-confnew force-confmiss force-all force-hold force-downgrade force-depends " +
		"force= no-pager version admindir= i/install= unpack= r/remove P/purge")
	switch {
	case problem != "":
		c.fail(2, "dpkg: error: unknown option %s", strings.Trim(problem[strings.LastIndexByte(problem, ' ')+1:], "'"))
	case o.has("print-architecture"):
		c.printf("%s\n", architecture())
	case o.has("version"):
		c.printf("Debian 'dpkg' package management program version 1.21.22 (%s).\n", architecture())
	case o.has("compare-versions"):
		c.compare(o.words)
	case o.has("L"), o.has("s"), o.has("l"), o.has("S"):
		h.query(c, o)
	case o.has("audit"):
		for _, p := range sorted(h.packages()) {
			if p.status == pkgHalf || p.status == pkgUnpacked {
				c.printf(" %s %s\n", p.name, p.status)
			}
		}
	case o.has("get-selections"):
		for _, p := range sorted(h.packages()) {
			c.printf("%s\t%s\n", p.name, p.want)
		}
	case !c.root:
		c.fail(2, "dpkg: error: requested operation requires superuser privilege")
	case h.faults.on(FaultAptLock):
		c.fail(2, "dpkg: error: dpkg frontend lock was locked by another process with pid %d\n"+
			"Note: removing the lock file is always wrong, can damage the locked area\n"+
			"and the entire system. See <https://wiki.debian.org/Teams/Dpkg/FAQ#db-lock>.", lockHolder)
	case o.has("set-selections"):
		h.setSelections(c, o.words)
	case o.has("configure"):
		h.dpkgConfigure(c, o)
	default:
		c.fail(2, "dpkg: error: the sandbox's dpkg configures and tells; packages come by apt-get install")
	}
}

func (c *toolCall) compare(words []string) {
	if len(words) != 3 {
		c.fail(2, "dpkg: error: --compare-versions takes three arguments: <version> <relation> <version>")
		return
	}
	d := compareVersions(words[0], words[2])
	ok, known := map[string]bool{
		"lt": d < 0, "<<": d < 0, "le": d <= 0, "<=": d <= 0, "<": d <= 0, "eq": d == 0, "=": d == 0, "ne": d != 0,
		"ge": d >= 0, ">=": d >= 0, ">": d >= 0, "gt": d > 0, ">>": d > 0,
	}[words[1]]
	switch {
	case !known:
		c.fail(2, "dpkg: error: --compare-versions bad relation")
	case !ok:
		c.code = 1
	}
}

// setSelections takes lines PACKAGE WANT.
func (h *Host) setSelections(c *toolCall, lines []string) {
	all := h.packages()
	for i, l := range lines {
		f := strings.Fields(l)
		switch {
		case len(f) == 0 || f[0][0] == '#':
		case len(f) != 2 || !contains([]string{"install", "hold", "deinstall", "purge"}, f[1]):
			c.fail(2, "dpkg: error: unexpected data after package and selection at line %d", i+1)
			return
		case all[f[0]] == nil && h.catalog[f[0]] == nil:
			c.errorf("dpkg: warning: package not in status nor available database at line %d: %s\n", i+1, f[0])
		default:
			sel(all, f[0], f[1])
		}
	}
	h.keep(c, all)
}

// sel selects a package; one that is not there gets a line of its own.
func sel(all map[string]*pkg, name, want string) {
	if all[name] == nil {
		all[name] = &pkg{name: name, status: pkgMissing}
	}
	all[name].want = want
}

// keep writes what is installed back.
func (h *Host) keep(c *toolCall, all map[string]*pkg) bool {
	if err := h.put(statusFile, statusText(all), 0o644); err != nil {
		c.fail(2, "dpkg: error: failed to write status database file '%s': %s", statusFile, said(err))
		return false
	}
	return true
}

func (h *Host) dpkgConfigure(c *toolCall, o options) {
	all := h.packages()
	var names []string
	for _, n := range o.words {
		switch {
		case !all[n].there():
			c.errorf("dpkg: error processing package %s (--configure):\n no package named '%s' is installed, cannot configure\n", n, n)
			c.fail(1, "Errors were encountered while processing:\n %s", n)
		case all[n].status == pkgInstalled:
			c.errorf("dpkg: error processing package %s (--configure):\n package %s is already installed and configured\n", n, n)
			c.fail(1, "Errors were encountered while processing:\n %s", n)
		default:
			names = append(names, n)
		}
	}
	if o.has("a") {
		names = pending(all)
	}
	if !h.configure(c, all, names) {
		c.code = 1
	}
}

// pending are the packages that wait for being configured.
func pending(all map[string]*pkg) []string {
	var out []string
	for _, p := range sorted(all) {
		if p.status == pkgHalf || p.status == pkgUnpacked {
			out = append(out, p.name)
		}
	}
	return out
}
