package hostd

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// maxArguments bounds what one call of a tool may ask.
const maxArguments = 100_000

// A control is the pipes by which the stubs of one command ask the sandbox. Their questions
// are answered one after the other: turn holds a line while nobody asks.
type control struct {
	dir                  string
	request, reply, turn *os.File
	ended                chan struct{}
}

func (h *Host) newControl(root bool) (*control, error) {
	h.mu.Lock()
	h.execs++
	c := &control{dir: filepath.Join(h.run, strconv.Itoa(h.execs)), ended: make(chan struct{})}
	h.mu.Unlock()
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		return nil, err
	}
	var err error
	for name, f := range map[string]**os.File{"request": &c.request, "reply": &c.reply, "turn": &c.turn} {
		if err == nil {
			*f, err = pipeFile(filepath.Join(c.dir, name))
		}
	}
	if err == nil {
		_, err = c.turn.WriteString("\n")
	}
	if err != nil {
		_ = os.RemoveAll(c.dir)
		return nil, fmt.Errorf("make the pipes of the host's tools: %w", err)
	}
	go c.serve(h, root)
	return c, nil
}

// pipeFile makes a named pipe that anybody on the host may use, and opens both of its
// ends, so that neither side ever waits for the other to open it.
func pipeFile(name string) (*os.File, error) {
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		return nil, err
	}
	if err := os.Chmod(name, 0o666); err != nil {
		return nil, err
	}
	return os.OpenFile(name, os.O_RDWR, 0)
}

func (c *control) close() {
	_ = c.request.Close()
	_ = c.reply.Close()
	_ = c.turn.Close()
	<-c.ended
	_ = os.RemoveAll(c.dir)
}

func (c *control) serve(h *Host, root bool) {
	defer close(c.ended)
	r := bufio.NewReader(c.request)
	for {
		args, err := readArguments(r)
		if err != nil {
			return
		}
		if len(args) < 2 {
			return // no stub of ours
		}
		a := h.answerFor(root, args[0], args[1], args[2:])
		if _, err := c.reply.WriteString("b" + args[0] + "\n" + a.encode()); err != nil {
			return
		}
	}
}

// readArguments reads the number of arguments and one argument a line.
func readArguments(r *bufio.Reader) ([]string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || n < 0 || n > maxArguments {
		return nil, fmt.Errorf("a stub sent %q", line)
	}
	args := make([]string, 0, min(n, 64))
	for range max(n, 1) { // printf prints an empty line for no argument
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		args = append(args, strings.TrimSuffix(line, "\n"))
	}
	return args[:n], nil
}

// An answer is what a tool prints and its exit code.
type answer struct {
	out, err strings.Builder
	code     int
}

func (a *answer) printf(format string, args ...any) { fmt.Fprintf(&a.out, format, args...) }
func (a *answer) errorf(format string, args ...any) { fmt.Fprintf(&a.err, format, args...) }

// encode writes the answer as the stub reads it.
func (a *answer) encode() string {
	var b strings.Builder
	for line := range strings.Lines(a.out.String()) {
		text, whole := strings.CutSuffix(line, "\n")
		b.WriteString(map[bool]string{true: "1", false: "0"}[whole] + text + "\n")
	}
	for line := range strings.Lines(a.err.String()) {
		b.WriteString("2" + strings.TrimSuffix(line, "\n") + "\n")
	}
	b.WriteString("x" + strconv.Itoa(a.code) + "\n")
	return b.String()
}
