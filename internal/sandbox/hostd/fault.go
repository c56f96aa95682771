package hostd

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The faults of a host.
const (
	FaultUnreachable  = "unreachable"
	FaultHang         = "hang"
	FaultNotSSH       = "not-ssh"
	FaultRefuseAuth   = "refuse-auth"
	FaultNoSudo       = "no-sudo"
	FaultWrongHostKey = "wrong-host-key"
	FaultFlood        = "flood"
	FaultHangMidway   = "hang-midway"
	FaultDropAfter    = "drop-after"
	FaultSlow         = "slow"
	FaultLatency      = "latency"
	FaultFullDisk     = "full-disk"
	FaultKill         = "kill"
	FaultStartFails   = "start-fails"
	FaultNeverServes  = "never-serves"

	FaultAptLock       = "apt-lock"
	FaultPostinstFails = "postinst-fails"
)

// Off as the argument of a fault ends it.
const Off = "off"

// faultHelp says what each fault does; the key is how it is written.
func faultHelp() map[string]string {
	return map[string]string{
		FaultUnreachable:               "its SSH port is closed, connections break",
		FaultHang:                      "it accepts connections and says nothing",
		FaultNotSSH:                    "something that speaks HTTP answers on its SSH port",
		FaultRefuseAuth:                "it accepts no key",
		FaultNoSudo:                    "sudo wants a password",
		FaultWrongHostKey:              "it shows another host key",
		FaultFlood:                     "every command prints 1 GB",
		FaultHangMidway + "[=BYTES]":   "a command's output stalls after BYTES (200)",
		FaultDropAfter + "=[in:]BYTES": "the connection breaks after BYTES of a command's output, or of its input",
		FaultLatency + "=MS":           "what it sends arrives MS milliseconds later",
		FaultSlow + "=MS":              "every command starts MS milliseconds late",
		FaultFullDisk + "[=KB]":        "its file system has KB kilobytes left (0)",
		FaultKill + "=UNIT":            "the unit's process is killed, once",
		FaultStartFails + "=UNIT":      "the unit fails when it is started",
		FaultNeverServes + "=UNIT":     "the unit runs and never serves",
		FaultAptLock:                   "another process holds the locks of apt and dpkg",
		FaultPostinstFails + "=PKG":    "the package fails after it was unpacked, and stays half-configured",
	}
}

// Faults lists the faults of a host, a line each: how it is written, what it does.
func Faults() []string {
	help := faultHelp()
	var out []string
	for _, k := range slices.Sorted(maps.Keys(help)) {
		out = append(out, fmt.Sprintf("%-24s %s", k, help[k]))
	}
	return out
}

// faults are those of one host that are on.
type faults struct {
	mu  sync.Mutex
	set map[string]string // name → argument
}

func (f *faults) on(name string) bool {
	_, ok := f.arg(name)
	return ok
}

func (f *faults) arg(name string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	arg, ok := f.set[name]
	return arg, ok
}

func (f *faults) put(name, arg string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set == nil {
		f.set = map[string]string{}
	}
	if arg == Off {
		delete(f.set, name)
	} else {
		f.set[name] = arg
	}
}

// active lists the faults that are on, as they are written.
func (f *faults) active() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, k := range slices.Sorted(maps.Keys(f.set)) {
		if f.set[k] != "" {
			k += "=" + f.set[k]
		}
		out = append(out, k)
	}
	return out
}

// Fault makes a fault, or ends it when arg is Off.
func (h *Host) Fault(name, arg string) error {
	if err := h.checkFault(name, arg); err != nil {
		return fmt.Errorf("host %s: fault %s: %w", h.name, name, err)
	}
	switch name {
	case FaultKill:
		return h.unit(arg).kill()
	case FaultFullDisk:
		return h.fillDisk(arg)
	}
	h.faults.put(name, arg)
	switch {
	case name == FaultUnreachable && arg == Off:
		return h.listen()
	case name == FaultUnreachable:
		h.unlisten()
	case name == FaultHang || name == FaultNotSSH || name == FaultWrongHostKey || name == FaultRefuseAuth || name == FaultLatency:
		h.dropConnections()
	}
	return nil
}

func (h *Host) checkFault(name, arg string) error {
	switch name {
	case FaultUnreachable, FaultHang, FaultNotSSH, FaultRefuseAuth, FaultNoSudo, FaultWrongHostKey, FaultFlood, FaultAptLock:
		if arg != "" && arg != Off {
			return fmt.Errorf("takes no argument but %s", Off)
		}
	case FaultHangMidway, FaultFullDisk, FaultDropAfter, FaultSlow, FaultLatency:
		number := strings.TrimPrefix(arg, "in:")
		if name != FaultDropAfter {
			number = arg
		}
		optional := arg == "" && (name == FaultHangMidway || name == FaultFullDisk)
		if _, err := strconv.ParseUint(number, 10, 32); err != nil && arg != Off && !optional {
			return fmt.Errorf("wants a number or %s, not %q", Off, arg)
		}
	case FaultKill, FaultStartFails, FaultNeverServes:
		there := h.unit(arg) != nil || name != FaultKill && h.mayHave(arg)
		if !there && (arg != Off || name == FaultKill) {
			return fmt.Errorf("the host has no unit %q", arg)
		}
	case FaultPostinstFails:
		if h.catalog[arg] == nil && arg != Off {
			return fmt.Errorf("the host can get no package %q", arg)
		}
	default:
		return fmt.Errorf("there is no such fault; known:\n  %s", strings.Join(Faults(), "\n  "))
	}
	return nil
}

// dropConnections breaks what is connected, so that a fault is seen at the next dial.
func (h *Host) dropConnections() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		_ = c.Close()
	}
}

// instead does what a fault wants in a command's place, and reports whether it did.
func (f *faults) instead(s *session) bool {
	if ms, ok := f.arg(FaultSlow); ok {
		n, _ := strconv.Atoi(ms) // checked by Fault
		s.pause(time.Duration(n) * time.Millisecond)
	}
	if !f.on(FaultFlood) {
		return false
	}
	block := []byte(strings.Repeat(strings.Repeat("x", 63)+"\n", 1<<9))
	for range (1 << 30) / len(block) {
		if _, err := s.channel.Write(block); err != nil {
			return true
		}
	}
	s.exit(0)
	return true
}

// limits are the bounds that faults put to one command's streams.
type limits struct {
	s       *session
	dropIn  *atomic.Int64 // bytes of input until the connection breaks; nil: never
	dropOut *atomic.Int64
	stall   *atomic.Int64 // bytes of output until nothing comes any more
}

func (f *faults) limits(s *session) *limits {
	l := &limits{s: s}
	number := func(text string, unset int64) *atomic.Int64 {
		var n atomic.Int64
		n.Store(unset)
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			n.Store(v)
		}
		return &n
	}
	if arg, ok := f.arg(FaultDropAfter); ok {
		if text, in := strings.CutPrefix(arg, "in:"); in {
			l.dropIn = number(text, 0)
		} else {
			l.dropOut = number(arg, 0)
		}
	}
	if arg, ok := f.arg(FaultHangMidway); ok {
		l.stall = number(arg, 200)
	}
	return l
}

func (l *limits) in(r io.Reader) io.Reader {
	if l.dropIn == nil {
		return r
	}
	return readerFunc(func(p []byte) (int, error) {
		left := l.dropIn.Load()
		if left <= 0 {
			_ = l.s.conn.Close()
			return 0, io.EOF
		}
		n, err := r.Read(p[:min(int64(len(p)), left)])
		l.dropIn.Add(int64(-n))
		return n, err
	})
}

// bound reports whether a fault stops the output.
func (l *limits) bound() bool { return l.dropOut != nil || l.stall != nil }

func (l *limits) out(w io.Writer) io.Writer {
	switch {
	case l.dropOut != nil:
		return bounded(w, l.dropOut, func() { _ = l.s.conn.Close() })
	case l.stall != nil:
		return bounded(w, l.stall, func() { _ = l.s.conn.Wait() })
	default:
		return w
	}
}

// bounded passes on as many bytes as left says, then calls end and fails.
func bounded(w io.Writer, left *atomic.Int64, end func()) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		rest := left.Add(int64(-len(p)))
		if rest >= 0 {
			return w.Write(p)
		}
		if pass := rest + int64(len(p)); pass > 0 {
			_, _ = w.Write(p[:pass])
		}
		end()
		return 0, io.ErrClosedPipe
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
