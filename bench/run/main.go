//go:build linux

// Command run measures meshsync as whole processes against floor programs that are
// measured in the same moment, and prints a table of ratios in Markdown. Ratios carry
// from one machine to another; times do not.
//
// Exit code: 0 every limit is kept, 1 one is missed or could not be measured, 2 usage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"meshsync.dev/meshsync/e2e/bed"
)

// settings are the programs that are measured, by absolute path, and how often.
type settings struct {
	meshsync, floor, prescribed, cue string

	runs  int
	hosts []int
	log   io.Writer
}

// A part measures some rows of the table. A part that fails still gives rows, with the reason.
type part struct {
	name    string
	measure func(context.Context, settings) []row
	bed     bool // it is measured on real hosts
}

func parts() []part {
	return []part{{"size", size, false}, {"start", start, false}, {"hosts", hosts, false}, {"crowd", crowd, false}, {"real", realHosts, true}, {"apps", apps, false}, {"live", liveApps, false}}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(errOut)
	s := settings{log: errOut}
	flags.StringVar(&s.meshsync, "meshsync", "bin/meshsync", "the `PROGRAM` that is measured")
	flags.StringVar(&s.floor, "floor", "bin/bench/floor", "bench/floor, built")
	flags.StringVar(&s.prescribed, "prescribed", "bin/bench/prescribed", "bench/prescribed, built")
	flags.StringVar(&s.cue, "cue", "bin/tools/cue", "the cue command")
	flags.IntVar(&s.runs, "runs", 5, "counted rounds")
	counts := flags.String("hosts", "5,20,200", "sizes of the clusters that are planned")
	only := flags.String("only", "", "`PARTS` to measure, of size,start,hosts,crowd,real,apps,live (default all)")
	file := flags.String("o", "", "write the table to `FILE`, too, when every part was measured")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	chosen, err := s.prepare(*counts, *only)
	if err != nil {
		fmt.Fprintln(errOut, "bench:", err)
		return 2
	}
	all := func() int {
		var rows []row
		for _, p := range chosen {
			fmt.Fprintf(errOut, "bench: %s\n", p.name)
			rows = append(rows, p.measure(ctx, s)...)
		}
		return report(rows, s.runs, *file, len(chosen) == len(parts()), out, errOut)
	}
	if slices.ContainsFunc(chosen, func(p part) bool { return p.bed }) {
		return bed.Inside(context.WithoutCancel(ctx), all)
	}
	return all()
}

// prepare checks the settings and makes paths absolute: commands run in other folders.
func (s *settings) prepare(counts, only string) ([]part, error) {
	for _, p := range []struct {
		file *string
		made string
	}{{&s.meshsync, "make build"}, {&s.floor, "make bench"}, {&s.prescribed, "make bench"}, {&s.cue, "scripts/tools"}} {
		abs, err := filepath.Abs(*p.file)
		if err != nil {
			return nil, err
		}
		if err := need(abs, p.made); err != nil {
			return nil, err
		}
		*p.file = abs
	}
	for n := range strings.SplitSeq(counts, ",") {
		count, err := strconv.Atoi(n)
		if err != nil || count < 5 {
			return nil, fmt.Errorf("-hosts %s: want numbers of at least 5 (three masters and two agents), between commas", counts)
		}
		s.hosts = append(s.hosts, count)
	}
	if s.runs < 1 {
		return nil, errors.New("-runs is at least 1")
	}
	return choose(only)
}

func choose(only string) ([]part, error) {
	if only == "" {
		return parts(), nil
	}
	var out []part
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(parts(), func(p part) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only %s: there is no part %q", only, name)
		}
		out = append(out, parts()[i])
	}
	return out, nil
}

// report prints the table, and writes it to file when the run was whole.
func report(rows []row, runs int, file string, whole bool, out, errOut io.Writer) int {
	text := document(rows, runs)
	fmt.Fprint(out, text)
	missed := 0
	for _, r := range rows {
		if !r.missed() {
			continue
		}
		missed++
		if r.err != nil {
			fmt.Fprintf(errOut, "bench: %s was not measured: %v\n", r.what, r.err)
			whole = false
		}
	}
	switch {
	case file == "":
	case !whole:
		fmt.Fprintf(errOut, "bench: %s is left as it was, since not everything was measured\n", file)
	default:
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			fmt.Fprintln(errOut, "bench:", err)
			return 1
		}
	}
	if missed > 0 {
		fmt.Fprintf(errOut, "bench: %d of %d figures are over their limit or unknown\n", missed, len(rows))
		return 1
	}
	return 0
}
