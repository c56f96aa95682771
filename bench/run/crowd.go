//go:build linux

package main

import (
	"context"
	"fmt"
	"time"
)

// The crowd is as many hosts as a mesh may well have, each with this latency.
const (
	crowdHosts   = 1000
	crowdLatency = "20" // milliseconds
	crowdTimeout = 5 * time.Second
	codeUnknown  = 3 // exit code of a plan for which something could not be observed

	maxCrowdSeconds = 30
	maxCrowdMemory  = 512 * 1.048576 // MB; the bound is 512 MiB
	maxCrowdGrowth  = 12
)

// crowd plans a tenth of the crowd, all of it, and all of it with one host in twenty dead.
func crowd(ctx context.Context, s settings) []row {
	what := fmt.Sprintf("plan of %d hosts with %s ms latency, nothing to do", crowdHosts, crowdLatency)
	few, many, dead, err := planCrowd(ctx, s)
	wallRow := row{what: what + ", wall", limit: maxCrowdSeconds, unit: "s", err: err}
	memory := row{what: "the same, peak memory", limit: maxCrowdMemory, unit: "MB", err: err}
	growth := row{what: fmt.Sprintf("the same / %d hosts, wall", crowdHosts/10), limit: maxCrowdGrowth, unit: "×", err: err}
	limit := crowdTimeout + 2*time.Second
	late := row{what: fmt.Sprintf("how much longer it takes where 5 %% are dead or hang and --timeout is %s", crowdTimeout), limit: limit.Seconds(), unit: "s", err: err}
	if err == nil {
		wallRow.value = medianOf(many, wall)
		memory.value = medianOf(many, rss) / 1e6
		growth.value = wallRow.value / medianOf(few, wall)
		growth.parts = fmt.Sprintf("%.1f s / %.1f s", wallRow.value, medianOf(few, wall))
		late.value = medianOf(dead, wall) - wallRow.value
		late.parts = fmt.Sprintf("%.1f s − %.1f s", medianOf(dead, wall), wallRow.value)
	}
	return []row{wallRow, memory, growth, late}
}

func planCrowd(ctx context.Context, s settings) (few, many, dead []sample, err error) {
	err = withCluster(ctx, s, crowdHosts/10, func(c cluster) (err error) {
		few, err = c.planLate(ctx)
		return err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	err = withCluster(ctx, s, crowdHosts, func(c cluster) (err error) {
		if many, err = c.planLate(ctx); err != nil {
			return err
		}
		dead, err = c.planWithDead(ctx)
		return err
	})
	return few, many, dead, err
}

// planLate plans with the latency on all hosts.
func (c cluster) planLate(ctx context.Context) ([]sample, error) {
	if err := c.fault(ctx, "*", "latency="+crowdLatency); err != nil {
		return nil, err
	}
	got, err := rounds(ctx, crowdRounds, c.plan("--timeout", crowdTimeout.String(), "--detailed-exitcode"))
	if err != nil {
		return nil, err
	}
	return got[0], nil
}

// crowdRounds are few: a round takes long, and its figures are no differences.
const crowdRounds = 3

// planWithDead plans while one agent in twenty is dead: half of these refuse connections,
// the others accept them and say nothing.
func (c cluster) planWithDead(ctx context.Context) ([]sample, error) {
	for fault, patterns := range map[string][]string{"unreachable": {"a?25", "a?50", "a?75"}, "hang": {"a?00", "a?33", "a?66"}} {
		for _, p := range patterns { // nine hosts each
			if err := c.fault(ctx, p, fault); err != nil {
				return nil, err
			}
		}
	}
	plan := c.plan("--timeout", crowdTimeout.String())
	plan.code = codeUnknown
	got, err := rounds(ctx, crowdRounds, plan)
	if err != nil {
		return nil, err
	}
	return got[0], nil
}

func (c cluster) fault(ctx context.Context, target, name string) error {
	_, err := measure(ctx, command{dir: c.repo, args: []string{c.s.meshsync, "sandbox", "fault", "--dir", c.box, target, name}})
	return err
}
