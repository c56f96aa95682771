package host

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// query is what one observation asks of a host.
type query struct {
	mesh, host string
	paths      []wanted                         // what lies at paths; sorted by path
	purged     map[string]bool                  // directories whose entries are listed as strays
	reads      []string                         // paths that services read; directories end in "/"
	packages   []string                         // of which services read the version; sorted
	parents    []string                         // directories of wanted paths that are not wanted themselves; sorted
	ways       []string                         // directories on the ways to contents, see waysTo
	named      map[mesh.Kind][]primitive.Wanted // what lies at no path, sorted by name
	recorded   []mesh.Resource                  // desired, of kinds that cannot be looked at
	undeclared map[string]bool                  // packages that are only read
	onlyTimes  string                           // the unit of which nothing but its times is wanted
	gone       map[string]bool                  // paths where nothing may be
	trees      []string                         // of these, those that go with all that is in them
	checks     []mesh.Check
	lives      map[string]mesh.ServiceRecord // services that this run started, by unit
	probeOnly  bool
	lease      bool   // who holds it is wanted
	user       string // who looks, when that is not root; "" for root
	asRoot     bool   // this user may have the state and digests of files by way of sudo
}

// wanted is one path and why it is looked at.
type wanted struct {
	addr   mesh.Address
	digest string // of the desired content: a file that has it need not be sent; "" sends it
	text   bool   // the content may be sent at all
	secret bool   // not even its digest may be sent, but under the host's key only
}

func newQuery(o Options) query {
	q := query{
		mesh: o.Mesh, host: o.Name, purged: map[string]bool{}, gone: map[string]bool{}, undeclared: map[string]bool{},
		named: map[mesh.Kind][]primitive.Wanted{}, checks: o.Checks, lease: o.Lease,
	}
	reads := map[string]bool{}
	for _, r := range o.Resources {
		if r.Service != nil {
			for _, p := range r.Service.Reads {
				reads[p] = true
			}
		}
		p, _ := primitive.Of(r.Addr.Kind)
		switch {
		case p.Recorded != nil:
			q.recorded = append(q.recorded, r)
			continue
		case p.Named != nil:
			q.named[r.Addr.Kind] = append(q.named[r.Addr.Kind], primitive.Wanted{
				Name: r.Addr.Name, Attrs: r.Attrs, Workers: r.Service != nil && r.Service.On == mesh.OnReload,
			})
			continue
		}
		q.gone[r.Addr.Name] = r.Gone
		if r.Gone && r.Recursive {
			q.trees = append(q.trees, r.Addr.Name)
		}
		content, text := r.Attrs["content"].(string)
		if o.Texts {
			content = ""
		}
		q.paths = append(q.paths, wanted{addr: r.Addr, text: text && r.Secret == nil, digest: content, secret: r.Secret != nil})
		if r.Purge {
			q.purged[r.Addr.Name] = true
		}
	}
	for read := range reads {
		if name, ok := mesh.PackageRead(read); ok {
			delete(reads, read)
			q.addPackage(name)
		}
	}
	slices.Sort(q.packages)
	q.addRootSlice()
	q.reads = slices.Sorted(maps.Keys(reads))
	q.parents = parentsOf(q.paths)
	q.ways = waysTo(q.paths)
	for _, wanted := range q.named {
		slices.SortFunc(wanted, func(a, b primitive.Wanted) int { return cmp.Compare(a.Name, b.Name) })
	}
	return q
}

func (q query) isTree(name string) bool { return slices.Contains(q.trees, name) }

// addPackage looks at a package that a service reads, be it declared or not.
func (q *query) addPackage(name string) {
	q.packages = append(q.packages, name)
	if !slices.ContainsFunc(q.named[mesh.Package], func(w primitive.Wanted) bool { return w.Name == name }) {
		q.named[mesh.Package] = append(q.named[mesh.Package], primitive.Wanted{Name: name})
		q.undeclared[name] = true
	}
}

// addRootSlice looks at the unit that tells when systemd came up, beside any services.
func (q *query) addRootSlice() {
	units := q.named[mesh.Service]
	if len(units) > 0 && !slices.ContainsFunc(units, func(w primitive.Wanted) bool { return w.Name == primitive.RootSlice }) {
		q.named[mesh.Service] = append(units, primitive.Wanted{Name: primitive.RootSlice})
		q.onlyTimes = primitive.RootSlice
	}
}

// packageList is the file that dpkg writes when a package is unpacked: when it changed is
// when the package did.
func packageList(name string) string { return "/var/lib/dpkg/info/" + name + ".list" }

func parentsOf(paths []wanted) []string {
	named, parents := map[string]bool{}, map[string]bool{}
	for _, w := range paths {
		named[w.addr.Name] = true
	}
	for _, w := range paths {
		if dir := path.Dir(w.addr.Name); !named[dir] && w.addr.Kind != mesh.Directory {
			parents[dir] = true
		}
	}
	return slices.Sorted(maps.Keys(parents))
}

// names reports whether what stat said is about a path that was asked for, or a directory on
// the way to one.
func (q query) names(line string) bool {
	return slices.ContainsFunc(q.paths, func(w wanted) bool { return strings.Contains(line, w.addr.Name) }) ||
		slices.ContainsFunc(q.ways, func(dir string) bool { return strings.Contains(line, dir+"'") || strings.Contains(line, dir+":") })
}

// listed are the directories whose entries are listed, sorted: purged ones and those
// that a service reads.
func (q query) listed() []string {
	set := maps.Clone(q.purged)
	if set == nil {
		set = map[string]bool{}
	}
	for _, r := range q.reads {
		if d, ok := strings.CutSuffix(r, "/"); ok {
			set[d] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// unitReads are the names of unit files of which all places are read, and which reads these are.
type unitReads struct {
	files []string
	place map[string]bool
}

func (q query) units() unitReads {
	u := unitReads{place: map[string]bool{}}
	for _, r := range q.reads {
		file, is := primitive.UnitOfHost(r)
		places := primitive.UnitPlaces(file)
		if !is || slices.ContainsFunc(places, func(p string) bool { _, there := slices.BinarySearch(q.reads, p); return !there }) {
			continue
		}
		u.files = append(u.files, file)
		for _, p := range places {
			u.place[p] = true
		}
	}
	return u
}

// recordedOnly is the query for what the record of a host names and this one did not ask for.
func (q query) recordedOnly(s mesh.TargetState) query {
	out := query{user: q.user, asRoot: q.asRoot, mesh: q.mesh, host: q.host, named: map[mesh.Kind][]primitive.Wanted{}}
	if s.RecordState != mesh.RecordOK {
		return out
	}
	asked := map[mesh.Address]bool{}
	for _, w := range q.paths {
		asked[w.addr] = true
	}
	for _, r := range s.Strays {
		asked[r.Addr] = true
	}
	for _, name := range slices.Sorted(maps.Keys(s.Record.Entries)) {
		a, err := mesh.ParseAddress(name)
		if err != nil || a.Target != s.Target || asked[a] {
			continue
		}
		p, _ := primitive.Of(a.Kind) // none of a newer meshsync's kinds
		named := func(w primitive.Wanted) bool { return w.Name == a.Name }
		switch {
		case p.Named != nil && !slices.ContainsFunc(q.named[a.Kind], named):
			out.named[a.Kind] = append(out.named[a.Kind], primitive.Wanted{Name: a.Name})
		case p.Path != nil && p.Path.Type != 0 && a.IsPath() && !strings.Contains(a.Name, "\n"):
			out.paths = append(out.paths, wanted{addr: a, secret: s.Record.Entries[name].Keyed != ""})
		}
	}
	return out
}
