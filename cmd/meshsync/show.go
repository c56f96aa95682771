package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync/internal/apply"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/render"
)

// maxShown bounds what show reads: a plan or snapshot of a large cluster is some megabytes.
const maxShown = 256 << 20

func newShow(e *environment, g *globals) *cobra.Command {
	out, full := outputs{}, false
	c := &cobra.Command{
		Use:   "show FILE",
		Short: "Retell a plan, a snapshot or the journal of a run",
		Long: `Print a file that meshsync wrote: a plan or drift (JSON), a snapshot (JSON), or the
journal of an apply. A journal of a run that was killed tells what is not known of it.

  meshsync show plan.json
  meshsync show ~/.local/state/meshsync/prod/20261127t071501-3f9c2a.jsonl
` + exitCodeHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("name one file: a plan, a snapshot or a journal")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := out.check(g, "text", "json", "markdown"); err != nil {
				return err
			}
			data, err := readBounded(args[0])
			if err != nil {
				return err
			}
			ws, err := showWriters(e, data, full)
			if err != nil {
				return &failure{exit: exitError, code: "unreadable", err: fmt.Errorf("%s: %w", args[0], err)}
			}
			for _, spec := range out.specs {
				format, _, _ := strings.Cut(spec, "=")
				if ws[format] == nil {
					return usage("-o %s: this kind of file has no such form", spec)
				}
			}
			return out.write(e, ws)
		},
	}
	c.Flags().StringArrayVarP(&out.specs, "output", "o", nil, "`FORMAT[=FILE]`: text, json, markdown (repeatable)")
	c.Flags().BoolVar(&full, "full", false, "show everything")
	return c
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxShown+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(data) > maxShown {
		return nil, fmt.Errorf("%s is larger than %d MiB: no file of meshsync's is", name, maxShown>>20)
	}
	return data, nil
}

// showWriters tells by its first member what the file is.
func showWriters(e *environment, data []byte, full bool) (writers, error) {
	var head struct {
		Schema string `json:"schema"`
		Run    string `json:"run"`
		Type   string `json:"type"`
	}
	if len(data) == 0 {
		return nil, errors.New("it is empty: a journal is when its run ended before it began anything")
	}
	first := json.NewDecoder(bytes.NewReader(data))
	if err := first.Decode(&head); err != nil {
		return nil, fmt.Errorf("it is no plan, drift, snapshot or journal: no JSON (%w)", err)
	}
	kind, _, _ := strings.Cut(head.Schema, "/")
	switch {
	case head.Schema == "" && head.Type != "" && head.Run != "":
		events, err := apply.ReadJournal(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return reportWriters(events, textOptions(e, "", full)), nil
	case kind == "meshsync.plan" || kind == "meshsync.drift":
		return shownPlan(e, head.Schema, data, full)
	case kind == "meshsync.snapshot":
		snap, err := render.ReadSnapshot(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return writers{
			"text": func(w io.Writer) error { return render.SnapshotText(w, snap, textOptions(e, "", full)) },
			"json": func(w io.Writer) error { return render.SnapshotJSON(w, snap) },
		}, nil
	default:
		return nil, fmt.Errorf("it is none of a plan, drift, a snapshot or a journal (schema %q)", head.Schema)
	}
}

func shownPlan(e *environment, schema string, data []byte, full bool) (writers, error) {
	if schema == plan.Schema {
		p, err := render.ReadPlan(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return planWriters(e, p, nil, flagsOf(p), full), nil
	}
	p, err := render.ReadDrift(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return writers{
		"text": func(w io.Writer) error { return render.Drift(w, p, textOptions(e, flagsOf(p), full)) },
		"json": func(w io.Writer) error { return render.DriftJSON(w, p) },
	}, nil
}

// flagsOf are the flags by which a plan's mesh is found from the root of its module.
func flagsOf(p plan.Plan) string {
	if p.Source.Dir == "" || p.Source.Dir == "." {
		return ""
	}
	return " -C " + shellWord(p.Source.Dir)
}
