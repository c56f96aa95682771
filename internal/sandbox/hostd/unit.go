package hostd

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The states of a unit, in systemd's words.
const (
	stateActive   = "active"
	stateInactive = "inactive"
	stateFailed   = "failed"
)

// A unit is a service of a host: settings on disk and, when it runs, a process.
type unit struct {
	host *Host
	name string // without .service
	kind string
	port int
	at   string // socket

	job sync.Mutex // one start or stop at a time

	// The following is guarded by the world's lock.
	state    string
	result   string // in systemd's words: success, exit-code, signal
	exitCode int
	main     *process
	since    time.Time // of the state
}

// A process runs for a unit until it is stopped or killed.
type process struct {
	unit    *unit
	cmd     *exec.Cmd
	pid     int // as the host sees it
	program program
	started time.Time
	gone    chan struct{} // closed when the process has ended
	ended   chan struct{} // closed when all that it served has ended, too

	stopping bool // guarded by the world's lock: its end is wanted
}

// A program is what a unit's process does. It took its settings in when it was made.
type program interface {
	// argv0 is the process's name.
	argv0() string
	// ports lists where it listens, on the host's 127.0.0.1, once it has started for delay.
	ports() []int
	delay() time.Duration
	// serve answers on an open port until that is closed.
	serve(l net.Listener)
	// join and leave tell the cluster that the process listens, or has ended. The world is
	// locked. leave is also called for a process that never joined.
	join(p *process)
	leave(now time.Time)
}

// A startError says why a program does not start, as its own log would.
type startError struct {
	code int // its exit code
	text string
}

func (e *startError) Error() string { return e.text }

func refuse(code int, format string, args ...any) error {
	return &startError{code, fmt.Sprintf(format, args...)}
}

func newUnit(h *Host, o UnitOptions) *unit {
	return &unit{host: h, name: o.Name, kind: o.Kind, port: o.Port, at: o.Socket, state: stateInactive, result: "success"}
}

// unit returns a unit by its name, with or without .service: one that the sandbox was
// told of, or any whose unit file is on the host. It returns nil when there is none.
func (h *Host) unit(name string) *unit {
	name = strings.TrimSuffix(name, ".service")
	if checkUnitName(name) != nil {
		return nil
	}
	h.mu.Lock()
	u := h.units[name]
	h.mu.Unlock()
	if u == nil {
		u = newUnit(h, UnitOptions{Name: name, Kind: KindGeneric})
		if u.fragment() == "" && !u.masked() {
			return nil
		}
	} else if u.fragment() == "" && !u.running() && !u.masked() {
		return nil // its unit file was removed
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if known := h.units[name]; known != nil {
		return known
	}
	h.units[name] = u
	return u
}

// mayHave reports whether a unit is the host's once its package is installed.
func (h *Host) mayHave(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.units[strings.TrimSuffix(name, ".service")] != nil
}

func checkUnitName(name string) error {
	if name == "" || strings.ContainsAny(name, "/\x00\n") || strings.HasPrefix(name, ".") {
		return fmt.Errorf("%q is no name of a unit", name)
	}
	return nil
}

// unitDirs are where systemd looks for units, the first one first.
func unitDirs() []string {
	return []string{"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"}
}

// fragment finds the unit file as systemd does; "" when there is none.
func (u *unit) fragment() string {
	for _, dir := range unitDirs() {
		file := path.Join(dir, u.name+".service")
		if name, err := u.host.inRoot(file); err == nil {
			if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
				return file
			}
		}
	}
	return ""
}

// loadedUnit is what systemd remembers of a unit that it has read: its files as they were, and
// the drop-in folders that there were. It looks into no folder that came later.
type loadedUnit struct {
	stamp   string
	dropIns []string
}

// dropIns are the unit's drop-in folders that are there.
func (u *unit) dropIns() []string {
	var out []string
	for _, dir := range unitDirs() {
		if more := path.Join(dir, u.name+".service.d"); u.host.exists(more) {
			out = append(out, more)
		}
	}
	return out
}

// stamp tells the files of a unit from what they were: which they are, and since when. It
// is what systemd compares to know that a unit is to be loaded anew.
func (u *unit) stamp(dropIns []string) string {
	var files []string
	if f := u.fragment(); f != "" {
		files = append(files, f)
	}
	for _, more := range dropIns {
		for _, n := range u.host.names(more) {
			if strings.HasSuffix(n, ".conf") {
				files = append(files, path.Join(more, n))
			}
		}
	}
	var b strings.Builder
	for _, f := range files {
		if name, err := u.host.inRoot(f); err == nil {
			if info, err := os.Stat(name); err == nil {
				fmt.Fprintf(&b, "%s %d\n", f, info.ModTime().UnixNano())
			}
		}
	}
	return b.String()
}

// loadUnits notes all unit files as they are now.
func (h *Host) loadUnits() {
	loaded := map[string]loadedUnit{}
	for _, dir := range unitDirs() {
		for _, n := range h.names(dir) {
			n, ok := strings.CutSuffix(strings.TrimSuffix(n, ".d"), ".service")
			if _, known := loaded[n]; ok && !known && checkUnitName(n) == nil {
				u := newUnit(h, UnitOptions{Name: n})
				dropIns := u.dropIns()
				loaded[n] = loadedUnit{stamp: u.stamp(dropIns), dropIns: dropIns}
			}
		}
	}
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	h.loaded = loaded
}

func (u *unit) masked() bool {
	to, err := os.Readlink(u.host.in("etc/systemd/system", u.name+".service"))
	return err == nil && to == "/dev/null"
}

func (u *unit) wants() string {
	return u.host.in("etc/systemd/system/multi-user.target.wants", u.name+".service")
}

// fileState is systemd's UnitFileState.
func (u *unit) fileState() string {
	if u.masked() {
		return "masked"
	}
	if u.fragment() == "" {
		return ""
	}
	if _, err := os.Lstat(u.wants()); err == nil {
		return "enabled"
	}
	if !u.installable() {
		return "static"
	}
	return "disabled"
}

// installable reports whether the unit's file says what enabling it means.
func (u *unit) installable() bool {
	text, err := u.host.read(u.fragment())
	if err != nil {
		return false
	}
	section := ""
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key = strings.TrimSpace(key); {
		case strings.HasPrefix(key, "["):
			section = key
		case section == "[Install]" && value != "" && (key == "WantedBy" || key == "RequiredBy" || key == "Alias"):
			return true
		}
	}
	return false
}

func (u *unit) enable() error {
	file := u.fragment()
	err := os.Symlink(strings.Replace(file, "/usr/lib/", "/lib/", 1), u.wants())
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(u.wants()), 0o755); err == nil {
			err = os.Symlink(file, u.wants())
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func (u *unit) running() bool {
	u.host.world.mu.Lock()
	defer u.host.world.mu.Unlock()
	return u.main != nil
}

// start starts the unit's process when none runs.
func (u *unit) start() error {
	u.job.Lock()
	defer u.job.Unlock()
	if u.running() {
		return nil
	}
	return u.launch()
}

// launch reads the program's settings and starts its process. The job must be held.
func (u *unit) launch() error {
	if arg, ok := u.host.faults.arg(FaultStartFails); ok && strings.TrimSuffix(arg, ".service") == u.name {
		return u.failed(refuse(1, "fault %s", FaultStartFails))
	}
	prog, err := u.newProgram()
	if err != nil {
		return u.failed(err)
	}
	p := &process{unit: u, program: prog, started: time.Now(), gone: make(chan struct{}), ended: make(chan struct{})}
	if err := u.host.spawn(p); err != nil {
		return u.failed(err)
	}
	w := u.host.world
	w.mu.Lock()
	u.state, u.result, u.exitCode, u.since, u.main = stateActive, "success", 0, p.started, p
	w.mu.Unlock()
	u.host.serving.Go(p.watch)
	return nil
}

// spawn starts the process of a unit: it sleeps under the program's name, while the
// sandbox answers on its ports.
func (h *Host) spawn(p *process) error {
	p.cmd = h.command(true, "/bin/sleep")
	p.cmd.Args = []string{p.program.argv0(), "2147483647"}
	if err := h.start(p.cmd); err != nil {
		return err
	}
	pid, err := h.cage.pid(p.cmd.Process.Pid)
	if err != nil {
		_ = p.cmd.Process.Kill()
		_ = h.wait(p.cmd)
		return err
	}
	p.pid = pid
	return nil
}

// watch waits for the end of a process, whoever ended it, and closes what it served.
func (p *process) watch() {
	var serving sync.WaitGroup
	serving.Go(p.serve)
	err := p.unit.host.wait(p.cmd)
	close(p.gone)
	serving.Wait()
	w, u := p.unit.host.world, p.unit
	w.mu.Lock()
	now := time.Now()
	p.program.leave(now)
	u.main, u.since = nil, now
	u.state, u.result, u.exitCode = stateInactive, "success", 0
	if !p.stopping {
		u.state, u.result = ending(err)
	}
	w.mu.Unlock()
	close(p.ended)
}

// serve listens from when the program has started until the process is gone. Where it
// cannot listen, the process ends, as the real ones do.
func (p *process) serve() {
	h, w := p.unit.host, p.unit.host.world
	if d := p.program.delay(); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-p.gone:
			return
		}
	}
	listeners, err := h.open(p.program.ports())
	if t, ok := p.program.(*talker); ok && err == nil {
		listeners, err = t.withSocket(listeners)
	}
	if err != nil {
		_ = p.cmd.Process.Kill()
		return
	}
	w.mu.Lock()
	p.program.join(p)
	w.mu.Unlock()
	var open sync.WaitGroup
	for _, l := range listeners {
		open.Go(func() { p.program.serve(l) })
	}
	<-p.gone
	for _, l := range listeners {
		_ = l.Close()
	}
	open.Wait()
	h.closed(p.program.ports())
}

// ending says what became of a unit whose process ended by itself. TERM is how services are stopped.
func ending(err error) (state, result string) {
	var e *exec.ExitError
	if !errors.As(err, &e) {
		return stateInactive, "success"
	}
	status, ok := e.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled() && status.Signal() == syscall.SIGTERM:
		return stateInactive, "success"
	case ok && status.Signaled():
		return stateFailed, "signal"
	default:
		return stateFailed, "exit-code"
	}
}

// failed notes that the unit did not start, and returns why.
func (u *unit) failed(err error) error {
	code := 1
	var s *startError
	if errors.As(err, &s) {
		code = s.code
	}
	u.host.world.mu.Lock()
	defer u.host.world.mu.Unlock()
	u.state, u.result, u.exitCode, u.since = stateFailed, "exit-code", code, time.Now()
	return err
}

// stop ends the unit's process and waits until it is gone.
func (u *unit) stop() {
	u.job.Lock()
	defer u.job.Unlock()
	u.halt(syscall.SIGTERM, true)
}

// restart stops and starts in one job.
func (u *unit) restart() error {
	u.job.Lock()
	defer u.job.Unlock()
	u.halt(syscall.SIGTERM, true)
	return u.launch()
}

// kill ends the process as somebody else would.
func (u *unit) kill() error {
	u.job.Lock()
	defer u.job.Unlock()
	if !u.halt(syscall.SIGKILL, false) {
		return fmt.Errorf("host %s: unit %s does not run", u.host.name, u.name)
	}
	return nil
}

func (u *unit) halt(sig syscall.Signal, wanted bool) bool {
	w := u.host.world
	w.mu.Lock()
	p := u.main
	if p == nil {
		if wanted && u.state == stateFailed {
			u.state, u.result = stateInactive, "success"
		}
		w.mu.Unlock()
		return false
	}
	p.stopping = wanted
	w.mu.Unlock()
	_ = p.cmd.Process.Signal(sig)
	<-p.ended
	return true
}
