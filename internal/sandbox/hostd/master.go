package hostd

import (
	"net"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A master is one mesos-master as it was started.
type master struct {
	unit    *unit
	flags   flagSet
	servers string // of ZooKeeper; "" without
	path    string // in ZooKeeper: who shares it forms one cluster
	quorum  int
	port    int

	// The following is guarded by the world's lock.
	process   *process  // while it listens
	session   bool      // with ZooKeeper; a master without ZooKeeper has one with itself
	lost      time.Time // since when no ZooKeeper answers it; zero: one does
	recovered bool      // its replica of the registry is up to date
	elected   bool
	leads     time.Time // when its leadership takes effect
}

// newMaster composes the command line and refuses what mesos-master 1.11 refuses.
func newMaster(u *unit) (*master, error) {
	flags, err := u.readFlags(map[string]string{"ZK": "zk", "IP": "ip", "PORT": "port", "CLUSTER": "cluster", "LOGS": "log_dir"}, masterFlags(), masterDefaults())
	if err != nil {
		return nil, err
	}
	m := &master{unit: u, flags: flags}
	if flags["work_dir"] == "" {
		return nil, refuse(1, "Failed to load flags: Flag 'work_dir' is required, but it was not provided")
	}
	if m.port, err = flags.port(5050); err != nil {
		return nil, err
	}
	if zk := flags["zk"]; zk != "" {
		if m.servers, m.path, err = zkURL(zk); err != nil {
			return nil, err
		}
		if flags["quorum"] == "" {
			return nil, refuse(1, "Need to specify --quorum for replicated log based registry when using ZooKeeper")
		}
	}
	m.quorum = 1
	if q := flags["quorum"]; q != "" {
		if m.quorum, err = strconv.Atoi(q); err != nil || m.quorum < 1 {
			return nil, refuse(1, "Failed to load flag 'quorum': Failed to load value '%s'", q)
		}
	}
	return m, nil
}

// port reads the flag port.
func (f flagSet) port(unset int) (int, error) {
	if f["port"] == "" {
		return unset, nil
	}
	n, err := strconv.Atoi(f["port"])
	if err != nil || n < 1 || n > 65535 {
		return 0, refuse(1, "Failed to load flag 'port': Failed to load value '%s'", f["port"])
	}
	return n, nil
}

// zkURL takes zk://[user:password@]host:port,…/path apart.
func zkURL(url string) (servers, dir string, err error) {
	rest, ok := strings.CutPrefix(url, "zk://")
	servers, dir, _ = strings.Cut(rest, "/")
	if i := strings.LastIndex(servers, "@"); i >= 0 {
		servers = servers[i+1:]
	}
	if !ok || servers == "" {
		return "", "", refuse(1, "Failed to create a master detector: Failed to parse '%s'", url)
	}
	return servers, "/" + dir, nil
}

func (m *master) argv0() string { return "/usr/sbin/mesos-master" }

func (m *master) ports() []int {
	if !onLoopback(m.flags["ip"]) {
		return nil
	}
	return []int{m.port}
}

func (m *master) serve(l net.Listener) {
	serveHTTP(l, mesosHandler(m.flags, m.metrics, m.redirectTarget))
}

func (m *master) join(p *process) {
	w := m.unit.host.world
	m.process = p
	m.recovered = m.voted()          // a replica that was in the log before is so again, on its own
	w.masters = append(w.masters, m) // in the order of their numbers in ZooKeeper
	w.settle(time.Now())
}

func (m *master) delay() time.Duration { return m.unit.host.world.timing.MesosStart }

func (m *master) leave(now time.Time) {
	w := m.unit.host.world
	m.process, m.elected = nil, false
	w.masters = slices.DeleteFunc(w.masters, func(o *master) bool { return o == m })
	w.settle(now)
}

// replica is the folder of the registry's replicated log.
func (m *master) replica() (string, error) {
	return m.unit.host.inRoot(path.Join(m.flags["work_dir"], "replicated_log"))
}

func (m *master) voted() bool {
	dir, err := m.replica()
	if err != nil {
		return false
	}
	_, err = os.Stat(dir)
	return err == nil
}

// electMasters brings the masters' sessions, logs and leadership up to date. The world is locked.
func (w *World) electMasters(now time.Time) {
	for _, m := range w.masters {
		m.keepSession(now)
	}
	for _, m := range w.masters {
		group := w.group(m)
		m.recover(group)
		led := slices.ContainsFunc(group, func(o *master) bool { return o.elected })
		if !led && len(group) > 0 && group[0] == m && m.lost.IsZero() {
			m.elected, m.leads = true, now.Add(w.timing.MesosElection)
		}
	}
}

// keepSession renews the session with ZooKeeper, or ends it when it was out of reach for
// too long. The world is locked.
func (m *master) keepSession(now time.Time) {
	w := m.unit.host.world
	switch {
	case m.unit.neverServes():
		m.session = false
	case m.servers == "" || w.zooKeeperServes(m.unit.host, m.servers, now):
		m.session, m.lost = true, time.Time{}
	case m.session && m.lost.IsZero():
		m.lost = now
	case m.session && now.Sub(m.lost) >= w.timing.Session:
		m.session = false
	}
	m.elected = m.elected && m.session
}

// group lists the masters that find m in ZooKeeper, m among them, in the order in which
// they came. The world is locked.
func (w *World) group(m *master) []*master {
	var out []*master
	for _, o := range w.masters {
		if o == m && m.session || o != m && o.session && o.path == m.path && shareServer(m.unit.host, m.servers, o) {
			out = append(out, o)
		}
	}
	return out
}

// shareServer reports whether a list of ZooKeepers, as read on host h, and a master's have
// a server in common.
func shareServer(h *Host, servers string, m *master) bool {
	if servers == "" || m.servers == "" {
		return false
	}
	if h == m.unit.host {
		return servers == m.servers
	}
	theirs := strings.Split(m.servers, ",")
	for s := range strings.SplitSeq(servers, ",") {
		name, _, _ := strings.Cut(s, ":")
		if name != "localhost" && !strings.HasPrefix(name, "127.") && slices.Contains(theirs, s) {
			return true
		}
	}
	return false
}

// recover lets a master's empty replica catch up from a quorum of others; when all are
// empty, the log is made once 2q-1 of them are there. The world is locked.
func (m *master) recover(group []*master) {
	if m.recovered || !slices.Contains(group, m) {
		return
	}
	full := 0
	for _, o := range group {
		if o.recovered {
			full++
		}
	}
	if full < m.quorum && len(group) < 2*m.quorum-1 {
		return
	}
	m.recovered = true
	if dir, err := m.replica(); err == nil {
		_ = os.MkdirAll(dir, 0o755)
	}
}

// leader finds the master that leads for who watches dir in these ZooKeepers from host h;
// nil without one. The world is locked.
func (w *World) leader(h *Host, servers, dir string, now time.Time) *master {
	for _, m := range w.masters {
		if m.elected && m.recovered && m.path == dir && !now.Before(m.leads) && shareServer(h, servers, m) {
			return m
		}
	}
	return nil
}
