package host

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
	"meshsync.dev/meshsync/internal/remote"
)

// sudoPrefix comes before each command that runs as root for another user.
const sudoPrefix = "sudo -n "

// The commands that run as root. They are always the same, so that sudoers can list each
// to the letter: what differs comes on standard input. The first three take paths, each
// ended by a NUL, and unitCommand units: they cannot write nor show what is in
// a file. Units are asked for so where a plain user has no D-Bus to ask systemd by.
const (
	shellCommand  = "/bin/sh -s"
	statCommand   = `/usr/bin/xargs -0 -r /usr/bin/stat -c '%f %U %G %s %Z %n' --`
	digestCommand = `/usr/bin/xargs -0 -r /usr/bin/sha256sum --`
	listCommand   = `/usr/bin/xargs -0 -r /bin/ls -1Ab --`
	unitCommand   = `/usr/bin/xargs -0 -r /bin/systemctl show -p ` + primitive.UnitProperties + ` --`
)

// stagingCommand receives the payload of a batch.
func stagingCommand(meshName string) string {
	return "/bin/sh -c " + quote(stageCommand) + " sh " + meshName
}

// Right is a command that meshsync runs by way of sudo, and whether it may.
type Right struct {
	Command string // as a shell takes it, without sudo
	Purpose string
	Write   bool // applying takes it
	Read    bool // reading as another user than root takes it, with mesh.SudoRead
}

// Rights lists the commands that meshsync runs by way of sudo for a mesh.
func Rights(meshName string) []Right {
	return []Right{
		{Command: statCommand, Purpose: "state of files", Read: true},
		{Command: digestCommand, Purpose: "digests of files", Read: true},
		{Command: listCommand, Purpose: "entries of directories", Read: true},
		{Command: unitCommand, Purpose: "state of units", Read: true},
		{Command: shellCommand, Purpose: "scripts", Write: true},
		{Command: stagingCommand(meshName), Purpose: "contents of files", Write: true},
	}
}

// MayWrite says why a batch could not be carried out on the host; nil when it could, as
// far as sudo is concerned. Nothing is written.
func (h *Host) MayWrite(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	user := h.o.Dialer.User()
	if user == "root" {
		return nil
	}
	if h.o.Sudo != mesh.SudoAll {
		return &remote.Error{
			Outcome: mesh.NoSudo, Host: h.o.Name, Msg: fmt.Sprintf("the user %s only reads there (ssh.sudo: %s)", user, h.o.Sudo),
			Hint: "apply as an account that may write; meshsync doctor --sudoers prints its lines",
		}
	}
	ctx, cancel := context.WithTimeout(ctx, h.o.Timeout)
	defer cancel()
	for _, r := range Rights(h.o.Mesh) {
		if !r.Write {
			continue
		}
		why, err := h.allowed(ctx, r.Command)
		if err != nil {
			return err
		}
		if why != "" {
			return &remote.Error{
				Outcome: mesh.NoSudo, Host: h.o.Name, Msg: fmt.Sprintf("the user %s may not send %s there: %s", user, r.Purpose, why),
				Hint: "meshsync doctor --sudoers prints the lines that an account takes to write",
			}
		}
	}
	return nil
}

// allowed runs one of the commands without any input, of which all do nothing. It
// returns why sudo refuses it, "" when it does not.
func (h *Host) allowed(ctx context.Context, command string) (why string, err error) {
	if err := h.connect(ctx); err != nil {
		return "", err
	}
	r, err := h.conn.Run(ctx, sudoPrefix+command, bytes.NewReader(nil), 4096, nil)
	if err != nil {
		h.drop()
		return "", err
	}
	if r.Exit != 0 {
		first, _, _ := strings.Cut(strings.TrimSpace(firstOf(r.Stderr, string(r.Stdout), fmt.Sprintf("status %d", r.Exit))), "\n")
		return clean(first), nil
	}
	return "", nil
}
