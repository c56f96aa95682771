//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// commandTimeout bounds one run of one command. Whatever takes longer has hung.
const commandTimeout = 10 * time.Minute

// A command is a program with its arguments and the folder that it runs in.
type command struct {
	dir  string
	args []string
	code int // the exit code that it has to have
}

func (c command) String() string { return strings.Join(c.args, " ") }

// A sample is what one run of a command took, as the system accounts for it.
type sample struct {
	wall, cpu time.Duration // cpu: user and system, of the process itself
	rss       int64         // peak resident memory in bytes
}

// measure runs c once. Its output is read and dropped; an exit code other than c's is an
// error that carries the end of what it said.
func measure(ctx context.Context, c command) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir = c.dir
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == c.code {
		err = nil
	} else if err == nil && c.code != 0 {
		err = fmt.Errorf("exit code 0, want %d", c.code)
	}
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w\n%s", c, err, tail(said.String()))
	}
	s := sample{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.rss = usage.Maxrss << 10 // kilobytes on Linux
	}
	return s, nil
}

// tail is the last lines of a command's output: enough to see why it failed.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-12):], "\n  ")
}

// rounds runs the commands in turn, A B C A B C …: a machine that gets slower meanwhile
// slows all of them. A first round warms the caches and is not counted. The result has
// one row per command and one column per round.
func rounds(ctx context.Context, n int, commands ...command) ([][]sample, error) {
	out := make([][]sample, len(commands))
	for round := -1; round < n; round++ {
		for i, c := range commands {
			s, err := measure(ctx, c)
			if err != nil {
				return nil, err
			}
			if round >= 0 {
				out[i] = append(out[i], s)
			}
		}
	}
	return out, nil
}

// median is the middle of values, the mean of the two middle ones for an even number.
func median[T cmp.Ordered](values []T, mean func(a, b T) T) T {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return mean(sorted[middle-1], sorted[middle])
}

func medianFloat(values []float64) float64 {
	return median(values, func(a, b float64) float64 { return (a + b) / 2 })
}

func medianOf(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	return medianFloat(values)
}

func wall(s sample) float64 { return s.wall.Seconds() }
func cpu(s sample) float64  { return s.cpu.Seconds() }
func rss(s sample) float64  { return float64(s.rss) }

// ratios divides round by round, so that both were measured within the same moment.
func ratios(above, below []sample, of func(sample) float64) []float64 {
	out := make([]float64, len(above))
	for i := range above {
		out[i] = of(above[i]) / of(below[i])
	}
	return out
}

// need fails with the name of a file that has to be there, and what makes it.
func need(file, made string) error {
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("%s is not there (%s makes it)", file, made)
	}
	return nil
}
