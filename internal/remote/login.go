package remote

import (
	"bytes"
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// sshd hands a command to the user's login shell, or to a forced command in its place.
// Either may print something first, and the latter may never run ours. So a script says a
// word before all else: what comes before it is not the script's, and where it does not
// come, the script did not run. The command line of a shell that reads its script from
// standard input stays as it is: rules for sudo and forced commands go by it.
const (
	beginWord = "meshsync-begins"
	sayBegin  = "echo " + beginWord
	// sayBeginUnseen is the same where the input may be printed: what it prints then is not the word.
	sayBeginUnseen = "echo 'mesh''sync-begins'"
)

// marked makes a script that is in its command line say the word. Of another command it makes nothing.
func marked(command string) (string, bool) {
	const inline = "/bin/sh -c '"
	if before, script, ok := strings.Cut(command, inline); ok {
		return before + inline + sayBegin + "; " + script, true
	}
	return command, false
}

// AsRun is what a command becomes on the host, for rules that list it to the letter.
func AsRun(command string) string {
	command, _ = marked(command)
	return command
}

// preamble drops what comes before the word and hands on what follows it.
type preamble struct {
	to    *sink
	begun bool
	began chan<- struct{} // closed when the word came; may be nil
	said  []byte          // the beginning of what was dropped
	tail  []byte          // its end, in which the word may begin
	n     int
}

// maxSaid is how much of what a login says is kept, for the message. maxPreamble bounds
// what it may say: a login that never ends must not be read for ever.
const (
	maxSaid     = 1 << 10
	maxPreamble = 16 << 20
)

func (p *preamble) Write(b []byte) (int, error) {
	if p.begun {
		return p.to.Write(b)
	}
	if room := maxSaid - len(p.said); room > 0 {
		p.said = append(p.said, b[:min(room, len(b))]...)
	}
	p.n += len(b)
	word := []byte(beginWord + "\n") // where a command line is printed, "; …" follows it
	all := append(p.tail, b...)
	i := bytes.Index(all, word)
	switch {
	case i >= 0:
		p.begun, p.tail = true, nil
		if p.began != nil {
			close(p.began)
		}
		if rest := all[i+len(word):]; len(rest) > 0 {
			if _, err := p.to.Write(rest); err != nil {
				return 0, err
			}
		}
	case p.n > maxPreamble:
		p.to.over = true
		p.to.abort()
		return 0, errTooLarge
	default:
		p.tail = bytes.Clone(all[max(0, len(all)-len(word)+1):])
	}
	return len(b), nil
}

// notOurs says that something else ran in place of the script.
func notOurs(ep endpoint, login *preamble, r Result) *Error {
	return &Error{
		Outcome: mesh.ScriptFailed, Host: ep.name,
		Msg: fmt.Sprintf("%s did not run our script, and the login as %s ended with status %d: %s", ep.addr, ep.user, r.Exit,
			first(plain(string(login.said)), plain(r.Stderr), "it says nothing")),
		Hint: "a forced command (ForceCommand in sshd_config, command= in authorized_keys) or a shell that refuses came in its place: use a key and an account that may run commands",
	}
}

// plain is the beginning of what a host said, on one line and without control characters.
func plain(text string) string {
	fields := strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool { return r <= ' ' || r == 0x7f })
	out := []rune(strings.Join(fields, " "))
	return string(out[:min(len(out), 200)])
}

// wantsTerminal reports whether sudo refused for want of a terminal.
func wantsTerminal(r Result) bool {
	return r.Exit != 0 && strings.Contains(r.Stderr, "you must have a tty to run sudo")
}

func requiretty(ep endpoint) *Error {
	return &Error{
		Outcome: mesh.NoSudo, Host: ep.name,
		Msg:  "sudo wants a terminal (requiretty in its sudoers), and scripts run without one",
		Hint: "add a line to the host's sudoers: Defaults:USER !requiretty",
	}
}
