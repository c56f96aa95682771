//go:build linux

package main

import (
	"context"
	"fmt"
)

const (
	maxRestartRatio   = 2.0
	maxManyFilesRatio = 1.5
	maxLargeFileRatio = 1.5
)

// restarts changes one file on all hosts, which restarts a service on each, all at once. The
// bound is twice the floor and what the restarts take, so that the restarts are taken off.
func (c *realCluster) restarts(ctx context.Context) row {
	r := row{
		what:  fmt.Sprintf("real hosts: (apply of a file with a restart on %d hosts − validate − restarts) / floor, wall", len(c.bed.Hosts)),
		limit: maxRestartRatio, unit: "×",
	}
	var got [][]sample
	got, r.err = c.changing(ctx, func(round int) string { return fmt.Sprintf("word: \"w%d\"", round) }, "",
		c.meshsync("validate", "--worktree"), c.meshsync("apply", "--worktree", "--yes"), c.floorOf(), c.floorOf("-restart", "bench"))
	if r.err != nil {
		return r
	}
	values := make([]float64, len(got[0]))
	for i := range values {
		validate, apply, floor, restart := wall(got[0][i]), wall(got[1][i]), wall(got[2][i]), wall(got[3][i])
		values[i] = (apply - validate - (restart - floor)) / floor
	}
	r.value = medianFloat(values)
	r.parts = fmt.Sprintf("apply %s, validate %s, floor %s, floor with restarts %s, %d rounds", milliseconds(medianOf(got[1], wall)),
		milliseconds(medianOf(got[0], wall)), milliseconds(medianOf(got[2], wall)), milliseconds(medianOf(got[3], wall)), len(values))
	return r
}

// changing runs the commands in turn, each round with the settings of the mesh's role bench that are
// the round's. The script runs before on the first agent.
func (c *realCluster) changing(ctx context.Context, settings func(round int) string, script string, commands ...command) ([][]sample, error) {
	out := make([][]sample, len(commands))
	for round := range c.s.runs*planRounds + 1 {
		if err := c.set(settings(round)); err != nil {
			return nil, err
		}
		if err := c.run(ctx, c.bed.Hosts[masters], script); err != nil {
			return nil, err
		}
		for i, cmd := range commands {
			s, err := measure(ctx, cmd)
			if err != nil {
				return nil, err
			}
			if round > 0 { // the first one warms the caches
				out[i] = append(out[i], s)
			}
		}
	}
	return out, nil
}

// manyFiles compares plans that find nothing to do of 200 and of 20 files more on each host.
func (c *realCluster) manyFiles(ctx context.Context) row {
	r := row{what: "real hosts: (plan − validate) of 200 files per host / of 20, wall", limit: maxManyFilesRatio, unit: "×"}
	var few, many planned
	if few, r.err = c.planOfFiles(ctx, 20); r.err != nil {
		return r
	}
	if many, r.err = c.planOfFiles(ctx, 200); r.err != nil {
		return r
	}
	cost := func(p planned) float64 {
		var values []float64
		for i := range p.plan {
			values = append(values, (wall(p.plan[i])-wall(p.validate[i]))/wall(p.floor[i]))
		}
		return medianFloat(values)
	}
	r.value = cost(many) / cost(few)
	r.parts = fmt.Sprintf("(%s − %s) / (%s − %s), each by the floor of its own rounds", milliseconds(medianOf(many.plan, wall)),
		milliseconds(medianOf(many.validate, wall)), milliseconds(medianOf(few.plan, wall)), milliseconds(medianOf(few.validate, wall)))
	return r
}

func (c *realCluster) planOfFiles(ctx context.Context, n int) (planned, error) {
	if err := c.set("word: \"files\"", fmt.Sprintf("files: %d", n)); err != nil {
		return planned{}, err
	}
	if _, err := measure(ctx, c.meshsync("apply", "--worktree", "--yes")); err != nil {
		return planned{}, err
	}
	return c.plan(ctx, "--worktree")
}

func (c *realCluster) largeFileByDash(ctx context.Context) row { return c.largeFile(ctx, "dash") }
func (c *realCluster) largeFileByBash(ctx context.Context) row { return c.largeFile(ctx, "bash") }

// largeFile creates a file of 64 MiB on one host whose sh is the shell, and changes nothing else, against
// a cat of as much.
func (c *realCluster) largeFile(ctx context.Context, shell string) row {
	const host, mebibytes = "a1", 64
	r := row{what: fmt.Sprintf("real hosts: apply of a file of %d MiB where sh is %s / cat of it, wall", mebibytes, shell), limit: maxLargeFileRatio, unit: "×"}
	if r.err = c.run(ctx, c.bed.Hosts[masters], "ln -sf "+shell+" /bin/sh"); r.err != nil {
		return r
	}
	plan := []string{"--worktree", "--only", "host/" + host + "/*"}
	var got [][]sample
	settings := fmt.Sprintf("word: %q, mebibytes: %d", shell, mebibytes)
	got, r.err = c.changing(ctx, func(int) string { return settings }, "rm -f /etc/bench/large",
		c.meshsync("plan", plan...), c.meshsync("apply", append(plan, "--yes")...), c.floorOf("-only", host), c.floorOf("-only", host, "-put", fmt.Sprint(mebibytes<<20)))
	if r.err != nil {
		return r
	}
	values := make([]float64, len(got[0]))
	for i := range values {
		values[i] = (wall(got[1][i]) - wall(got[0][i])) / (wall(got[3][i]) - wall(got[2][i]))
	}
	r.value = medianFloat(values)
	r.parts = fmt.Sprintf("(apply %s − plan %s) / (%s − %s), %d rounds", milliseconds(medianOf(got[1], wall)),
		milliseconds(medianOf(got[0], wall)), milliseconds(medianOf(got[3], wall)), milliseconds(medianOf(got[2], wall)), len(values))
	return r
}
