package main

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// nodePrefix begins the names of the masters' nodes, as Mesos writes them.
const nodePrefix = "json.info_"

// look is how often ZooKeeper is asked. It is far below a session's timeout.
const look = 250 * time.Millisecond

// sessionTimeout is the default of --zk_session_timeout.
const sessionTimeout = 10 * time.Second

// A detector watches who leads, and for a master stands for election.
type detector struct {
	session *session
	path    string
	info    string // a master's node; an agent has none

	mu      sync.Mutex
	node    string    // the name of the own node; empty while there is none
	members []string  // the masters' nodes, the leader's first
	leader  string    // its address; empty when nobody leads that is known
	seen    time.Time // when ZooKeeper answered last
	expired bool      // a session with an own node was lost
}

func newDetector(url, info string) (*detector, error) {
	servers, dir, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	return &detector{session: &session{servers: servers, timeout: sessionTimeout}, path: dir, info: info}, nil
}

// run watches until the context ends, and then ends its session. changed is called after
// every look.
func (d *detector) run(ctx context.Context, changed func()) {
	next := time.NewTicker(look)
	defer next.Stop()
	for {
		err := d.step()
		d.mu.Lock()
		now := time.Now() //nolint:forbidigo // the session's age
		if err == nil {
			d.seen = now
		}
		// ZooKeeper cannot say that the session is over while it cannot be reached.
		if errors.Is(err, errExpired) || err != nil && now.Sub(d.seen) > sessionTimeout {
			d.expired = d.expired || d.node != ""
			d.node, d.members, d.leader = "", nil, ""
		}
		d.mu.Unlock()
		changed()
		select {
		case <-next.C:
		case <-ctx.Done():
			d.session.end()
			return
		}
	}
}

// step does what there is to do once.
func (d *detector) step() error {
	if d.info != "" && d.own() == "" {
		if err := d.stand(); err != nil {
			return err
		}
	}
	names, err := d.session.children(d.path)
	if errors.Is(err, noNode) {
		names, err = nil, nil
	}
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, nodePrefix) })
	slices.Sort(names)
	leader := ""
	if len(names) > 0 {
		text, err := d.session.data(path.Join(d.path, names[0]))
		if err != nil {
			return err
		}
		var info masterInfo
		if err := json.Unmarshal([]byte(text), &info); err == nil {
			leader = info.address()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.node != "" && !slices.Contains(names, d.node) {
		d.node, d.expired = "", true
	}
	d.members, d.leader = names, leader
	return nil
}

func (d *detector) own() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.node
}

// stand makes the own node, and the folders above it.
func (d *detector) stand() error {
	for at := 1; at < len(d.path); at++ {
		if at+1 == len(d.path) || d.path[at+1] == '/' {
			if _, err := d.session.create(d.path[:at+1], "", 0); err != nil && !errors.Is(err, nodeExists) {
				return err
			}
		}
	}
	node, err := d.session.create(path.Join(d.path, nodePrefix), d.info, ephemeralSequential)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.node = path.Base(node)
	return nil
}

// A view is what a detector knows at one moment.
type view struct {
	member, leads, expired bool
	members                int
	leader                 string
}

func (d *detector) view() view {
	d.mu.Lock()
	defer d.mu.Unlock()
	member := d.node != "" && slices.Contains(d.members, d.node)
	return view{
		member: member, leads: member && d.members[0] == d.node, expired: d.expired,
		members: len(d.members), leader: d.leader,
	}
}
