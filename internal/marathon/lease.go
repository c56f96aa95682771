package marathon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

// The lease of a Marathon is an app without instances, /meshsync/MESH/lease/N. Whoever
// takes it posts N+1, which Marathon allows one of many. Its version is when it was written,
// by Marathon's clock; the Date of an answer is what that clock says now. The greatest N stays
// when a lease is given back: were it used again, a run that had read the list before could post a
// number that somebody else has had meanwhile.
const (
	labelRun     = "meshsync.lease.run"
	labelSeconds = "meshsync.lease.seconds"
	labelWho     = "meshsync.lease.who"
	labelJob     = "meshsync.lease.job"
	labelProcess = "meshsync.lease.process"
)

func leaseGroup(meshName string) string { return ownGroup + meshName + "/lease/" }

// held is a lease app as it was read.
type held struct {
	n    int
	by   mesh.Lease
	left time.Duration // 0 or less: it expired
}

// Take takes the lease of the Marathon. The error is a *mesh.Held when another run has it.
func (m *Marathon) Take(ctx context.Context, l mesh.Lease) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.keepsRecords() {
		return nil // which the plan says
	}
	all, err := m.leases(ctx)
	if err != nil {
		return err
	}
	n := 0
	for _, h := range all {
		n = max(n, h.n)
		if h.left > 0 && h.by.Run != l.Run && h.by.Run != l.Over {
			return &mesh.Held{Target: m.Target(), By: h.by, Left: h.left}
		}
	}
	var a *apiError
	err = m.writeLease(ctx, http.MethodPost, n+1, l, mesh.LeaseTime)
	if errors.As(err, &a) && a.status == http.StatusConflict {
		return &mesh.Held{Target: m.Target(), By: mesh.Lease{Run: "unknown", Who: "somebody who was faster"}, Left: mesh.LeaseTime}
	}
	if err != nil && !m.posted(ctx, err, n+1, l.Run) {
		return fmt.Errorf("take the lease of %s: %w", m.Target(), err)
	}
	m.lease, m.leaseN, m.renewAt = l, n+1, m.o.Now().Add(renewEach)
	if err := m.wasFirst(ctx); err != nil {
		return err
	}
	for _, h := range all { // what expired, was given back, or ended with its process
		m.dropLease(ctx, h.n)
	}
	return nil
}

// posted reports, of a lease whose reply did not come, whether it is there: left alone it would keep others away for its time.
func (m *Marathon) posted(ctx context.Context, err error, n int, run string) bool {
	var r *reachError
	if !errors.As(err, &r) || !r.sent {
		return false
	}
	all, err := m.leases(ctx)
	return err == nil && slices.ContainsFunc(all, func(h held) bool { return h.n == n && h.by.Run == run })
}

// wasFirst looks again after a lease was posted, and takes it back when there is a greater number: others
// have had the run's own meanwhile, and given it back. The error is then a *mesh.Held. Where nobody tells, it
// is given back as far as that can be, as where the run's own is not shown: then a greater one would not be, either.
func (m *Marathon) wasFirst(ctx context.Context) error {
	all, err := m.leases(ctx)
	above, ok := greater(all, m.leaseN)
	if err == nil && !ok && !slices.ContainsFunc(all, func(h held) bool { return h.n == m.leaseN }) {
		err = fmt.Errorf("the lease of %s was written, and the list of leases does not show it: a node that lags answers, or somebody deleted it at once; apply again in a moment", m.Target())
	}
	if err != nil {
		_ = m.writeLease(ctx, http.MethodPut, m.leaseN, m.lease, 0)
		m.lease = mesh.Lease{}
		return err
	}
	if !ok {
		return nil
	}
	m.dropLease(ctx, m.leaseN)
	m.lease = mesh.Lease{}
	return &mesh.Held{Target: m.Target(), By: above.by, Left: above.left}
}

// greater finds a lease with a greater number.
func greater(all []held, n int) (held, bool) {
	i := slices.IndexFunc(all, func(h held) bool { return h.n > n })
	if i < 0 {
		return held{}, false
	}
	return all[i], true
}

// Renew makes the lease last from now on. The error is a *mesh.Lost when it is no longer
// the run's own.
func (m *Marathon) Renew(ctx context.Context) error {
	if !m.mu.TryLock() {
		return nil // a change is under way, which renews it itself
	}
	defer m.mu.Unlock()
	return m.renew(ctx)
}

func (m *Marathon) renew(ctx context.Context) error {
	if err := m.stillHolds(ctx); err != nil || m.lease.Run == "" {
		return err
	}
	now := m.o.Now()
	m.renewAt = now.Add(renewAgain)
	if err := m.putLease(ctx, http.MethodPut, m.leaseN, m.lease, mesh.LeaseTime); err != nil {
		return err
	}
	m.renewAt = now.Add(renewEach)
	return nil
}

// A lease is renewed when a third of its time is over. What is refused, as at the limit of deployments, is not waited for, for
// a change may be under way that is to be followed; it is tried again soon, and not at once, for Marathon makes events of it.
const (
	renewEach  = mesh.LeaseTime / 3
	renewAgain = 10 * time.Second
)

// keep renews the lease amid a change, which may take longer than a lease lasts. What it cannot do it tries
// again soon; that a lease was lost is seen before anything more is written.
func (m *Marathon) keep(ctx context.Context) {
	if m.lease.Run != "" && !m.o.Now().Before(m.renewAt) {
		_ = m.renew(ctx)
	}
}

// stillHolds reports a *mesh.Lost when the lease is gone; nil for a run that took none.
func (m *Marathon) stillHolds(ctx context.Context) error {
	if m.lease.Run == "" {
		return nil
	}
	all, err := m.leases(ctx)
	if err != nil {
		return err
	}
	lost := &mesh.Lost{Target: m.Target()}
	if above, ok := greater(all, m.leaseN); ok {
		lost.To = above.by.Run
		return lost
	}
	i := slices.IndexFunc(all, func(h held) bool { return h.n == m.leaseN && h.by.Run == m.lease.Run })
	if i >= 0 && all[i].left > 0 {
		return nil
	}
	lost.Gone = i < 0
	return lost
}

// Release gives the lease back, if it is still the run's own. A stage that was left amid its batches is
// settled first: nobody else will.
func (m *Marathon) Release(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unsubscribe()
	if err := m.stillHolds(ctx); err != nil || m.lease.Run == "" {
		return err
	}
	unsettled := m.settle(ctx)
	if err := m.writeLease(ctx, http.MethodPut, m.leaseN, m.lease, 0); err != nil {
		return fmt.Errorf("give back the lease of %s: %w", m.Target(), err)
	}
	m.lease = mesh.Lease{}
	return unsettled
}

// leases reads all lease apps, with what is left of each.
func (m *Marathon) leases(ctx context.Context) ([]held, error) {
	var list struct {
		Apps []map[string]any `json:"apps"`
	}
	header, err := m.api.call(ctx, http.MethodGet, "/v2/apps?id="+strings.TrimSuffix(leaseGroup(m.o.Mesh), "/"), nil, &list)
	if err != nil {
		return nil, err
	}
	return m.readLeases(list.Apps, header), nil
}

// readLeases reads the lease apps among some, with what is left of each when they were answered.
func (m *Marathon) readLeases(apps []map[string]any, header http.Header) []held {
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		now = m.o.Now() // a proxy that drops the date; the lease's margin is minutes
	}
	var out []held
	for _, a := range apps {
		id, _ := a["id"].(string)
		n, err := strconv.Atoi(path.Base(id))
		if err != nil || !strings.HasPrefix(id, leaseGroup(m.o.Mesh)) {
			continue
		}
		labels, _ := a["labels"].(map[string]any)
		label := func(name string) string { text, _ := labels[name].(string); return text }
		h := held{n: n, by: mesh.Lease{Run: label(labelRun), Who: label(labelWho), Job: label(labelJob), Process: label(labelProcess)}}
		version, _ := a["version"].(string)
		written, err := time.Parse(time.RFC3339, version)
		seconds, serr := strconv.Atoi(label(labelSeconds))
		lasts := time.Duration(seconds) * time.Second
		if age := now.Sub(written); err == nil && serr == nil && age > -lasts { // else the clock was set back
			h.left = lasts - age
		}
		out = append(out, h)
	}
	return out
}

// holder is who has the lease when the apps were answered; nil for nobody.
func (m *Marathon) holder(apps []map[string]any, header http.Header) *mesh.Held {
	var holds *mesh.Held
	newest := 0
	for _, h := range m.readLeases(apps, header) {
		if h.left > 0 && h.n >= newest {
			newest, holds = h.n, &mesh.Held{Target: m.Target(), By: h.by, Left: h.left}
		}
	}
	return holds
}

// writeLease writes a lease app, which lasts for a time from now on, and waits for what keeps that from being done.
func (m *Marathon) writeLease(ctx context.Context, method string, n int, l mesh.Lease, lasts time.Duration) error {
	return m.retryLocked(ctx, func(bool) error {
		err := m.putLease(ctx, method, n, l, lasts)
		if method == http.MethodPost && atLimit(err) {
			return errors.New("no lease can be taken while as many deployments run as this Marathon allows (100, unless --max_running_deployments says otherwise), " +
				"for it refuses every write then: wait until some have ended, or cancel one (DELETE /v2/deployments/ID?force=true is what works), and apply again")
		}
		return err
	}, waitsOnly, func(string) {})
}

// putLease sends a lease app, once.
func (m *Marathon) putLease(ctx context.Context, method string, n int, l mesh.Lease, lasts time.Duration) error {
	id := leaseGroup(m.o.Mesh) + strconv.Itoa(n)
	target := "/v2/apps"
	if method == http.MethodPut {
		target = pathOf(id) + "?partialUpdate=false"
	}
	_, err := m.api.call(ctx, method, target, map[string]any{
		"id": id, "cmd": "exit 0", "instances": 0, "cpus": 0.01, "mem": 1, "portDefinitions": []any{},
		"labels": map[string]any{
			labelRun: l.Run, labelSeconds: strconv.Itoa(int(lasts / time.Second)), labelWho: l.Who, labelJob: l.Job, labelProcess: l.Process,
			// What did not change is no new version: the time makes each renewal one.
			"meshsync.lease.at": m.o.Now().UTC().Format(time.RFC3339Nano),
		},
	}, nil)
	return err
}

// dropLease removes a lease app. One that stays is in nobody's way once it has expired.
func (m *Marathon) dropLease(ctx context.Context, n int) {
	_, _ = m.api.call(ctx, http.MethodDelete, pathOf(leaseGroup(m.o.Mesh)+strconv.Itoa(n))+"?force=false", nil, nil)
}
