package haproxy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"meshsync.dev/meshsync/internal/route"
)

// Options describe the HAProxy of this machine.
type Options struct {
	File   string   // of the backends; the map of names is beside it
	Check  []string // says whether HAProxy takes a file, in whose place %s stands; empty: nobody is asked
	Reload []string // has it read its files anew; empty: somebody else does that
	Socket string   // of its runtime API; "" is none, and each change is a reload
	// Run runs a program, and returns what it said, also when it fails.
	Run func(ctx context.Context, argv []string) (string, error)
	// Settle is for how long a reloaded HAProxy is waited for; 0: 15 s.
	Settle time.Duration
}

// Installer brings tables to a HAProxy. It does one thing at a time.
type Installer struct{ o Options }

// New returns an installer; nothing is done yet.
func New(o Options) *Installer {
	if o.Settle == 0 {
		o.Settle = 15 * time.Second
	}
	return &Installer{o: o}
}

// Done is what an installation did.
type Done struct {
	Written  bool // files
	Steps    int  // commands to the running HAProxy
	Reloaded bool
	Owed     bool // a reload, which nobody was named for
	Draining bool // requests are under way at servers that have left
}

// RefusedError says that HAProxy does not take a file. Nothing was changed.
type RefusedError struct{ Why string }

func (e *RefusedError) Error() string { return e.Why }

// Before is the table that was installed last.
func (i *Installer) Before() (route.Table, error) {
	text, err := os.ReadFile(i.o.File)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return route.Table{}, err
	}
	t, err := route.Parse(string(text))
	if err != nil {
		return t, fmt.Errorf("%s is left as it is: %w; name another file, or remove it", i.o.File, err)
	}
	return t, nil
}

// Install has HAProxy serve a table. The files come first, checked and each by one rename, so that whatever reads
// them next reads the truth; then the running HAProxy is led there by commands, or by a reload where those do not suffice.
func (i *Installer) Install(ctx context.Context, t route.Table) (Done, error) {
	w, err := i.work(ctx, t)
	if err != nil {
		return Done{}, err
	}
	if w.changed {
		if err := i.write(ctx, t, w.reload); err != nil {
			return Done{}, err
		}
	}
	done := Done{Written: w.changed}
	switch {
	case w.reload:
		err = i.reload(ctx, t, &done)
	case w.deaf != nil:
		err = w.deaf
	case len(w.steps) > 0:
		err = i.step(ctx, t, w.steps, &done)
	}
	return done, err
}

// work is what there is to do.
type work struct {
	changed bool     // files
	reload  bool     // by commands alone it does not come to the table
	steps   []string // commands
	deaf    error    // why the socket cannot be used
}

func (i *Installer) work(ctx context.Context, t route.Table) (work, error) {
	before, err := i.Before()
	if err != nil {
		return work{}, err
	}
	w := work{changed: !i.has(i.o.File, t.Text()) || !i.has(i.mapFile(), t.Names())}
	w.reload = i.isDue() || !t.SameShape(before) || !i.has(i.mapFile(), t.Names())
	if i.o.Socket == "" {
		w.reload = w.reload || w.changed
		return w, nil
	}
	live, err := (runtime{i.o.Socket}).live(ctx)
	if err != nil {
		// A reload that nothing calls for is none of ours: with a wrong path there would be one each time.
		w.deaf, w.reload = err, w.reload || w.changed
		return w, nil
	}
	steps, ok := t.Steps(live)
	w.steps, w.reload = steps, w.reload || !ok
	return w, nil
}

// step leads the running HAProxy to the table, and sees whether it has come there.
func (i *Installer) step(ctx context.Context, t route.Table, steps []string, done *Done) error {
	r := runtime{i.o.Socket}
	if err := r.do(ctx, steps); err != nil {
		return err
	}
	done.Steps = len(steps)
	live, err := r.live(ctx)
	if err != nil {
		return err
	}
	done.Draining = t.Draining(live)
	if left, ok := t.Steps(live); !ok || len(settings(left)) > 0 {
		return i.reload(ctx, t, done)
	}
	return nil
}

// settings are the commands that give a server an address or requests: what only drains may take its time.
func settings(steps []string) []string {
	var out []string
	for _, s := range steps {
		if !strings.HasSuffix(s, " state maint") && !strings.HasSuffix(s, " state drain") {
			out = append(out, s)
		}
	}
	return out
}

// reload has HAProxy read its files, and waits until it serves what they say: the command comes back before that.
func (i *Installer) reload(ctx context.Context, t route.Table, done *Done) error {
	if len(i.o.Reload) == 0 {
		done.Owed = true
		return nil
	}
	if err := i.markDue(); err != nil {
		return err
	}
	if err := i.runReload(ctx); err != nil {
		return err
	}
	if i.o.Socket != "" {
		if err := i.settle(ctx, t); err != nil {
			return err
		}
	}
	done.Reloaded = true
	return i.unmarkDue()
}

func (i *Installer) runReload(ctx context.Context) error {
	if said, err := i.o.Run(ctx, i.o.Reload); err != nil {
		return fmt.Errorf("the files are written, and %q failed: %w%s", strings.Join(i.o.Reload, " "), err, quoted(said))
	}
	return nil
}

// reloadAgain is after how long a reload that shows no effect is asked for again: HAProxy 2.6 loses one while its master starts
// itself anew, as it does at the start and after each reload (seen on 2.6.12).
const reloadAgain = 3 * time.Second

// settle waits until the running HAProxy is one that has read the table.
func (i *Installer) settle(ctx context.Context, t route.Table) error {
	ctx, cancel := context.WithTimeout(ctx, i.o.Settle)
	defer cancel()
	look, again := time.NewTicker(50*time.Millisecond), time.NewTicker(reloadAgain)
	defer look.Stop()
	defer again.Stop()
	for {
		live, err := (runtime{i.o.Socket}).live(ctx)
		if err == nil {
			if steps, ok := t.Steps(live); ok && len(settings(steps)) == 0 {
				return nil
			}
			err = errors.New("it serves something else")
		}
		select {
		case <-look.C:
		case <-again.C:
			if err := i.runReload(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return fmt.Errorf("HAProxy was told to reload, and %s later it does not serve what %s says (%w): see its log, and \"show proc\" on its master socket", i.o.Settle, i.o.File, err)
		}
	}
}

// write puts the files in place, once HAProxy has said that it takes them.
func (i *Installer) write(ctx context.Context, t route.Table, reload bool) error {
	if _, err := os.Stat(i.mapFile()); errors.Is(err, os.ErrNotExist) {
		if err := replace(i.mapFile(), ""); err != nil { // without it HAProxy takes nothing
			return err
		}
	}
	pending, err := renameio.TempFile(dirOf(i.o.File), i.o.File)
	if err != nil {
		return err
	}
	defer func() { _ = pending.Cleanup() }()
	if err := pending.Chmod(fileMode); err != nil {
		return err
	}
	if _, err := pending.WriteString(t.Text()); err != nil {
		return err
	}
	if err := i.check(ctx, pending.Name()); err != nil {
		return err
	}
	if reload && len(i.o.Reload) > 0 {
		if err := i.markDue(); err != nil {
			return err
		}
	}
	if err := replace(i.mapFile(), t.Names()); err != nil {
		return err
	}
	return pending.CloseAtomicallyReplace()
}

func (i *Installer) check(ctx context.Context, file string) error {
	if len(i.o.Check) == 0 {
		return nil
	}
	var argv []string
	for _, word := range i.o.Check {
		argv = append(argv, strings.ReplaceAll(word, "%s", file))
	}
	if said, err := i.o.Run(ctx, argv); err != nil {
		return &RefusedError{fmt.Sprintf("%s stays as it is, because %q says no to the new one: %v%s", i.o.File, strings.Join(i.o.Check, " "), err, quoted(said))}
	}
	return nil
}

// quoted is what a program said, for the end of an error.
func quoted(said string) string {
	const most = 2000
	if said = strings.TrimSpace(said); said == "" {
		return ""
	}
	return "\n" + said[max(0, len(said)-most):]
}
