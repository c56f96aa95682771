//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// maxPlanRatio is what a plan with nothing to do may cost, beyond reading the repository,
// of what asking the hosts costs at all.
const maxPlanRatio = 1.5

// planRounds is how many times more rounds a plan gets than the rest: what it costs is the
// difference of two commands, which scatters by a tenth from round to round.
const planRounds = 3

// fewHosts are planned in twice as many rounds: there the difference is a few dozen milliseconds.
const fewHosts = 50

// planned is what was measured on one cluster.
type planned struct {
	hosts                 int
	validate, plan, floor []sample
}

// hosts plans clusters of several sizes that have nothing to do, in a sandbox that runs
// in a process of its own, and gives the ratio for each and the slope of the client's CPU.
func hosts(ctx context.Context, s settings) []row {
	var rows []row
	var seen []planned
	for _, n := range s.hosts {
		p, err := planCluster(ctx, s, n)
		rows = append(rows, planRow(n, p, err))
		if err == nil {
			seen = append(seen, p)
		}
	}
	if len(s.hosts) > 1 {
		rows = append(rows, slopeRow(s, seen))
	}
	return rows
}

func planRow(n int, p planned, err error) row {
	r := row{what: fmt.Sprintf("(plan − validate) / floor, %d hosts, nothing to do, wall", n), limit: maxPlanRatio, unit: "×", err: err}
	if err != nil {
		return r
	}
	values := make([]float64, len(p.plan))
	for i := range p.plan {
		values[i] = (wall(p.plan[i]) - wall(p.validate[i])) / wall(p.floor[i])
	}
	r.value = medianFloat(values)
	r.parts = fmt.Sprintf("(%s − %s) / %s, %d rounds; plan's peak memory %s", milliseconds(medianOf(p.plan, wall)),
		milliseconds(medianOf(p.validate, wall)), milliseconds(medianOf(p.floor, wall)), len(p.plan), megabytes(medianOf(p.plan, rss)))
	return r
}

// slopeRow compares what one more host costs the client's processor, between the two
// largest clusters: what a run costs whatever their number is no part of it.
func slopeRow(s settings, seen []planned) row {
	r := row{what: "client CPU per further host, (plan − validate) / floor", limit: maxPlanRatio, unit: "×"}
	if len(seen) < 2 {
		r.err = fmt.Errorf("fewer than two of the clusters of %v hosts were measured", s.hosts)
		return r
	}
	a, b := seen[len(seen)-2], seen[len(seen)-1]
	further := float64(b.hosts - a.hosts)
	plan := (medianOf(b.plan, cpu) - medianOf(b.validate, cpu) - medianOf(a.plan, cpu) + medianOf(a.validate, cpu)) / further
	floor := (medianOf(b.floor, cpu) - medianOf(a.floor, cpu)) / further
	r.value = plan / floor
	r.parts = fmt.Sprintf("%.2f ms / %.2f ms, slope between %d and %d hosts", plan*1e3, floor*1e3, a.hosts, b.hosts)
	return r
}

// A cluster is a sandbox that runs, with its repository, applied.
type cluster struct {
	s                  settings
	repo, box, connect string
}

// plan is a command on the cluster.
func (c cluster) plan(args ...string) command {
	return command{dir: c.repo, args: append([]string{c.s.meshsync, "plan", "-C", clusterMesh, "--connect", c.connect}, args...)}
}

// planCluster measures plans of n hosts.
func planCluster(ctx context.Context, s settings, n int) (p planned, err error) {
	err = withCluster(ctx, s, n, func(c cluster) error {
		times := s.runs * planRounds
		if n < fewHosts {
			times *= 2
		}
		got, err := rounds(ctx, times, command{dir: c.repo, args: []string{s.meshsync, "validate", "-C", clusterMesh}}, c.plan(),
			command{dir: c.repo, args: []string{s.floor, "-connect", c.connect}})
		if err == nil {
			p = planned{hosts: n, validate: got[0], plan: got[1], floor: got[2]}
		}
		return err
	})
	return p, err
}

// withCluster makes a repository of n hosts, boots it as a sandbox, applies it, and has it
// measured. Nothing is left of it.
func withCluster(ctx context.Context, s settings, n int, measured func(cluster) error) (err error) {
	dir, err := os.MkdirTemp("", "meshsync-bench-")
	if err != nil {
		return err
	}
	defer func() {
		if rerr := os.RemoveAll(dir); err == nil {
			err = rerr
		}
	}()
	c := cluster{s: s, repo: filepath.Join(dir, "infra"), box: filepath.Join(dir, "box"), connect: filepath.Join(dir, "box", "connect.json")}
	if err := writeCluster(ctx, s, c.repo, n); err != nil {
		return fmt.Errorf("make a repository of %d hosts: %w", n, err)
	}
	if _, err := measure(ctx, command{dir: c.repo, args: []string{s.meshsync, "sandbox", "up", "--dir", c.box, "-C", clusterMesh}}); err != nil {
		return fmt.Errorf("boot the sandbox: %w", err)
	}
	defer func() {
		// Not the caller's context: the sandbox is to be ended after an interrupt, too.
		if _, derr := measure(context.WithoutCancel(ctx), command{dir: c.repo, args: []string{s.meshsync, "sandbox", "down", "--dir", c.box}}); err == nil {
			err = derr
		}
	}()
	if _, err := measure(ctx, command{dir: c.repo, args: []string{s.meshsync, "apply", "--yes", "-C", clusterMesh, "--connect", c.connect}}); err != nil {
		return fmt.Errorf("apply before the measurement: %w", err)
	}
	if _, err := measure(ctx, c.plan("--detailed-exitcode")); err != nil {
		return fmt.Errorf("the plan after apply is to be empty and complete: %w", err)
	}
	return measured(c)
}
