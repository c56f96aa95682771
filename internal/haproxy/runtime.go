// Package haproxy is a HAProxy on this machine: the files that it reads its backends from, and the socket by
// which it is told of tasks that come and go while it runs. What it is to serve is the business of package route.
package haproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/route"
)

// runtime is the socket of a HAProxy's runtime API, with the level admin.
type runtime struct{ path string }

const (
	askedWithin = 5 * time.Second
	longestLine = 8 << 10 // HAProxy takes 16 KiB at once
	mostAnswer  = 64 << 20
)

// live reads what is served at the moment.
func (r runtime) live(ctx context.Context) (route.Live, error) {
	state, err := r.ask(ctx, "show servers state")
	if err != nil {
		return nil, err
	}
	conn, err := r.ask(ctx, "show servers conn")
	if err != nil {
		return nil, err
	}
	live, err := route.ParseLive(state, conn)
	if err != nil {
		return nil, fmt.Errorf("HAProxy's socket %s: %w", r.path, err)
	}
	return live, nil
}

// do carries out commands. Whether they did what they should is seen by looking again.
func (r runtime) do(ctx context.Context, commands []string) error {
	for len(commands) > 0 {
		line, n := "", 0
		for n < len(commands) && (n == 0 || len(line)+len(commands[n]) < longestLine) {
			line += commands[n] + ";"
			n++
		}
		if _, err := r.ask(ctx, strings.TrimSuffix(line, ";")); err != nil {
			return err
		}
		commands = commands[n:]
	}
	return nil
}

// ask sends one line and reads the answer, at whose end HAProxy closes the connection.
func (r runtime) ask(ctx context.Context, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askedWithin)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", r.path)
	if err != nil {
		return "", fmt.Errorf("HAProxy's socket %s: %w: does HAProxy run, has it \"stats socket %s level admin\", and may this account write there?", r.path, err, r.path)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		return "", fmt.Errorf("HAProxy's socket %s: %w", r.path, err)
	}
	answer, err := io.ReadAll(io.LimitReader(c, mostAnswer))
	if err != nil {
		return "", fmt.Errorf("HAProxy's socket %s: %w", r.path, err)
	}
	if strings.HasPrefix(string(answer), "Permission denied") {
		return "", errors.New("HAProxy's socket " + r.path + " is not of level admin: add \"level admin\" to it in haproxy.cfg")
	}
	return string(answer), nil
}
