package hostd

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// A session is one channel on which one command runs.
type session struct {
	host    *Host
	conn    *ssh.ServerConn
	channel ssh.Channel

	mu    sync.Mutex
	group int // process group of the command; 0 before it runs and for one of root
}

// serve answers the requests of a channel until it closes. The first exec or shell runs a command.
func (s *session) serve(requests <-chan *ssh.Request) {
	defer s.channel.Close()
	var running sync.WaitGroup
	started := false
	for req := range requests {
		ok := false
		switch req.Type {
		case "exec", "shell":
			line, valid := commandLine(req)
			if ok = valid && !started; ok {
				started = true
				running.Go(func() { s.run(line) })
			}
		case "signal":
			ok = s.signal(req.Payload)
		}
		if req.WantReply {
			_ = req.Reply(ok, nil)
		}
	}
	running.Wait()
}

func commandLine(req *ssh.Request) (string, bool) {
	if req.Type == "shell" {
		return "exec /bin/sh", true
	}
	var p struct{ Command string }
	err := ssh.Unmarshal(req.Payload, &p)
	return p.Command, err == nil
}

// signal passes a signal on to the command's process group. As with OpenSSH, a session of
// root cannot be sent one, nor what another user runs as root by way of sudo.
func (s *session) signal(payload []byte) bool {
	var p struct{ Signal string }
	if ssh.Unmarshal(payload, &p) != nil {
		return false
	}
	signals := map[string]syscall.Signal{
		"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL,
		"QUIT": syscall.SIGQUIT, "TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
	}
	sig, ok := signals[p.Signal]
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok && s.group != 0 && syscall.Kill(-s.group, sig) == nil
}

// run runs a command line and reports how it ended. The channel closes when the command
// and all that hold its output have ended.
func (s *session) run(line string) {
	defer s.channel.Close()
	s.host.world.active()
	if s.host.faults.instead(s) {
		return
	}
	root := s.conn.User() == "root"
	if rest, ok := strings.CutPrefix(line, "sudo "); ok && !root {
		rest, ok = afterSudo(rest)
		if s.host.faults.on(FaultNoSudo) || !ok {
			_, _ = io.WriteString(s.channel.Stderr(), "sudo: a password is required\n")
			s.exit(1)
			return
		}
		line, root = rest, true
	}
	if err := s.runAs(root, argv(line)); err != nil {
		_, _ = io.WriteString(s.channel.Stderr(), "sandbox: "+err.Error()+"\n")
		s.exit(255)
	}
}

// afterSudo cuts sudo's options from a command line. Without -n sudo would ask for a
// password, and there is no terminal to ask at.
func afterSudo(line string) (string, bool) {
	never := false
	for {
		word, rest, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
		switch word {
		case "-n", "--non-interactive":
			never = true
		case "-H", "-E", "--":
		case "":
			return "", false
		default:
			return word + " " + rest, never
		}
		line = rest
	}
}

// argv is how a command line is run: by the shell, as OpenSSH does, but for one that
// begins with a program's path and has nothing that a shell would expand; there the shell
// would only start the program.
func argv(line string) []string {
	program, _, _ := strings.Cut(line, " ")
	if info, err := os.Stat(program); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
		return []string{"/bin/sh", "-c", line}
	}
	if !strings.HasPrefix(line, "/") || strings.ContainsAny(line, "\t\n\"'\\`$*?[]{}()<>|&;~#!=") {
		return []string{"/bin/sh", "-c", line}
	}
	return strings.Fields(line)
}

func (s *session) runAs(root bool, argv []string) error {
	h := s.host
	c := h.command(root, argv[0], argv[1:]...)
	control, err := h.newControl(root)
	if err != nil {
		return err
	}
	defer control.close()
	c.Env = append(c.Env, controlVariable+"="+control.dir)
	p, err := pipes(c)
	if err != nil {
		return err
	}
	err = h.start(c)
	p.closeTheirs()
	if err != nil {
		p.closeOurs()
		return err
	}
	if !root {
		s.mu.Lock()
		s.group = c.Process.Pid
		s.mu.Unlock()
	}
	limits := h.faults.limits(s)
	go p.feed(limits.in(s.channel))
	var out sync.WaitGroup
	out.Go(func() { p.drain(p.stdout, limits.out(s.channel)) })
	out.Go(func() { p.drain(p.stderr, limits.out(s.channel.Stderr())) })
	err = h.wait(c)
	s.mu.Lock()
	s.group = 0
	s.mu.Unlock()
	_ = p.stdin.Close()
	if limits.bound() {
		out.Wait() // what has not come through is not followed by an exit code
	}
	s.report(err) // as OpenSSH does, even while a child of the command holds its output
	out.Wait()
	return nil
}

// report tells the client how the command ended.
func (s *session) report(err error) {
	var e *exec.ExitError
	switch {
	case err == nil:
		s.exit(0)
	case errors.As(err, &e):
		status, ok := e.Sys().(syscall.WaitStatus)
		if ok && status.Signaled() {
			payload := ssh.Marshal(struct {
				Signal  string
				Core    bool
				Message string
				Lang    string
			}{strings.TrimPrefix(signalName(status.Signal()), "SIG"), false, "", ""})
			_, _ = s.channel.SendRequest("exit-signal", false, payload)
			return
		}
		s.exit(e.ExitCode())
	default:
		s.exit(255)
	}
}

func (s *session) exit(code int) {
	_, _ = s.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(code)}))
}

func signalName(s syscall.Signal) string {
	names := map[syscall.Signal]string{
		syscall.SIGKILL: "KILL", syscall.SIGTERM: "TERM", syscall.SIGPIPE: "PIPE", syscall.SIGHUP: "HUP",
		syscall.SIGINT: "INT", syscall.SIGABRT: "ABRT", syscall.SIGSEGV: "SEGV", syscall.SIGQUIT: "QUIT",
	}
	if n := names[s]; n != "" {
		return n
	}
	return "TERM"
}

// piping is the three pipes of a command: our ends, and theirs.
type piping struct {
	stdin          *os.File
	stdout, stderr *os.File
	theirs         []*os.File
}

func pipes(c *exec.Cmd) (*piping, error) {
	var p piping
	var made []*os.File
	pair := func() (r, w *os.File, err error) {
		r, w, err = os.Pipe()
		if err == nil {
			made = append(made, r, w)
		}
		return r, w, err
	}
	stdin, ours, err := pair()
	if err == nil {
		p.stdin, c.Stdin, p.theirs = ours, stdin, append(p.theirs, stdin)
		for _, x := range []struct {
			ours **os.File
			to   *io.Writer
		}{{&p.stdout, &c.Stdout}, {&p.stderr, &c.Stderr}} {
			var r, w *os.File
			if r, w, err = pair(); err != nil {
				break
			}
			*x.ours, *x.to, p.theirs = r, w, append(p.theirs, w)
		}
	}
	if err != nil {
		for _, f := range made {
			_ = f.Close()
		}
		return nil, err
	}
	return &p, nil
}

func (p *piping) closeTheirs() {
	for _, f := range p.theirs {
		_ = f.Close()
	}
}

func (p *piping) closeOurs() {
	for _, f := range []*os.File{p.stdin, p.stdout, p.stderr} {
		_ = f.Close()
	}
}

// feed copies what the client sends to the command. When the client's side ends, by its
// will or because the connection broke, the command reads the end of its input: a script
// that was cut is run as far as it came.
func (p *piping) feed(from io.Reader) {
	_, _ = io.Copy(p.stdin, from)
	_ = p.stdin.Close()
}

// drain copies output to the client. When the connection is gone the pipe closes, and the
// command's next write fails.
func (p *piping) drain(from *os.File, to io.Writer) {
	_, _ = io.Copy(to, from)
	_ = from.Close()
}

// pause waits for a slow host, or until the connection ends.
func (s *session) pause(d time.Duration) {
	gone := make(chan struct{})
	go func() { _ = s.conn.Wait(); close(gone) }()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-gone:
	}
}
