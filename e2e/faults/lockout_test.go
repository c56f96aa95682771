//go:build linux

package faults

import (
	"context"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/host"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

const tookBack = "/var/lib/meshsync/prod/put-back"

// as is the host as one run of a user has it.
func (l *lab) as(t *testing.T, user string, want []mesh.Resource) *host.Host {
	t.Helper()
	h := host.New(host.Options{
		Mesh: "prod", Name: l.Name, Resources: want, Timeout: 10 * time.Second, Sudo: mesh.SudoAll,
		Dialer: dialer{l.pool.Host(mesh.HostSpec{Name: l.Name, Address: l.Address, User: user})},
	})
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// lockouts are changes that their programs accept, and behind which nobody comes in any more.
func lockouts() []lockout {
	return []lockout{
		{"sshd lets nobody in", "root", "/etc/ssh/sshd_config.d/users.conf", "AllowUsers nobody\n", "", []plan.ServiceStep{{Unit: "ssh", Op: plan.OpReload}}, ""},
		{"sshd listens elsewhere", "root", "/etc/ssh/sshd_config.d/users.conf", "ListenAddress 127.0.0.1\n", "", []plan.ServiceStep{{Unit: "ssh", Op: plan.OpRestart}}, ""},
		{"sudo forbids", "admin", "/etc/sudoers.d/zz", "ALL ALL=(ALL) !ALL\n", "", nil, ""},
		{
			"the firewall drops all", "root", "/etc/nftables.conf", "ip route replace blackhole 10.213.0.0/25\n",
			"ip route del blackhole 10.213.0.0/25 2>/dev/null; true\n",
			[]plan.ServiceStep{{Unit: "nftables", Op: plan.OpRestart}},
			`printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh /etc/nftables.conf\n' >/etc/systemd/system/nftables.service; systemctl daemon-reload; systemctl start nftables`,
		},
	}
}

type lockout struct {
	name, user, path, text, before string
	steps                          []plan.ServiceStep
	prepare                        string
}

// work is what a run does of it, behind a lease.
func (x lockout) work(t *testing.T, l *lab) (want []mesh.Resource, h *host.Host, w plan.Work) {
	t.Helper()
	l.Must(t, "rm -rf /var/lib/meshsync /srv/other "+x.path+"; systemctl restart ssh; systemctl reset-failed")
	if x.before != "" {
		l.Put(t, x.path, x.before, 0o644)
	}
	if x.prepare != "" {
		l.Must(t, x.prepare)
	}
	f := file(x.path, x.text)
	if x.user != "root" {
		f.Attrs["mode"] = "0440"
	}
	want = []mesh.Resource{f, file("/srv/other", "new\n")}
	h = l.as(t, x.user, want)
	w = l.ready(t, h, "first", want)
	w.Confirm = 5 * time.Second
	for _, s := range x.steps {
		s.Target = mesh.Host(l.Name)
		w.Services = append(w.Services, s)
	}
	return want, h, w
}

// isBack shows that a new run comes in, and finds to do what was taken back.
func (x lockout) isBack(t *testing.T, l *lab, want []mesh.Resource) plan.Work {
	t.Helper()
	w := planned(t, l.as(t, x.user, want), "second", want)
	if len(w.Changes) == 0 || w.Changes[0].Addr.Name != x.path {
		t.Errorf("the next plan: %+v", w.Changes)
	}
	l.Must(t, "[ ! -e /var/lib/meshsync/prod/watch ]")
	return w
}

// TestWhatLocksOutComesBack has each host let nobody in, until it takes that back by itself.
func TestWhatLocksOutComesBack(t *testing.T) {
	l := newLab(t)
	for _, x := range lockouts() {
		l.afterAFailure(t)
		t.Run(x.name, func(t *testing.T) {
			want, h, w := x.work(t, l)
			got, err := apply(t, h, w)
			if err == nil || !strings.Contains(err.Error(), "it took back by itself what was to be confirmed") {
				t.Errorf("%v\n%s", err, got)
			}
			if !strings.Contains(got.String(), "put back host/h1/file:"+x.path+": rolled_back") {
				t.Errorf("it says\n%s", got)
			}
			if w := x.isBack(t, l, want); len(w.Changes) != 1 || l.Get(t, "/srv/other") != "new\n" {
				t.Errorf("what cuts nothing off is to be done again: %+v", w.Changes)
			}
			l.leavesNothing(t)
		})
	}
}

// TestWhatLocksOutComesBackWithoutMeshsync ends the run amid its batch, and once the batch is done.
func TestWhatLocksOutComesBackWithoutMeshsync(t *testing.T) {
	l := newLab(t)
	for _, x := range lockouts()[:3] {
		l.afterAFailure(t)
		t.Run(x.name, func(t *testing.T) {
			want, h, w := x.work(t, l)
			ctx, cancel := context.WithCancel(t.Context())
			err := h.Apply(ctx, w, func(o plan.Outcome) {
				if o.Result == plan.ResultDone {
					cancel()
				}
			})
			if err == nil {
				t.Error("it ended well")
			}
			l.Must(t, "for i in $(seq 600); do if [ -e "+tookBack+" ] && [ ! -e /var/lib/meshsync/prod/watch ]; then exit 0; fi; sleep 0.1; done; exit 1")
			x.isBack(t, l, want)
		})
	}
}

// TestALoginConfirms shows the same with a change that lets people in.
func TestALoginConfirms(t *testing.T) {
	l := newLab(t)
	for _, x := range []lockout{
		{"sshd", "root", "/etc/ssh/sshd_config.d/users.conf", "AllowUsers root admin reader\n", "", []plan.ServiceStep{{Unit: "ssh", Op: plan.OpReload}}, ""},
		{"sudo", "admin", "/etc/sudoers.d/zz", "Defaults !requiretty\n", "", nil, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			want, h, w := x.work(t, l)
			w.Confirm = time.Hour
			got, err := apply(t, h, w)
			if err != nil || !strings.Contains(got.String(), "a new login came in, so it stays") {
				t.Errorf("%v\n%s", err, got)
			}
			if err := h.Release(t.Context()); err != nil {
				t.Error(err)
			}
			l.Must(t, "[ ! -e /var/lib/meshsync/prod/watch ]")
			if w := planned(t, l.as(t, x.user, want), "third", want); len(w.Changes) > 0 {
				t.Errorf("%+v", w.Changes)
			}
		})
	}
}

// A host that is booted meanwhile has nobody who takes anything back: that it lets somebody in is all that there is to know.
func TestABootEndsTheWatch(t *testing.T) {
	l := newLab(t)
	x := lockout{name: "boot", user: "root", path: "/etc/sudoers.d/zz", text: "Defaults !requiretty\n"}
	want, h, w := x.work(t, l)
	w.Confirm = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	_ = h.Apply(ctx, w, func(plan.Outcome) { cancel() }) // it is killed before it can confirm
	l.Kill(t)
	l.Boot(t)
	l.settles(t, append(want, file("/srv/more", "x\n")))
	l.Must(t, "[ ! -e /var/lib/meshsync/prod/watch ]")
}
