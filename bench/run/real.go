//go:build linux

package main

import (
	"context"
	"fmt"
)

// maxRealRatio is what a plan with nothing to do may cost of the floor on real hosts.
const maxRealRatio = 1.3

// realHosts measures on real hosts: what a plan costs that finds nothing to do.
func realHosts(ctx context.Context, s settings) []row {
	var rows []row
	for _, n := range []int{5, 20} {
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
	return append(rows, r)
}

// plan measures plans that find nothing to do.
func (c *realCluster) plan(ctx context.Context) (planned, error) {
	got, err := rounds(ctx, c.s.runs*planRounds, c.meshsync("validate"), c.meshsync("plan"), c.floorOf())
	if err != nil {
		return planned{}, err
	}
	return planned{hosts: len(c.bed.Hosts), validate: got[0], plan: got[1], floor: got[2]}, nil
}
