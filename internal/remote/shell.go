package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// A shell reads scripts from standard input, one after another. A session of its own costs a
// host as much as all that a small script does there, or by way of sudo more: sshd forks, the login shell
// starts, and then the shell. Each script runs in a subshell, so that it leaves nothing to the next one:
// no variable, no open file and with it no lock.
type shell struct {
	command string // that started it
	session *ssh.Session
	in      io.WriteCloser
	out     outlet
	errOut  outlet
	gone    chan struct{} // closed when it ended, and err is set
	err     error
}

// outlet hands an output on to whoever is concerned now; what nobody waits for is dropped.
type outlet struct {
	mu sync.Mutex
	to io.Writer
}

func (o *outlet) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.to == nil {
		return len(b), nil
	}
	return o.to.Write(b)
}

func (o *outlet) set(w io.Writer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.to = w
}

// shellOf is the shell that the command starts: the one that is there, or a new one.
func (c *Conn) shellOf(ctx context.Context, command string) (*shell, error) {
	if c.idle != nil {
		select {
		case <-c.idle.gone: // as sshd does with ChannelTimeout
		default:
			if c.idle.command == command {
				return c.idle, nil
			}
		}
	}
	c.dismiss()
	s, err := c.session(ctx)
	if err != nil {
		return nil, err
	}
	sh := &shell{command: command, session: s, gone: make(chan struct{})}
	s.Stdout, s.Stderr = &sh.out, &sh.errOut
	if sh.in, err = s.StdinPipe(); err == nil {
		err = s.Start(command)
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	go func() {
		sh.err = s.Wait()
		close(sh.gone)
	}()
	c.idle = sh
	return sh, nil
}

// dismiss ends the shell that waits for scripts.
func (c *Conn) dismiss() {
	if c.idle != nil {
		_ = c.idle.session.Close()
		c.idle = nil
	}
}

// script runs a script in the shell that the command starts.
func (c *Conn) script(ctx context.Context, command string, text io.Reader, limit int64, lines func([]byte)) (Result, error) {
	sh, err := c.shellOf(ctx, command)
	if err != nil {
		return Result{}, c.broken(ctx, err)
	}
	out, errOut := c.sinks(limit, lines)
	began, sent := make(chan struct{}), make(chan struct{})
	login := &preamble{to: out, began: began}
	end := newEnding(login)
	sh.out.set(end)
	sh.errOut.set(errOut)
	go func() { // a shell that ended takes nothing more
		defer close(sent)
		_, _ = io.Copy(sh.in, io.MultiReader(strings.NewReader("(\n"+sayBeginUnseen+"\n"), text, strings.NewReader("\n)\n"+end.say())))
	}()
	if last := sh.await(ctx, end, began, sent); end.well() && !last {
		sh.out.set(nil)
		sh.errOut.set(nil)
		return c.result(out, errOut, login, nil)
	}
	// What it says of a failure is whole when the shell has ended, which it does for want of input.
	c.idle = nil
	_ = sh.in.Close()
	select {
	case <-sh.gone:
	case <-ctx.Done():
		// Closing the session does not end it as long as a remote process holds its pipes, so the connection goes.
		_ = c.Close()
		<-sh.gone
	}
	if ctx.Err() != nil && !ended(sh.err) {
		return Result{}, c.broken(ctx, sh.err)
	}
	r, err := c.result(out, errOut, login, sh.err)
	if end.over {
		r.Exit = end.status
	}
	return r, err
}

// beginsWithin is how long a script has to begin before its shell is taken for something else.
const beginsWithin = 2 * time.Second

// await waits until a script ended. Where it does not begin, a forced command may read in its place, to
// the end of the input: there is one then. A shell that is only slow runs what it has, and ends: last.
func (sh *shell) await(ctx context.Context, end *ending, began, sent <-chan struct{}) (last bool) {
	late := time.NewTimer(beginsWithin)
	defer late.Stop()
	for {
		select {
		case <-end.seen:
			return last
		case <-sh.gone:
			return last
		case <-ctx.Done():
			return last
		case <-began:
			began = nil
			late.Stop()
		case <-late.C:
			last = true
			go func() {
				<-sent
				_ = sh.in.Close()
			}()
		}
	}
}

// ending hands on what a script says up to its end, which is a word that nothing else can say.
type ending struct {
	to     io.Writer
	word   string
	held   []byte // the end of what came, in which the word may begin
	over   bool
	seen   chan struct{} // closed when it came
	status int           // of the script
}

func newEnding(to io.Writer) *ending {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails on the systems that Go supports
	return &ending{to: to, word: "meshsync-ends-" + hex.EncodeToString(b) + " ", seen: make(chan struct{})}
}

// say is the line behind a script by which the shell says the word, and how the script ended. Where the
// input is printed, it is not the word.
func (e *ending) say() string { return fmt.Sprintf("echo '%s''%s'\"$?\"\n", e.word[:4], e.word[4:]) }

// well reports whether the script ended, and with status 0.
func (e *ending) well() bool {
	select {
	case <-e.seen:
		return e.status == 0
	default:
		return false
	}
}

func (e *ending) Write(b []byte) (int, error) {
	if e.over {
		return len(b), nil
	}
	all := append(e.held, b...)
	before, after, found := bytes.Cut(all, []byte(e.word))
	if line, _, whole := bytes.Cut(after, []byte("\n")); found && whole {
		e.over = true
		e.status = 255
		if n, err := strconv.Atoi(string(line)); err == nil {
			e.status = n
		}
		_, err := e.to.Write(before)
		close(e.seen)
		return len(b), err
	}
	keep := len(all) - len(before)
	if !found {
		keep = begun(all, e.word)
	}
	pass := all[:len(all)-keep]
	e.held = bytes.Clone(all[len(pass):])
	if len(pass) == 0 {
		return len(b), nil
	}
	_, err := e.to.Write(pass)
	return len(b), err
}

// begun is how much of the word stands at the end of the text.
func begun(text []byte, word string) int {
	for n := min(len(text), len(word)-1); n > 0; n-- {
		if bytes.HasSuffix(text, []byte(word[:n])) {
			return n
		}
	}
	return 0
}

// isScript reports whether a command reads a script from standard input.
func isScript(command string) bool { return strings.HasSuffix(command, "/bin/sh -s") }
