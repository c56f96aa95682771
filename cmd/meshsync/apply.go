package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync/internal/apply"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/render"
)

// applyFlags are the flags of apply alone.
type applyFlags struct {
	yes, rollback, adopt bool
	journal              string
	again                string // see again
	more                 bool   // see planned.more
}

func newApply(e *environment, g *globals) *cobra.Command {
	f, a := &planFlags{}, &applyFlags{}
	c := &cobra.Command{
		Use:   "apply [DIR]",
		Short: "Plan, show the plan, ask, and carry it out",
		Long: `Make the plan that meshsync plan shows, show it, ask (on a terminal; elsewhere
--yes is required) and carry it out: stage by stage, each batch behind its gates.
It stops at the first thing that is not as planned; run it again to go on.
With --yes the plan is shown with one line for each change; --full shows all of it.

The first SIGINT, SIGTERM or SIGHUP lets the running batch end and starts nothing new; the
second abandons it. Both close the journal. Before anything is done, a lease is taken
on each target that the plan touches, and on all members of an ensemble of which one is
stopped; where another run has one, nothing is done (exit code 4). A lease that is not
renewed ends after five minutes, that of a run which was killed on this machine at once.

Secrets are decrypted, read from the environment or asked of a command once the plan is
agreed to and before anything is done, each once, and only those of files that are written.

  meshsync apply
  meshsync apply -C prod --yes
  meshsync apply --ref v41 --rollback     an older commit
` + exitCodeHelp,
		Args: dirArg(g),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.out.check(g, "text", "json", "markdown"); err != nil {
				return err
			}
			if !a.yes && !e.stdinTTY {
				return usage("standard input is no terminal, so nobody can be asked: review the plan and add --yes")
			}
			a.again = again(c, g)
			return applyCommand(c.Context(), e, g, f, a)
		},
	}
	f.register(c.Flags(), "text, json, markdown")
	f.registerPolicy(c.Flags())
	c.Flags().BoolVarP(&a.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&a.rollback, "rollback", false, "allow a commit that is older than, or unrelated to, the one applied before")
	c.Flags().BoolVar(&a.adopt, "adopt", false, "also record resources that are already as desired, on hosts that need no change")
	c.Flags().StringArrayVar(&f.identities, "age-identity", nil, "`FILE` with identities that decrypt secrets (repeatable; default $MESHSYNC_AGE_IDENTITY)")
	c.Flags().StringVar(&a.journal, "journal", "", "`FILE` for the events of the run (default below $XDG_STATE_HOME/meshsync)")
	return c
}

func applyCommand(ctx context.Context, e *environment, g *globals, f *planFlags, a *applyFlags) error {
	f.trusted = true // whoever applies a commit runs what it says
	p, err := makePlan(ctx, e, g, f)
	if err != nil {
		return err
	}
	defer p.close()
	dirtyWarning(e, g, p.desired)
	showWarnings(e, p.desired)
	a.adopt = a.adopt || len(f.machines) > 0 // only a record that is written remembers whom the user accepted
	if a.rollback {
		allowRollback(&p.plan)
	}
	a.more = p.more
	p.moves()
	p.mayWrite(ctx, e, g, a.adopt)
	shown := textOptions(e, a.again, f.full)
	shown.Apply = true
	shown.Brief = a.yes && !f.full // nobody reads it to decide: the plan was reviewed before
	if err := render.Plan(e.stderr, p.plan, shown); err != nil {
		return err
	}
	if !p.plan.Applicable {
		return refused(e, g, p.plan)
	}
	if p.plan.Empty && len(p.plan.NotServing) == 0 && (!a.adopt || len(unrecorded(p.input)) == 0) {
		if err := f.out.write(e, reportWriters(nil, reportOptions(e, f, a))); err != nil {
			return err
		}
		return completeness(p.plan)
	}
	if !a.yes && !p.plan.Empty {
		if ok, err := confirm(e); err != nil || !ok {
			return err
		}
	}
	if err := resolveSecrets(ctx, e, p); err != nil {
		return err
	}
	return carryOut(ctx, e, g, f, a, p)
}

// refused is the end of an apply whose plan may not be carried out. The text of the plan
// said why; a program that waits for JSON is told, too.
func refused(e *environment, g *globals, p plan.Plan) error {
	if g.format != "json" {
		return result(exitRefused)
	}
	var why []string
	for _, r := range p.Refusals {
		why = append(why, r.Code+": "+r.Message)
	}
	if err := render.ErrorJSON(e.stdout, "refused", strings.Join(why, "\n"), "meshsync plan -o json has each refusal with its rule"); err != nil {
		return err
	}
	return result(exitRefused)
}

// allowRollback takes the refusals about ancestry out of the plan and says so.
func allowRollback(p *plan.Plan) {
	kept := []plan.Refusal{}
	for _, r := range p.Refusals {
		if r.Code == "ancestry" {
			p.Notes = append(p.Notes, "rollback: "+r.Message)
		} else {
			kept = append(kept, r)
		}
	}
	p.Refusals, p.Applicable = kept, len(kept) == 0
}

// confirm asks the person at the terminal. Anything but yes changes nothing.
func confirm(e *environment) (bool, error) {
	fmt.Fprint(e.stderr, "Carry out this plan? Type yes: ")
	line, err := bufio.NewReader(e.stdin).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, err
	}
	if strings.TrimSpace(line) != "yes" {
		fmt.Fprintln(e.stderr, "Nothing was changed.")
		return false, result(exitRefused)
	}
	return true, nil
}

func carryOut(ctx context.Context, e *environment, g *globals, f *planFlags, a *applyFlags, p *planned) error {
	id := runID(e.now())
	file, err := journalFile(e, a.journal, p.plan.Mesh, id)
	if err != nil {
		return err
	}
	j, err := apply.OpenJournal(file)
	if err != nil {
		return err
	}
	defer j.Close()
	fmt.Fprintln(e.stderr, "journal: "+file)
	defer sayInterrupted(e)()
	var events []apply.Event
	show := render.Progress(e.stderr, e.stderrTTY, e.width)
	err = apply.Run(ctx, p.plan, apply.Options{
		Run: id, Limit: max(1, g.parallel), Members: plan.Members(p.input), Adopt: unrecorded(p.input), AdoptAll: a.adopt,
		Targets: p.targets.appliers(), Probers: p.targets.probers(),
		Leases: p.targets.leasers(), Lease: leaseOf(e, id),
		Stop: e.stop, Now: e.now, Wait: wait, Pause: wait, Poll: 250 * time.Millisecond,
		Record: func(ev apply.Event) error {
			events = append(events, ev)
			show(ev)
			return j.Append(ev)
		},
		Sync: j.Sync,
	})
	werr := f.out.write(e, reportWriters(events, reportOptions(e, f, a)))
	if werr != nil {
		werr = fmt.Errorf("the run is over and its journal is whole, but the report: %w", werr)
	}
	return firstError(err, reported(e, werr, runResult(apply.Fold(events))), werr, completeness(p.plan))
}

// reported is how a run ended. When that is what the exit code tells, a report that could
// not be written is only mentioned.
func reported(e *environment, werr, ended error) error {
	if werr != nil && ended != nil {
		fmt.Fprintln(e.stderr, "meshsync: "+werr.Error())
	}
	return ended
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// sayInterrupted tells at once that the first signal was heard; the batch that runs may
// take minutes. The result ends it.
func sayInterrupted(e *environment) (end func()) {
	over := make(chan struct{})
	go func() {
		select {
		case <-e.stop:
			fmt.Fprintln(e.stderr, "interrupted: the batch that runs is finished, then nothing new is started; once more abandons it")
		case <-over:
		}
	}()
	return func() { close(over) }
}

// completeness is exitIncomplete when the plan could not see everything, however much of
// it policy let pass and however well that went.
func completeness(p plan.Plan) error {
	if !p.Complete {
		return result(exitIncomplete)
	}
	return nil
}

// reportOptions are how the report of this run is rendered.
func reportOptions(e *environment, f *planFlags, a *applyFlags) render.Options {
	o := textOptions(e, a.again, f.full)
	o.Restart, o.More = f.restart, a.more
	return o
}

func reportWriters(events []apply.Event, o render.Options) writers {
	return writers{
		"text": func(w io.Writer) error { return render.Report(w, events, o) },
		"json": func(w io.Writer) error { return render.ReportJSON(w, events) },
		"markdown": func(w io.Writer) error {
			return render.ReportMarkdown(w, events, render.CommentLimit)
		},
	}
}

func runResult(r apply.Report) error {
	switch r.Code {
	case apply.CodeDone:
		return nil
	case apply.CodeInterrupted:
		return result(exitInterrupted)
	case apply.CodeRolledBack:
		return result(exitRolledBack)
	case apply.CodeLeased:
		return result(exitRefused)
	default:
		return result(exitPartial)
	}
}

// runID is unique and sorts by time: 20261127t071501-3f9c2a.
func runID(now time.Time) string {
	b := make([]byte, 3)
	_, _ = rand.Read(b) // never fails on the systems that Go supports
	return now.UTC().Format("20060102t150405") + "-" + hex.EncodeToString(b)
}

// journalFile is where the run is written down: never in the repository.
func journalFile(e *environment, asked, meshName, id string) (string, error) {
	if asked != "" {
		return asked, nil
	}
	state := e.getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // the XDG specification: a relative one is to be ignored
		home := e.getenv("HOME")
		if home == "" {
			return "", usage("neither XDG_STATE_HOME nor HOME is set: name a file for the journal with --journal")
		}
		state = filepath.Join(home, ".local", "state")
	}
	dir := filepath.Join(state, "meshsync", meshName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", &failure{
			exit: exitError, code: "journal", err: fmt.Errorf("folder for the journal: %w", err),
			hint: "set XDG_STATE_HOME, or name a file with --journal",
		}
	}
	return filepath.Join(dir, id+".jsonl"), nil
}

// wait pauses for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
