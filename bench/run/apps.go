//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

const (
	maxVetWall    = 1.0 // of cue vet's time
	maxVetMemory  = 0.5 // of cue vet's memory
	maxGrowth     = 12  // of 1,000 apps' time, for 10,000
	maxTenthouMB  = 500
	appsPerFolder = 20
)

// apps compares `meshsync validate` with `cue vet` on a repository of many apps, of the
// example's shape: folders that import one shared template.
func apps(ctx context.Context, s settings) []row {
	wallRow := row{what: "1,000 apps in 50 folders: `meshsync validate` / `cue vet -c ./...`, wall", limit: maxVetWall, unit: "×"}
	memoryRow := row{what: "the same, peak memory", limit: maxVetMemory, unit: "×"}
	growthRow := row{what: "10,000 apps in 500 folders / 1,000 apps, wall", limit: maxGrowth, unit: "×"}
	largeRow := row{what: "10,000 apps in 500 folders, peak memory", limit: maxTenthouMB, unit: "MB"}
	wideRow := row{what: "10,000 apps in 50 folders, wall", unit: "s"}

	small, err := validateApps(ctx, s, 50, appsPerFolder, true)
	if err != nil {
		wallRow.err, memoryRow.err, growthRow.err = err, err, err
	} else {
		ours, cues := small[0], small[1]
		wallRow.value = medianFloat(ratios(ours, cues, wall))
		wallRow.parts = milliseconds(medianOf(ours, wall)) + " / " + milliseconds(medianOf(cues, wall))
		memoryRow.value = medianFloat(ratios(ours, cues, rss))
		memoryRow.parts = megabytes(medianOf(ours, rss)) + " / " + megabytes(medianOf(cues, rss))
	}
	large, err := validateApps(ctx, s, 500, appsPerFolder, false)
	if err != nil {
		growthRow.err, largeRow.err = err, err
	} else {
		largeRow.value = medianOf(large[0], rss) / 1e6
		if growthRow.err == nil {
			growthRow.value = medianOf(large[0], wall) / medianOf(small[0], wall)
			growthRow.parts = milliseconds(medianOf(large[0], wall)) + " / " + milliseconds(medianOf(small[0], wall))
		}
	}
	wide, err := validateApps(ctx, s, 50, 10*appsPerFolder, false)
	if wideRow.err = err; err == nil {
		wideRow.value = medianOf(wide[0], wall)
		wideRow.parts = "peak memory " + megabytes(medianOf(wide[0], rss))
	}
	return []row{wallRow, memoryRow, growthRow, largeRow, wideRow}
}

// validateApps measures `meshsync validate` at HEAD and, with vet, `cue vet` beside it.
func validateApps(ctx context.Context, s settings, folders, perFolder int, vet bool) (got [][]sample, err error) {
	dir, err := os.MkdirTemp("", "meshsync-bench-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if rerr := os.RemoveAll(dir); err == nil {
			err = rerr
		}
	}()
	repo := filepath.Join(dir, "infra")
	if err := writeApps(ctx, s, repo, folders, perFolder); err != nil {
		return nil, fmt.Errorf("make a repository of %d apps: %w", folders*perFolder, err)
	}
	commands := []command{{dir: repo, args: []string{s.meshsync, "validate", "-C", clusterMesh}}}
	if vet {
		commands = append(commands, command{dir: repo, args: []string{s.cue, "vet", "-c", "./..."}})
	}
	return rounds(ctx, s.runs, commands...)
}
