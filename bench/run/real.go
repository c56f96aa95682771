//go:build linux

package main

import (
	"context"
	"fmt"
)

// manyRealHosts is the size of the cluster on which everything is measured.
const manyRealHosts = 20

// maxRealRatio is what a plan with nothing to do may cost of the floor on real hosts.
const maxRealRatio = 1.3

// realHosts measures on real hosts: what a plan costs that finds nothing to do, and on the
// larger cluster what changes cost.
func realHosts(ctx context.Context, s settings) []row {
	var rows []row
	for _, n := range []int{5, manyRealHosts} {
		rows = append(rows, onRealHosts(ctx, s, n)...)
	}
	return rows
}

func onRealHosts(ctx context.Context, s settings, n int) (rows []row) {
	c, err := newRealCluster(ctx, s, n)
	defer func() {
		if err := c.remove(ctx); err != nil {
			rows = append(rows, row{what: fmt.Sprintf("removal of %d real hosts", n), err: err})
		}
	}()
	var p planned
	if err == nil {
		p, err = c.plan(ctx)
	}
	r := planRow(n, p, err)
	r.what, r.limit = "real hosts: "+r.what, maxRealRatio
	rows = append(rows, r)
	if n < manyRealHosts {
		return rows
	}
	rows = append(rows, cpuRow(p, err))
	for _, m := range []func(context.Context) row{c.restarts, c.largeFileByDash, c.largeFileByBash, c.manyFiles} {
		if err == nil {
			rows = append(rows, m(ctx))
		}
	}
	return rows
}

// maxHostCPU is what a host may cost the processor of the machine that meshsync runs on.
const maxHostCPU = 0.004

// cpuRow is what a plan costs the client's processor for each host.
func cpuRow(p planned, err error) row {
	r := row{what: "real hosts: client CPU of (plan − validate) per host", limit: maxHostCPU * 1e3, unit: "ms", err: err}
	if err == nil {
		plan, validate := medianOf(p.plan, cpu), medianOf(p.validate, cpu)
		r.value = (plan - validate) * 1e3 / float64(p.hosts)
		r.parts = fmt.Sprintf("(%s − %s) / %d hosts", milliseconds(plan), milliseconds(validate), p.hosts)
	}
	return r
}

// plan measures plans that find nothing to do.
func (c *realCluster) plan(ctx context.Context, args ...string) (planned, error) {
	got, err := rounds(ctx, c.s.runs*planRounds, c.meshsync("validate", args...), c.meshsync("plan", args...), c.floorOf())
	if err != nil {
		return planned{}, err
	}
	return planned{hosts: len(c.bed.Hosts), validate: got[0], plan: got[1], floor: got[2]}, nil
}
