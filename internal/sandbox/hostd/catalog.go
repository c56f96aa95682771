package hostd

import (
	"maps"
	"slices"
	"strings"
)

// PackageOptions describe a package that a host can get.
type PackageOptions struct {
	Name string
	// Versions are those to be had, exact or as patterns with * and ?, for each of which one
	// that fits is made up. None, "" and "any" stand for any.
	Versions []string
	// Depends are names of packages, each alone or as "NAME (= VERSION)".
	Depends []string
	// Units are the services that it brings. A unit of the host that is called like the
	// package, or whose program is the package's, comes with it in any case.
	Units []UnitOptions
	// Files are what it brings: path → content.
	Files map[string]string
	// Installed says that a fresh host has it already.
	Installed bool
}

// An offer is a package that apt can get.
type offer struct {
	name     string
	versions []string // the newest first
	depends  []string
	units    []UnitOptions
	entries  []entry
}

// sameVersion in an offer's dependency stands for the version of the package itself.
const sameVersion = "(= ${Version})"

// dependencies are what one version of an offer needs.
func (o *offer) dependencies(version string) []string {
	var out []string
	for _, d := range o.depends {
		out = append(out, strings.ReplaceAll(d, sameVersion, "(= "+version+")"))
	}
	return out
}

// knownPackages are packages as Debian 12 and Mesosphere have them, as far as meshes name them.
func knownPackages(o HostOptions) map[string]*offer {
	const zookeeper = "3.8.0-11+deb12u2"
	all := []*offer{
		{name: "zookeeper", versions: []string{zookeeper}, entries: zooKeeperPackage()},
		{name: "zookeeperd", versions: []string{zookeeper}, depends: []string{"zookeeper " + sameVersion}, units: []UnitOptions{{Name: "zookeeper", Kind: KindZooKeeper}}},
		{name: "mesos", versions: []string{"1.11.0-2"}, entries: mesosPackage(agentUnit(o)), units: []UnitOptions{
			{Name: "mesos-master", Kind: KindMesosMaster}, {Name: agentUnit(o), Kind: KindMesosAgent},
		}},
		{name: "marathon", versions: []string{"1.11.26-1"}, units: []UnitOptions{{Name: "marathon"}}, entries: []entry{file("etc/default/marathon", "")}},
		{name: "haproxy", versions: []string{"2.6.12-1+deb12u2"}, units: []UnitOptions{{Name: "haproxy", Reload: true}}, entries: []entry{
			file("etc/haproxy/haproxy.cfg", "global\n\tuser haproxy\n\tgroup haproxy\n\tdaemon\n\ndefaults\n\tmode http\n\ttimeout connect 5000\n"+
				"\ttimeout client 50000\n\ttimeout server 50000\n"),
			file("etc/default/haproxy", "#CONFIG=\"/etc/haproxy/haproxy.cfg\"\n#EXTRAOPTS=\"-de -m 16\"\n"),
		}},
		{name: "docker.io", versions: []string{"20.10.24+dfsg1-1+deb12u1"}, units: []UnitOptions{{Name: "docker"}}, entries: []entry{
			dir("etc/docker"), file("etc/default/docker", "#DOCKER_OPTS=\"--dns 8.8.8.8 --dns 8.8.4.4\"\n"),
		}},
		{name: "chrony", versions: []string{"4.3-2+deb12u1"}, units: []UnitOptions{{Name: "chrony"}}, entries: []entry{
			file("etc/chrony/chrony.conf", "pool 2.debian.pool.ntp.org iburst\ndriftfile /var/lib/chrony/chrony.drift\n"),
		}},
		{name: "nginx", versions: []string{"1.22.1-9+deb12u2"}, units: []UnitOptions{{Name: "nginx"}}},
		{name: "keepalived", versions: []string{"1:2.2.7-1+b2"}, units: []UnitOptions{{Name: "keepalived"}}},
		{name: "jq", versions: []string{"1.6-2.1"}},
		{name: "htop", versions: []string{"3.2.2-2"}},
	}
	for name, version := range basePackages() {
		all = append(all, &offer{name: name, versions: []string{version}})
	}
	out := map[string]*offer{}
	for _, p := range all {
		out[p.name] = p
	}
	return out
}

// basePackages are on every host.
func basePackages() map[string]string {
	return map[string]string{
		"apt": "2.6.1", "base-files": "12.4+deb12u11", "bash": "5.2.15-2+b8", "ca-certificates": "20230311+deb12u1", "coreutils": "9.1-1",
		"curl": "7.88.1-10+deb12u12", "dash": "0.5.12-2", "debconf": "1.5.82", "debianutils": "5.7-0.5~deb12u1", "dpkg": "1.21.22",
		"kmod": "30+20221128-1", "libc6": "2.36-9+deb12u10", "mawk": "1.3.4.20200120-3.1", "openssh-server": "1:9.2p1-2+deb12u6",
		"passwd": "1:4.13+dfsg1-1+deb12u1", "perl-base": "5.36.0-7+deb12u2", "procps": "2:4.0.2-3", "sudo": "1.9.13p3-1+deb12u1",
		"systemd": "252.38-1~deb12u1", "tar": "1.34+dfsg-1.2+deb12u1", "util-linux": "2.38.1-5+deb12u3", "wget": "1.21.3-1+deb12u1",
	}
}

// companions are packages of one source, which are to be had in the same versions.
func companions() [][]string { return [][]string{{"zookeeper", "zookeeperd"}} }

// makeCatalog is what apt can get on a host: what is known, and what the host's options say.
func makeCatalog(o HostOptions) map[string]*offer {
	all := knownPackages(o)
	for _, p := range o.Packages {
		of := all[p.Name]
		if of == nil {
			of = &offer{name: p.Name}
			all[p.Name] = of
		}
		asked := p.Versions
		if len(asked) == 0 {
			asked = []string{"any"}
		}
		known := slices.Clone(of.versions)
		for _, v := range asked {
			of.versions = append(of.versions, plausible(v, known))
		}
		of.depends = append(of.depends, p.Depends...)
		of.units = append(of.units, p.Units...)
		for _, name := range slices.Sorted(maps.Keys(p.Files)) {
			of.entries = append(of.entries, file(strings.TrimPrefix(name, "/"), p.Files[name]))
		}
	}
	for _, group := range companions() {
		var versions []string
		for _, n := range group {
			versions = append(versions, all[n].versions...)
		}
		for _, n := range group {
			all[n].versions = slices.Clone(versions)
		}
	}
	for _, of := range all {
		slices.SortFunc(of.versions, func(a, b string) int { return compareVersions(b, a) })
		of.versions = slices.Compact(of.versions)
	}
	for _, u := range o.Units { // one that is called like a package that the options name
		of := all[u.Name]
		named := slices.ContainsFunc(o.Packages, func(p PackageOptions) bool { return p.Name == u.Name })
		if named && bringer(all, u) == "" {
			of.units = append(of.units, u)
		}
	}
	return all
}

// bringer is the package that brings a unit: by its program, else by its name; "" for none.
func bringer(all map[string]*offer, u UnitOptions) string {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, b := range all[name].units {
			special := b.Kind != "" && b.Kind != KindGeneric
			if special && b.Kind == u.Kind || b.Name == u.Name {
				return name
			}
		}
	}
	return ""
}

// fresh divides what a fresh host holds from what it gets by apt: the packages that are
// installed already, and the units that come with none or one of them. A package that the
// options name is installed when they say so; one that nobody names is there with its unit.
func fresh(all map[string]*offer, o HostOptions) (installed []string, units []UnitOptions) {
	has := map[string]bool{}
	var add func(name string)
	add = func(name string) {
		if has[name] || all[name] == nil {
			return
		}
		for _, d := range all[name].depends {
			needed, _, _ := strings.Cut(d, " ")
			add(needed)
		}
		has[name] = true
		installed = append(installed, name)
	}
	for name := range basePackages() {
		add(name)
	}
	later := map[string]bool{}
	for _, p := range o.Packages {
		if _, base := basePackages()[p.Name]; p.Installed || base {
			add(p.Name)
		} else {
			later[p.Name] = true
		}
	}
	for _, u := range o.Units {
		name := bringer(all, u)
		if later[name] {
			continue
		}
		units = append(units, u)
		if name != "" {
			add(name)
		}
	}
	slices.Sort(installed)
	return installed, units
}
