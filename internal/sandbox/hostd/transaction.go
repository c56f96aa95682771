package hostd

import (
	"fmt"
	"slices"
	"strings"
)

// resolve adds what the wanted packages need, and brings along what needs them in the
// version that they have.
func (t *transaction) resolve() {
	for i := 0; i < len(t.order); i++ { // it grows meanwhile
		name := t.order[i]
		of := t.h.catalog[name]
		if of == nil {
			continue
		}
		for _, d := range of.dependencies(t.want[name]) {
			t.need(name, d)
		}
	}
	for _, p := range sorted(t.all) {
		if _, changes := t.want[p.name]; !p.there() || changes || slices.Contains(t.remove, p.name) {
			continue
		}
		for _, d := range p.depends {
			needed, version, exact := dependency(d)
			to, changes := t.want[needed]
			if !changes || !exact || to == version {
				continue
			}
			if of := t.h.catalog[p.name]; of != nil && slices.Contains(of.versions, to) {
				t.add(p.name, to)
			} else {
				t.unmet = append(t.unmet, fmt.Sprintf(" %s : Depends: %s but %s is to be installed", p.name, d, to))
			}
		}
	}
}

// dependency takes "NAME (= VERSION)" apart.
func dependency(d string) (name, version string, exact bool) {
	name, version, exact = strings.Cut(d, " (= ")
	return name, strings.TrimSuffix(version, ")"), exact
}

func (t *transaction) need(who, d string) {
	needed, version, exact := dependency(d)
	to, wanted := t.want[needed]
	if !wanted && t.all[needed].there() {
		to, wanted = t.all[needed].version, !exact || t.all[needed].version == version
	}
	switch {
	case wanted && (!exact || to == version):
	case wanted:
		t.unmet = append(t.unmet, fmt.Sprintf(" %s : Depends: %s but %s is to be installed", who, d, to))
	case exact && t.h.lookVersion(t.all, needed, version) != "":
		t.add(needed, version)
	case !exact && t.h.candidate(t.all, needed) != "":
		t.add(needed, t.h.candidate(t.all, needed))
	default:
		t.unmet = append(t.unmet, fmt.Sprintf(" %s : Depends: %s but it is not installable", who, d))
	}
}

// takeAlong adds the packages that need one that is removed, each before what it needs.
func (t *transaction) takeAlong() {
	for i := 0; i < len(t.remove); i++ {
		for _, p := range sorted(t.all) {
			needs := slices.ContainsFunc(p.depends, func(d string) bool { n, _, _ := dependency(d); return n == t.remove[i] })
			if needs && p.there() && !slices.Contains(t.remove, p.name) {
				t.remove = append(t.remove, p.name)
			}
		}
	}
	slices.Reverse(t.remove)
}

// kinds of changes, in the order in which apt lists them.
type changes struct{ removed, fresh, upgraded, downgraded, again, held []string }

func (t *transaction) sort() changes {
	var ch changes
	for _, n := range t.order {
		p, to := t.all[n], t.want[n]
		switch {
		case !p.there():
			ch.fresh = append(ch.fresh, n)
		case p.version == to && t.o.has("reinstall"):
			ch.again = append(ch.again, n)
		case p.version == to:
			t.c.printf("%s is already the newest version (%s).\n", n, to)
			continue
		case compareVersions(to, p.version) > 0:
			ch.upgraded = append(ch.upgraded, n)
		default:
			ch.downgraded = append(ch.downgraded, n)
		}
		if p != nil && p.want == "hold" && p.there() {
			ch.held = append(ch.held, n)
		}
	}
	for _, n := range t.remove {
		if t.all[n].there() && t.all[n].want == "hold" {
			ch.held = append(ch.held, n)
		}
	}
	ch.removed = slices.Clone(t.remove)
	return ch
}

// print lists the changes as apt does.
func (ch changes) print(c *toolCall, purge bool) {
	mark := map[bool]string{true: "*", false: ""}[purge]
	for _, x := range []struct {
		title string
		names []string
		mark  string
	}{
		{"The following packages will be REMOVED:", ch.removed, mark},
		{"The following NEW packages will be installed:", ch.fresh, ""},
		{"The following packages will be upgraded:", ch.upgraded, ""},
		{"The following packages will be DOWNGRADED:", ch.downgraded, ""},
		{"The following held packages will be changed:", ch.held, ""},
	} {
		if len(x.names) > 0 {
			list := slices.Sorted(slices.Values(x.names))
			c.printf("%s\n  %s%s\n", x.title, strings.Join(list, x.mark+" "), x.mark)
		}
	}
	c.printf("%d upgraded, %d newly installed, ", len(ch.upgraded), len(ch.fresh))
	if len(ch.again) > 0 {
		c.printf("%d reinstalled, ", len(ch.again))
	}
	if len(ch.downgraded) > 0 {
		c.printf("%d downgraded, ", len(ch.downgraded))
	}
	c.printf("%d to remove and 0 not upgraded.\n", len(ch.removed))
}

// carryOut does what was asked for, when apt would. named is how many packages were named.
func (t *transaction) carryOut(named int) {
	t.resolve()
	t.takeAlong()
	if len(t.unmet) > 0 {
		t.c.printf("Some packages could not be installed. This may mean that you have\nrequested an impossible situation or if you are using the unstable\n"+
			"distribution that some required packages have not yet been created\nor been moved out of Incoming.\n"+
			"The following information may help to resolve the situation:\n\nThe following packages have unmet dependencies:\n%s\n", strings.Join(t.unmet, "\n"))
		t.c.fail(100, "E: Unable to correct problems, you have held broken packages.")
		return
	}
	ch := t.sort()
	ch.print(t.c, t.purge)
	yes := t.o.has("y")
	switch {
	case len(ch.removed) > 0 && t.o.has("no-remove"):
		t.c.fail(100, "E: Packages need to be removed but remove is disabled.")
	case yes && len(ch.downgraded) > 0 && !t.o.has("allow-downgrades"):
		t.c.fail(100, "E: Packages were downgraded and -y was used without --allow-downgrades.")
	case yes && len(ch.held) > 0 && !t.o.has("allow-change-held-packages"):
		t.c.fail(100, "E: Held packages were changed and -y was used without --allow-change-held-packages.")
	case t.o.has("s"):
		t.simulate(ch)
	case !yes && (len(ch.removed)+len(ch.downgraded)+len(ch.held) > 0 || len(t.order) > named):
		t.c.printf("Do you want to continue? [Y/n] Abort.\n") // there is no terminal to answer from
		t.c.code = 1
	default:
		t.perform(ch)
	}
}

func (t *transaction) simulate(ch changes) {
	for _, n := range t.remove {
		t.c.printf("%s %s [%s]\n", map[bool]string{true: "Purg", false: "Remv"}[t.purge], n, t.all[n].version)
	}
	order := t.unpackOrder(ch)
	for _, n := range order {
		was := ""
		if t.all[n].there() {
			was = "[" + t.all[n].version + "] "
		}
		t.c.printf("Inst %s %s(%s Debian:12.11/stable [%s])\n", n, was, t.want[n], architecture())
	}
	for _, n := range order {
		t.c.printf("Conf %s (%s Debian:12.11/stable [%s])\n", n, t.want[n], architecture())
	}
}

// unpackOrder are the packages that change, what others need before them.
func (t *transaction) unpackOrder(ch changes) []string {
	after := map[string]*pkg{}
	var names []string
	for _, n := range slices.Concat(ch.fresh, ch.upgraded, ch.downgraded, ch.again) {
		if of := t.h.catalog[n]; of != nil {
			after[n] = &pkg{name: n, depends: of.dependencies(t.want[n])}
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return dependenciesFirst(after, names)
}

// perform changes the host. As apt does, it also configures what was left half-done before.
func (t *transaction) perform(ch changes) {
	ok := true
	for _, n := range t.remove {
		ok = ok && t.h.take(t.c, t.all, t.all[n], t.purge)
	}
	for _, n := range t.unpackOrder(ch) {
		ok = ok && t.h.unpack(t.c, t.all, t.h.catalog[n], t.want[n])
	}
	if waiting := pending(t.all); len(waiting) > 0 {
		ok = t.h.configure(t.c, t.all, waiting) && ok
	}
	if !ok {
		t.c.fail(100, "E: Sub-process /usr/bin/dpkg returned an error code (1)")
	}
}
