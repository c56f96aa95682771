//go:build linux

package faults

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/host"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/remote"
)

func TestMain(m *testing.M) { os.Exit(bed.Main(m)) }

const limit = time.Minute // far beyond what anything here takes

// lab is one real host and how a run reaches it.
type lab struct {
	*bed.Host
	pool *remote.Pool
}

func newLab(t *testing.T) *lab {
	t.Helper()
	b := bed.Start(t, bed.Options{Hosts: 1, Bare: true})
	p, err := remote.NewPool(remote.Options{IdentityFiles: []string{b.KeyFile}, KnownHosts: []string{b.KnownHosts}, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return &lab{Host: b.Hosts[0], pool: p}
}

type dialer struct{ *remote.Dialer }

func (d dialer) Dial(ctx context.Context) (host.Conn, error) { return d.Dialer.Dial(ctx) }

// afterAFailure makes the host a new one when a part of the test has failed, which leaves it
// anyhow: each part fails for its own reasons.
func (l *lab) afterAFailure(t *testing.T) {
	t.Helper()
	if t.Failed() {
		l.Join(t)
		l.Reset(t)
	}
}

// target is the host as one run has it.
func (l *lab) target(t *testing.T, want []mesh.Resource) *host.Host {
	t.Helper()
	h := host.New(host.Options{
		Mesh: "prod", Name: l.Name, Resources: want, Timeout: limit,
		Dialer: dialer{l.pool.Host(mesh.HostSpec{Name: l.Name, Address: l.Address, User: "root"})},
	})
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func addr(k mesh.Kind, name string) mesh.Address {
	return mesh.Address{Target: mesh.Host("h1"), Kind: k, Name: name}
}

func file(name, text string) mesh.Resource {
	return mesh.Resource{Addr: addr(mesh.File, name), Text: &text, Attrs: mesh.MustTree(map[string]any{
		"content": mesh.DigestBytes([]byte(text)), "mode": "0644", "owner": "root", "group": "root",
	})}
}

func directory(name string, purge bool) mesh.Resource {
	return mesh.Resource{Addr: addr(mesh.Directory, name), Purge: purge, Attrs: mesh.MustTree(map[string]any{
		"mode": "0755", "owner": "root", "group": "root",
	})}
}

func symlink(name, to string) mesh.Resource {
	return mesh.Resource{Addr: addr("symlink", name), Attrs: mesh.MustTree(map[string]any{"to": to})}
}

func service(name string, reads ...string) mesh.Resource {
	return mesh.Resource{
		Addr:    addr(mesh.Service, name),
		Attrs:   mesh.MustTree(map[string]any{"enabled": false, "running": true, "masked": false}),
		Service: &mesh.ServiceSpec{Reads: reads, On: mesh.OnRestart},
	}
}

// outcomes are what a batch said, in order.
type outcomes []plan.Outcome

func (o outcomes) String() string {
	var b strings.Builder
	for _, x := range o {
		fmt.Fprintf(&b, "%s %s: %s %s\n", x.Action, x.Subject, x.Result, x.Message)
	}
	return b.String()
}

// planned looks at the host and makes the work of a run.
func planned(t *testing.T, h *host.Host, run string, want []mesh.Resource) plan.Work {
	t.Helper()
	s := h.Observe(t.Context())
	if s.Outcome != mesh.OK || len(s.Unknown) > 0 {
		t.Fatalf("observe: %s %s %+v", s.Outcome, s.Message, s.Unknown)
	}
	w := plan.Work{Run: run, Time: "2026-01-01T00:00:00Z", Changes: diff.Diff(want, mesh.Observed{Targets: []mesh.TargetState{s}}).Changes}
	for _, c := range w.Changes {
		if c.Addr.Kind != mesh.Service {
			continue
		}
		for _, r := range want {
			if r.Addr == c.Addr {
				w.Services = append(w.Services, plan.ServiceStep{Target: r.Addr.Target, Unit: r.Addr.Name, Op: plan.OpStart, Spec: *r.Service})
			}
		}
	}
	return w
}

// ready is a run up to its batch: the lease and a look. The lease is kept, as by a run that is
// killed; the next one knows that.
func (l *lab) ready(t *testing.T, h *host.Host, run string, want []mesh.Resource) plan.Work {
	t.Helper()
	if err := h.Take(t.Context(), mesh.Lease{Run: run, Who: "test", Over: "first"}); err != nil {
		t.Fatal(err)
	}
	return planned(t, h, run, want)
}

// apply carries out a batch and returns what it said.
func apply(t *testing.T, h *host.Host, w plan.Work) (outcomes, error) {
	t.Helper()
	var out outcomes
	err := h.Apply(t.Context(), w, func(o plan.Outcome) { out = append(out, o) })
	return out, err
}

// settles shows that the next run ends in what is wanted, and that one after it finds
// nothing to do and nothing that was left.
func (l *lab) settles(t *testing.T, want []mesh.Resource) {
	t.Helper()
	h := l.target(t, want)
	got, err := apply(t, h, l.ready(t, h, "second", want))
	for _, o := range got {
		if o.Result != plan.ResultDone {
			t.Errorf("the next run: %+v", o)
		}
	}
	if err != nil {
		t.Fatalf("the next run: %v\n%s", err, got)
	}
	if err := h.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if w := planned(t, l.target(t, want), "third", want); len(w.Changes) > 0 {
		t.Errorf("a third run finds something to do: %+v", w.Changes)
	}
	l.Must(t, "[ ! -e /srv/t/dropped ] && [ ! -e /srv/t/below ]") // what git dropped
	l.leavesNothing(t)
}

func (l *lab) leavesNothing(t *testing.T) {
	t.Helper()
	left := l.Must(t, `find /srv /etc /var/lib/meshsync \( -name '.meshsync-prod.*' -o -path '/var/lib/meshsync/*/staging/*' -o -path '/var/lib/meshsync/*/.record*' -o -path '*/old/.new' -o -name unfinished -size +0 \)`)
	if left != "" {
		t.Errorf("the next run leaves\n%s", left)
	}
}

// hook makes the n-th call of any of the programs wait until let is called. They lie in the
// PATH before the real ones.
func (l *lab) hook(t *testing.T, n int, programs ...string) {
	t.Helper()
	l.Must(t, "rm -f /run/calls /run/stopped /run/let")
	for _, p := range programs {
		l.Put(t, "/usr/local/bin/"+p, fmt.Sprintf(`#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
k=0
[ ! -r /run/calls ] || read -r k </run/calls
k=$((k+1))
echo "$k" >/run/calls
if [ "$k" = %d ]; then
  : >/run/stopped
  while [ ! -e /run/let ]; do sleep 0.05; done
fi
exec %s "$@"
`, n, p), 0o755)
	}
}

func (l *lab) unhook(t *testing.T) { t.Helper(); l.Must(t, "rm -f /usr/local/bin/*") }

func (l *lab) let(t *testing.T) { t.Helper(); l.Must(t, ": >/run/let") }

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, ask func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ask(); time.Sleep(20 * time.Millisecond) { // between two looks
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

// at runs a batch up to where the hook stops it, and then does something. It reports false
// when the batch ended before. The batch's end comes through the channel.
func (l *lab) at(t *testing.T, h *host.Host, w plan.Work, do func()) (stopped bool, ended <-chan error) {
	t.Helper()
	ended = begun(t.Context(), h, w)
	return l.stops(t, ended, do), ended
}

// begun runs a batch, which is given up when ctx ends; its end comes through the channel.
func begun(ctx context.Context, h *host.Host, w plan.Work) <-chan error {
	done := make(chan error, 1)
	go func() { done <- h.Apply(ctx, w, func(plan.Outcome) {}) }()
	return done
}

// stops waits until the hook stops a batch, and then does something. It reports false when the
// batch ends before.
func (l *lab) stops(t *testing.T, ended <-chan error, do func()) (stopped bool) {
	t.Helper()
	eventually(t, "the batch stops or ends", func() bool {
		stopped = l.Exec(t, "test -e /run/stopped").Exit == 0
		return stopped || len(ended) > 0
	})
	if stopped {
		do()
	}
	return stopped
}
