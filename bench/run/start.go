//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
)

const (
	maxBinaryMB   = 30
	maxStartRatio = 1.2
	// A start takes milliseconds, so that a few rounds would measure the machine's noise.
	startRounds = 30
)

// size is the size of the program on disk, as `make build` makes it.
func size(_ context.Context, s settings) []row {
	r := row{what: "size of the program", limit: maxBinaryMB, unit: "MB"}
	info, err := os.Stat(s.meshsync)
	if err != nil {
		r.err = err
		return []row{r}
	}
	r.value = float64(info.Size()) / 1e6
	r.parts = "CGO_ENABLED=0, -trimpath, stripped"
	return []row{r}
}

// start compares `meshsync version` with a program that imports the same libraries.
func start(ctx context.Context, s settings) []row {
	r := row{what: "`meshsync version` / a program that only imports the same libraries, wall", limit: maxStartRatio, unit: "×"}
	got, err := rounds(ctx, startRounds, command{dir: "", args: []string{s.meshsync, "version"}}, command{dir: "", args: []string{s.prescribed}})
	if err != nil {
		r.err = err
		return []row{r}
	}
	r.value = medianFloat(ratios(got[0], got[1], wall))
	r.parts = fmt.Sprintf("%.1f ms / %.1f ms, %d rounds", medianOf(got[0], wall)*1e3, medianOf(got[1], wall)*1e3, startRounds)
	return []row{r}
}
