package hostd

import (
	"time"

	"golang.org/x/crypto/ssh"
)

// Options describe all hosts of a sandbox.
type Options struct {
	Dir     string        // the sandbox's folder, absolute; made when it is not there
	User    string        // who logs in; may use sudo
	UserKey ssh.PublicKey // the key that the hosts accept, for User and for root
	Hosts   []HostOptions
	Mode    Mode
	Timing  Timing
	Active  func() // called when somebody connects or runs something; may be nil
}

// HostOptions describe one host.
type HostOptions struct {
	Name    string // letters, digits and dashes
	Address string // what other hosts' settings call it, beside its name; "" if nothing else
	Units   []UnitOptions
	// Packages can be had by apt, beside some that the sandbox knows. A unit that one of them
	// brings is not there before it is installed.
	Packages []PackageOptions
}

// The kinds of units.
const (
	KindZooKeeper   = "zookeeper"
	KindMesosMaster = "mesos-master"
	KindMesosAgent  = "mesos-agent"
	KindMarathon    = "marathon" // this and the following only answer how they are
	KindConsul      = "consul"
	KindHAProxy     = "haproxy"
	KindDocker      = "docker"
	KindGeneric     = "generic" // a process, with a port at most
)

// UnitOptions describe one unit of a host.
type UnitOptions struct {
	Name    string // without .service
	Kind    string // one of the Kind constants; "" is generic
	Port    int    // of a generic unit: where it answers any request with 200; 0: nowhere
	Socket  string // path on the host of a Unix socket where it answers; "": none
	Reload  bool   // its program reads its settings again when it is told to
	Enabled bool   // enabled and started when the sandbox starts
}

// Timing says how long the real programs' slow steps take here. A zero field takes its default.
type Timing struct {
	ZooKeeperStart time.Duration // from its process to the election: 120 ms
	Election       time.Duration // of a ZooKeeper leader: 80 ms
	MesosStart     time.Duration // from its process to ZooKeeper: 60 ms
	MesosElection  time.Duration // of a leading master: 80 ms
	AgentStart     time.Duration // from its process, or from a new leader, to its registration: 60 ms
	Session        time.Duration // Mesos' session with ZooKeeper: 10 s
}

func (t Timing) orDefaults() Timing {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&t.ZooKeeperStart, 120*time.Millisecond)
	set(&t.Election, 80*time.Millisecond)
	set(&t.MesosStart, 60*time.Millisecond)
	set(&t.MesosElection, 80*time.Millisecond)
	set(&t.AgentStart, 60*time.Millisecond)
	set(&t.Session, 10*time.Second)
	return t
}
