//go:build linux

package hosts

import (
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// A new host has never asked apt for its lists, and nobody knows what is on offer.
func TestAPackageOfAHostWhoseListsAreEmpty(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.Must(t, "rm -rf /var/lib/apt/lists/* && touch /var/lib/apt/lists")
	m.converge(t, m.all(t, "packages", "mesos", `{}`))
	m.is(t, "mesos", "ii 1.11.0-1")
}

func TestVersionsOfPackages(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(t, deb{name: "tool", version: "1.0-1"}, deb{name: "tool", version: "1.1-1"}, deb{name: "tool", version: "2.0-1"})
	m.Must(t, "apt-get update -qq")
	for _, x := range []struct{ name, declared, is string }{
		{"a glob takes the newest that fits", `{"version": "1.*"}`, "ii 1.1-1"},
		{"exact and older", `{"version": "1.0-1"}`, "ii 1.0-1"},
		{"a glob that fits what is there changes nothing", `{"version": "1.*"}`, "ii 1.0-1"},
		{"any changes nothing", `{}`, "ii 1.0-1"},
		{"held, and newer", `{"version": "2.0-1", "hold": true}`, "hi 2.0-1"},
		{"held and older", `{"version": "1.1-1", "hold": true}`, "hi 1.1-1"},
		{"what git does not say of holding stays", `{"version": "1.1-1"}`, "hi 1.1-1"},
		{"free again", `{"hold": false}`, "ii 1.1-1"},
	} {
		t.Run(x.name, func(t *testing.T) {
			m.converge(t, m.all(t, "packages", "tool", x.declared))
			m.is(t, "tool", x.is)
		})
	}
	t.Run("held at a version that is on offer no more", func(t *testing.T) {
		m.Must(t, "rm /srv/own/tool_1.1-1.deb")
		m.publish(t)
		m.Must(t, "apt-get update -qq")
		m.converge(t, m.all(t, "packages", "tool", `{"version": "1.1-1", "hold": true}`))
		m.is(t, "tool", "hi 1.1-1")
	})
	t.Run("published after the last update of the lists", func(t *testing.T) {
		m.publish(t, deb{name: "tool", version: "3.0-1"})
		m.converge(t, m.all(t, "packages", "tool", `{"version": "3.*"}`))
		m.is(t, "tool", "hi 3.0-1")
	})
	t.Run("a version that nobody has", func(t *testing.T) {
		got := m.apply(t, m.all(t, "packages", "tool", `{"version": "9"}`))
		result(t, got, "update tool", plan.ResultFailed, "Version '9' for 'tool' was not found")
		m.is(t, "tool", "hi 3.0-1")
	})
	t.Run("a package that nobody has", func(t *testing.T) {
		got := m.apply(t, m.all(t, "packages", "no.tool", `{}`))
		result(t, got, "create no.tool", plan.ResultFailed, "apt has no version of no.tool: is it in the sources of the host?")
	})
}

func TestPackagesThatWantEachOtherExactlyChangeTogether(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	pair := func(v string) []deb {
		return []deb{{name: "a-lib", version: v, depends: "b-tool (= " + v + ")"}, {name: "b-tool", version: v, depends: "a-lib (= " + v + ")"}}
	}
	m.publish(t, append(pair("1"), pair("2")...)...)
	for _, v := range []string{"1", "2", "1"} {
		m.converge(t, m.all(t, "packages", "a-lib", `{"version": "`+v+`"}`, "packages", "b-tool", `{"version": "`+v+`"}`))
		m.is(t, "a-lib", "ii "+v)
		m.is(t, "b-tool", "ii "+v)
	}
	if got := m.Must(t, "grep -c '^Start-Date' /var/log/apt/history.log"); got != "3\n" {
		t.Errorf("three changes of two packages are %s transactions", got)
	}
	t.Run("dropped together", func(t *testing.T) {
		m.converge(t, nil)
		m.holds(t, "! dpkg-query -W -f '${db:Status-Abbrev}' a-lib b-tool | grep -q '^i'")
	})
}

// One that git does not name must not go because another one does.
func TestAPackageThatOthersNeedIsNotRemoved(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(t, deb{name: "lib", version: "1"}, deb{name: "app", version: "1", depends: "lib"})
	m.converge(t, m.all(t, "packages", "lib", `{}`))
	m.Must(t, "apt-get install -qq -y app")
	result(t, m.apply(t, nil), "delete lib", plan.ResultFailed, "other packages need it")
	m.is(t, "lib", "ii 1")
	m.is(t, "app", "ii 1")
}

func TestAPackageThatFailsHalfwayIsMendedByANewerOne(t *testing.T) {
	b, m := start(t, bed.Options{Bare: true})
	b.Publish(t, bed.Mesos{Version: "1.12.0-1", Postinst: "echo 'no luck' >&2\nexit 1"})
	m.publish(t, deb{name: "tool", version: "1"})
	want := m.all(t, "packages", "mesos", `{"version": "1.12.0-1"}`, "packages", "tool", `{}`)
	got := m.apply(t, want)
	result(t, got, "create mesos", plan.ResultFailed, "no luck")
	m.is(t, "mesos", "iF 1.12.0-1")
	result(t, m.apply(t, want), "update mesos", plan.ResultFailed, "no luck")
	b.Publish(t, bed.Mesos{Version: "1.12.0-2"})
	m.converge(t, m.all(t, "packages", "mesos", `{"version": "1.12.0-2"}`, "packages", "tool", `{}`))
	m.is(t, "mesos", "ii 1.12.0-2")
	m.holds(t, "[ ! -e /usr/sbin/policy-rc.d ]")
}

// What somebody wrote into a package's file stays, and nobody is asked.
func TestAnUpgradeKeepsAFileThatSomebodyChanged(t *testing.T) {
	b, m := start(t, bed.Options{Bare: true})
	m.converge(t, m.all(t, "packages", "mesos", `{"version": "1.11.0-1"}`))
	m.Must(t, "echo 7 >/etc/mesos-master/quorum")
	b.Publish(t, bed.Mesos{Version: "1.12.0-1"})
	m.converge(t, m.all(t, "packages", "mesos", `{"version": "1.12.0-1"}`))
	m.holds(t, "grep -qx 7 /etc/mesos-master/quorum")
}

// The answer is there before the question is asked.
func TestAnAnswerIsGivenBeforeThePackageAsks(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(t, deb{name: "asks", version: "1", postinst: ". /usr/share/debconf/confmodule\ndb_get shared/licence\necho \"$RET\" >/srv/answer"})
	m.converge(t, m.all(t, "packages", "asks", `{}`, "debconf", "asks shared/licence boolean", `{"value": "true"}`))
	m.holds(t, "grep -qx true /srv/answer")
}

// What comes may have nothing removed for it, neither what git does not name nor what it does.
func TestAPackageThatConflictsRemovesNothing(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(t, deb{name: "bystander", version: "1"}, deb{name: "other", version: "1"}, deb{name: "bully", version: "1", more: "Conflicts: bystander, other\n"})
	m.converge(t, m.all(t, "packages", "other", `{}`))
	m.Must(t, "apt-get install -qq -y bystander")
	for name, want := range map[string][]mesh.Resource{
		"one that git does not name": m.all(t, "packages", "bully", `{}`),
		"one that git names":         m.all(t, "packages", "bully", `{}`, "packages", "other", `{}`),
	} {
		t.Run(name, func(t *testing.T) {
			h := m.target(t, want)
			p := m.planned(t, h, want)
			p.Stages = p.Stages[:1] // what git drops goes behind
			result(t, m.applied(t, h, p), "create bully", plan.ResultFailed, "apt would remove for it: bystander other; nothing was changed")
			m.is(t, "bystander", "ii 1")
			m.is(t, "other", "ii 1")
		})
	}
	t.Run("two that git wants, both new", func(t *testing.T) {
		m.Must(t, "apt-get purge -qq -y bystander other")
		got := m.apply(t, m.all(t, "packages", "bully", `{}`, "packages", "other", `{}`))
		result(t, got, "create bully", plan.ResultFailed, "apt-get install failed")
		result(t, got, "create other", plan.ResultFailed, "apt-get install failed")
	})
	t.Run("once the other is gone", func(t *testing.T) {
		m.converge(t, m.all(t, "packages", "bully", `{}`))
		m.is(t, "bully", "ii 1")
	})
}

// A name is that of a package: what others provide, or a word that apt reads otherwise, is none.
func TestANameIsThatOfAPackage(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(
		t, deb{name: "one", version: "1", more: "Provides: virt\n"}, deb{name: "two", version: "1", more: "Provides: virt\n"},
		deb{name: "tool", version: "1"}, deb{name: "tool", version: "1+"}, deb{name: "tool+", version: "1"},
	)
	m.Must(t, "apt-get update -qq")
	t.Run("what others provide", func(t *testing.T) {
		got := m.apply(t, m.all(t, "packages", "virt", `{}`))
		result(t, got, "create virt", plan.ResultFailed, "apt has no version of virt, which is the name of what others provide: declare one of them, one two")
		m.is(t, "one", "")
	})
	t.Run("a plus that is apt's word for installing", func(t *testing.T) {
		result(t, m.apply(t, m.all(t, "packages", "one+", `{}`)), "create one+", plan.ResultFailed, "apt has no version of one+")
		m.is(t, "one", "")
	})
	t.Run("a plus of its own", func(t *testing.T) {
		m.converge(t, m.all(t, "packages", "tool+", `{}`, "packages", "tool", `{"version": "1+"}`))
		m.is(t, "tool+", "ii 1")
		m.is(t, "tool", "ii 1+")
		m.converge(t, m.all(t, "packages", "tool+", `{}`, "packages", "tool", `{"version": "1"}`))
		m.is(t, "tool", "ii 1")
		m.converge(t, m.all(t, "packages", "tool", `{"version": "1"}`))
		m.is(t, "tool", "ii 1")
	})
}

// A file that git and a package have is git's; one that somebody else writes to while apt is at
// work is a conflict all the same.
func TestWhatComesToAPathWhileAptWorks(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(t, deb{name: "tool", version: "1", files: map[string]string{"/usr/share/own": "the package's\n"}, postinst: "echo made >/srv/made; echo edited >/srv/edited"})
	m.Must(t, "echo old >/usr/share/own; echo old >/srv/edited")
	const text = `{"content": "git\n", "mode": "0644", "owner": "root", "group": "root"}`
	got := m.apply(t, m.all(t, "packages", "tool", `{}`, "files", "/usr/share/own", text, "files", "/srv/made", text, "files", "/srv/edited", text))
	result(t, got, "update /usr/share/own", plan.ResultDone, "")
	result(t, got, "create /srv/made", plan.ResultDone, "")
	result(t, got, "update /srv/edited", plan.ResultConflict, "it is no longer as planned")
	m.holds(t, "grep -qx git /usr/share/own && grep -qx git /srv/made && grep -qx edited /srv/edited")
}

// A package that a service reads comes along with another one: nobody planned the restart, so
// the run says that one is due, and the next plan has it.
func TestAPackageThatComesAlongIsTold(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(t, deb{name: "lib", version: "1"}, deb{name: "lib", version: "2"}, deb{name: "app", version: "1", depends: "lib"}, deb{name: "app", version: "2", depends: "lib (>= 2)"})
	m.Must(t, "apt-get update -qq; apt-get install -qq -y lib=1 app=1")
	want := func(version string) []mesh.Resource {
		return m.all(t, "packages", "app", `{"version": "`+version+`"}`,
			"files", "/etc/systemd/system/s.service", `{"content": "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n", "mode": "0644", "owner": "root", "group": "root"}`,
			"services", "s", `{"enabled": true, "running": true, "reads": ["package:lib"], "on": "restart"}`)
	}
	m.converge(t, want("1"))
	got := m.apply(t, want("2"))
	result(t, got, "update app", plan.ResultDone, "another version of lib came along, which a service reads: plan again")
	result(t, m.apply(t, want("2")), "restart s", plan.ResultDone, "")
	m.settled(t, want("2"))
}

// What an earlier batch of a run brought, or somebody else since the plan, did not come along.
func TestAPackageOfABatchBeforeDidNotComeAlong(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(t, deb{name: "lib", version: "1"}, deb{name: "app", version: "1"})
	m.Must(t, "apt-get update -qq")
	want := m.all(t, "packages", "app", `{}`,
		"files", "/etc/systemd/system/s.service", `{"content": "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n", "mode": "0644", "owner": "root", "group": "root"}`,
		"services", "s", `{"enabled": true, "running": true, "reads": ["package:lib"], "on": "restart"}`)
	h := m.target(t, want)
	p := m.planned(t, h, want)
	m.Must(t, "apt-get install -qq -y lib")
	got := m.applied(t, h, p)
	if o := got["create app"]; o.Result != plan.ResultDone || o.Message != "" {
		t.Errorf("%s: %q; all: %+v", o.Result, o.Message, got)
	}
}
