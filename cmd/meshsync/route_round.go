package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"meshsync.dev/meshsync/internal/haproxy"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/route"
)

const (
	routePoll   = 5 * time.Second // between two reads while a Marathon has no stream of events
	drainedSoon = 5 * time.Second // between two looks at servers where requests are under way
)

// routeSource is a Marathon as route reads it.
type routeSource interface {
	Target() mesh.Target
	Running(ctx context.Context) ([]mesh.RunningApp, error)
	AwaitEvent(ctx context.Context, atMost time.Duration, say func(string))
}

// router reads Marathons and brings what it reads to a HAProxy.
type router struct {
	e         *environment
	g         *globals
	f         *routeFlags
	marathons []routeSource
	agents    *agents
	installer *haproxy.Installer // nil: the table is printed
	lost      time.Time          // since when more than half of the servers are gone; zero: they are not
	draining  bool

	mu   sync.Mutex
	said map[string]string // the last thing on each subject
}

// unsureError says that what was read may be no more than half of the truth.
type unsureError struct{ had, has int }

func (e *unsureError) Error() string {
	return fmt.Sprintf("of %d servers %d are left, which may be a Marathon that has just begun to lead: nothing is changed before that is seen again", e.had, e.has)
}

// print shows the backends as HAProxy would read them.
func (r *router) print(ctx context.Context) error {
	apps, err := r.read(ctx)
	if err != nil {
		return err
	}
	table := r.table(ctx, apps, route.Table{})
	_, err = io.WriteString(r.e.stdout, table.Text())
	return err
}

// run installs what is read, once or again and again.
func (r *router) run(ctx context.Context) error {
	if !r.f.watch {
		return r.once(ctx)
	}
	if _, err := r.installer.Before(); err != nil {
		return err // which does not mend itself
	}
	for ctx.Err() == nil {
		if err := r.round(ctx); ctx.Err() == nil {
			text := ""
			if err != nil {
				text = err.Error()
			}
			r.tell("trouble", text)
		}
		r.await(ctx)
	}
	return nil
}

// once is a run by a timer. A large loss is looked at a second time.
func (r *router) once(ctx context.Context) error {
	err := r.round(ctx)
	if unsure := (*unsureError)(nil); errors.As(err, &unsure) {
		r.tell("trouble", err.Error())
		if err := wait(ctx, r.f.confirm); err != nil {
			return err
		}
		err = r.round(ctx)
	}
	return err
}

// round reads and installs once.
func (r *router) round(ctx context.Context) error {
	apps, err := r.read(ctx)
	if err != nil {
		return err
	}
	before, err := r.installer.Before()
	if err != nil {
		return err
	}
	table := r.table(ctx, apps, before)
	if err := r.weigh(before, table, apps); err != nil {
		return err
	}
	done, err := r.installer.Install(ctx, table)
	r.draining = done.Draining
	r.report(table, done)
	var refused *haproxy.RefusedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return &failure{exit: exitRefused, code: "route.refused", err: err}
	default:
		return &failure{exit: exitPartial, code: "route.unfinished", err: err, hint: "the next run goes on from here"}
	}
}

// read asks all Marathons. What one of them does not say is not known of, and then nothing is changed.
func (r *router) read(ctx context.Context) ([]mesh.RunningApp, error) {
	var out []mesh.RunningApp
	for _, m := range r.marathons {
		apps, err := m.Running(ctx)
		if err != nil {
			return nil, &failure{
				exit: exitIncomplete, code: "route.unknown", err: fmt.Errorf("%s: %w", m.Target(), err),
				hint: "all backends stay as they are until it answers",
			}
		}
		out = append(out, apps...)
	}
	return out, nil
}

// table makes the table, and tells what is left out of it.
func (r *router) table(ctx context.Context, apps []mesh.RunningApp, before route.Table) route.Table {
	t, left := route.Make(route.Input{Apps: apps, Addresses: r.agents.addresses(ctx, apps), Before: before})
	var lines []string
	for _, l := range left {
		lines = append(lines, "left out: "+l.String())
	}
	r.tell("left", strings.Join(lines, "\n"))
	return t
}

// weigh refuses a table that takes so much of the one before that a Marathon which lost its memory is the likelier reason.
func (r *router) weigh(before, t route.Table, apps []mesh.RunningApp) error {
	loss := route.LossOf(before, t, apps)
	if loss == route.LossSmall || r.f.allowEmpty {
		r.lost = time.Time{}
		return nil
	}
	if loss == route.LossAll {
		return &failure{
			exit: exitRefused, code: "route.empty",
			err:  fmt.Errorf("no task would be left of %d: the backends stay as they are", before.Servers()),
			hint: "see whether Marathon shows its apps and tasks to this account; if it is true, add --allow-empty for one run",
		}
	}
	if r.lost.IsZero() {
		r.lost = r.e.now()
	}
	if r.e.now().Sub(r.lost) < r.f.confirm {
		return &failure{exit: exitIncomplete, code: "route.loss", err: &unsureError{had: before.Servers(), has: t.Servers()}}
	}
	return nil
}

// report says what was done, when something was.
func (r *router) report(t route.Table, d haproxy.Done) {
	var what []string
	if d.Written {
		what = append(what, "files written")
	}
	if d.Steps > 0 {
		what = append(what, counted(d.Steps, "command")+" to HAProxy")
	}
	if d.Reloaded {
		what = append(what, "HAProxy reloaded")
	}
	if d.Owed {
		what = append(what, "HAProxy has to be reloaded, and --reload names no command")
	}
	if len(what) > 0 {
		fmt.Fprintf(r.e.stderr, "%s, %s: %s\n", counted(len(t.Backends), "backend"), counted(t.Servers(), "server"), strings.Join(what, ", "))
	}
}

// tell says something on a subject, unless it was the last thing said on it. Safe for concurrent use.
func (r *router) tell(subject, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.said[subject] == text {
		return
	}
	r.said[subject] = text
	if text != "" {
		fmt.Fprintln(r.e.stderr, text)
	}
}

// await returns when another read may find something else.
func (r *router) await(ctx context.Context) {
	atMost := r.f.every
	if !r.lost.IsZero() {
		atMost = min(atMost, r.f.confirm)
	}
	if r.draining {
		atMost = min(atMost, drainedSoon)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for _, m := range r.marathons {
		all.Go(func() {
			defer cancel()
			m.AwaitEvent(ctx, atMost, func(text string) { r.tell(m.Target().String(), m.Target().String()+": "+text) })
		})
	}
	all.Wait()
}
