package hostd

import (
	"net"
	"time"
)

// An agent is one mesos-agent as it was started.
type agent struct {
	unit    *unit
	flags   flagSet
	servers string
	path    string
	port    int

	// The following is guarded by the world's lock.
	process  *process // while it listens
	started  time.Time
	detected bool // it found the masters in ZooKeeper once
}

// newAgent composes the command line and refuses what mesos-agent 1.11 refuses.
func newAgent(u *unit) (*agent, error) {
	flags, err := u.readFlags(map[string]string{"MASTER": "master", "IP": "ip", "LOGS": "log_dir", "ISOLATION": "isolation"}, agentFlags(), agentDefaults())
	if err != nil {
		return nil, err
	}
	a := &agent{unit: u, flags: flags}
	if flags["master"] == "" {
		return nil, refuse(1, "Missing required option --master")
	}
	if flags["work_dir"] == "" {
		return nil, refuse(1, "Failed to load flags: Flag 'work_dir' is required, but it was not provided")
	}
	if a.servers, a.path, err = zkURL(flags["master"]); err != nil {
		return nil, err
	}
	a.port, err = flags.port(5051)
	return a, err
}

func (a *agent) argv0() string { return "/usr/sbin/mesos-agent" }

func (a *agent) ports() []int {
	if !onLoopback(a.flags["ip"]) {
		return nil
	}
	return []int{a.port}
}

func (a *agent) serve(l net.Listener) {
	serveHTTP(l, mesosHandler(a.flags, a.metrics, nil))
}

func (a *agent) join(p *process) {
	a.process, a.started = p, time.Now()
	a.unit.host.world.agents[a] = struct{}{}
}

func (a *agent) delay() time.Duration { return a.unit.host.world.timing.MesosStart }

func (a *agent) leave(time.Time) {
	a.process = nil
	delete(a.unit.host.world.agents, a)
}

// registered reports whether a leading master took the agent in. The world is locked.
func (a *agent) registered(now time.Time) bool {
	w := a.unit.host.world
	if a.process == nil || a.unit.neverServes() {
		return false
	}
	a.detected = a.detected || w.zooKeeperServes(a.unit.host, a.servers, now)
	m := w.leader(a.unit.host, a.servers, a.path, now)
	late := w.timing.AgentStart
	return a.detected && m != nil && now.Sub(a.started) >= late && now.Sub(m.leads) >= late
}

func (a *agent) metrics() []metric {
	w := a.unit.host.world
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.settle(now)
	return []metric{
		{"slave/recovery_errors", 0},
		{"slave/registered", number(a.registered(now))},
		{"slave/uptime_secs", now.Sub(a.started).Seconds()},
	}
}
