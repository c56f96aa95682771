package hostd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A zooKeeper is one server as it was started.
type zooKeeper struct {
	unit       *unit
	settings   []property // of zoo.cfg, in its order
	dataDir    string
	clientPort int
	bind       string // clientPortAddress
	words      []string
	id         int
	members    map[int]string // id → what stands behind server.ID=
	observers  map[int]bool

	// The following is guarded by the world's lock.
	leads  bool      // elected
	serves time.Time // when the leader serves
}

// newZooKeeper reads zoo.cfg and myid and refuses what ZooKeeper 3.8 refuses, with its exit codes.
func newZooKeeper(u *unit) (*zooKeeper, error) {
	text, err := u.host.read("/etc/zookeeper/conf/zoo.cfg")
	if err != nil {
		return nil, refuse(2, "Invalid config, exiting abnormally: zoo.cfg: %v", cause(err))
	}
	z := &zooKeeper{unit: u, words: []string{"srvr"}, members: map[int]string{}, observers: map[int]bool{}}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		z.settings = append(z.settings, property{strings.TrimSpace(key), strings.TrimSpace(value)})
	}
	if err := z.read(); err != nil {
		return nil, refuse(2, "Invalid config, exiting abnormally: %v", err)
	}
	if len(z.members) < 2 {
		return z, nil // stand-alone: it does not even look for myid
	}
	if err := z.identify(); err != nil {
		return nil, err
	}
	return z, nil
}

// cause is an error without the path, which is the machine's and not the host's.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func (z *zooKeeper) get(key string) string {
	v := ""
	for _, p := range z.settings {
		if p.name == key {
			v = p.value // the last one wins
		}
	}
	return v
}

func (z *zooKeeper) read() error {
	for _, key := range []string{"tickTime", "initLimit", "syncLimit", "clientPort", "maxClientCnxns", "minSessionTimeout", "maxSessionTimeout"} {
		if v := z.get(key); v != "" {
			if _, err := strconv.Atoi(v); err != nil {
				return fmt.Errorf("%s=%s is not a number", key, v)
			}
		}
	}
	z.clientPort, _ = strconv.Atoi(z.get("clientPort"))
	z.bind = z.get("clientPortAddress")
	if z.dataDir = z.get("dataDir"); z.dataDir == "" {
		return errors.New("dataDir is not set")
	}
	if v := z.get("electionAlg"); v != "" && v != "3" {
		return fmt.Errorf("invalid electionAlg value %s; only 3 is supported", v)
	}
	if v := z.get("4lw.commands.whitelist"); v != "" {
		z.words = nil
		for _, w := range strings.Split(v, ",") {
			z.words = append(z.words, strings.TrimSpace(w))
		}
	}
	return z.readMembers()
}

func (z *zooKeeper) readMembers() error {
	for _, p := range z.settings {
		text, ok := strings.CutPrefix(p.name, "server.")
		if !ok {
			continue
		}
		id, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%s: the id is not a number", p.name)
		}
		address, _, _ := strings.Cut(p.value, ";")
		parts := strings.Split(address, ":")
		if len(parts) < 3 || len(parts) > 4 {
			return fmt.Errorf("%s=%s does not have the form host:port:port[:role]", p.name, p.value)
		}
		for _, port := range parts[1:3] {
			if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
				return fmt.Errorf("%s=%s: %q is no port", p.name, p.value, port)
			}
		}
		z.members[id] = p.value
		z.observers[id] = len(parts) == 4 && parts[3] == "observer"
	}
	if len(z.members) > 1 && (z.get("initLimit") == "" || z.get("syncLimit") == "") {
		return errors.New("initLimit or syncLimit is not set")
	}
	return nil
}

// identify reads myid, one line of digits and nothing else.
func (z *zooKeeper) identify() error {
	text, err := z.unit.host.read(path.Join(z.dataDir, "myid"))
	if err != nil {
		return refuse(2, "Invalid config, exiting abnormally: myid file is missing")
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if z.id, err = strconv.Atoi(line); err != nil {
		return refuse(2, "Invalid config, exiting abnormally: serverid %s is not a number", line)
	}
	if _, ok := z.members[z.id]; !ok {
		return refuse(1, "My id %d not in the peer list", z.id)
	}
	return nil
}

func (z *zooKeeper) argv0() string { return "/usr/bin/java" }

// ports has the client port, when it is bound on an address that 127.0.0.1 reaches.
func (z *zooKeeper) ports() []int {
	if z.clientPort == 0 || !onLoopback(z.bind) {
		return nil
	}
	return []int{z.clientPort}
}

func onLoopback(bind string) bool {
	return bind == "" || bind == "0.0.0.0" || bind == "::" || bind == "localhost" || strings.HasPrefix(bind, "127.")
}

func (z *zooKeeper) delay() time.Duration { return z.unit.host.world.timing.ZooKeeperStart }

func (z *zooKeeper) join(*process) {
	w := z.unit.host.world
	w.zookeeper = append(w.zookeeper, z)
	w.settle(time.Now())
	z.leaveTraces()
}

// leaveTraces makes the folder where the real one keeps its data.
func (z *zooKeeper) leaveTraces() {
	if dir, err := z.unit.host.inRoot(path.Join(z.dataDir, "version-2")); err == nil {
		_ = os.MkdirAll(dir, 0o755)
	}
}

func (z *zooKeeper) leave(now time.Time) {
	w := z.unit.host.world
	z.leads = false
	w.zookeeper = slices.DeleteFunc(w.zookeeper, func(o *zooKeeper) bool { return o == z })
	w.settle(now)
}

// serve answers four-letter words.
func (z *zooKeeper) serve(l net.Listener) {
	answerEach(l, func(c net.Conn) {
		var word [4]byte
		if _, err := io.ReadFull(c, word[:]); err == nil {
			_, _ = io.WriteString(c, z.answer(string(word[:])))
		}
	})
}

const notServing = "This ZooKeeper instance is not currently serving requests\n"

// answer is the reply to a four-letter word.
func (z *zooKeeper) answer(word string) string {
	if !slices.Contains([]string{"srvr", "ruok", "mntr", "conf", "isro", "stat"}, word) {
		return "" // no word: the server takes it for a client's handshake and hangs up
	}
	if !slices.Contains(z.words, word) && !slices.Contains(z.words, "*") {
		return word + " is not executed because it is not in the whitelist.\n"
	}
	mode := z.mode()
	switch word {
	case "ruok":
		return "imok" // without quorum, too
	case "isro":
		if mode == "" {
			return "null"
		}
		return "rw"
	case "conf":
		return z.conf()
	}
	switch {
	case mode == "":
		return notServing
	case word == "mntr":
		return z.mntr(mode)
	default:
		return z.srvr(mode)
	}
}

const zkVersion = "3.8.0-5a02a05eddb59aee6ac762f7ea82e92a68eb9c0f, built on 2022-02-25 08:49 UTC"

func (z *zooKeeper) srvr(mode string) string {
	text := "Zookeeper version: " + zkVersion + "\nLatency min/avg/max: 0/0.0/0\nReceived: 1\nSent: 0\n" +
		"Connections: 1\nOutstanding: 0\nZxid: 0x100000000\nMode: " + mode + "\nNode count: 5\n"
	if mode == "leader" {
		text += "Proposal sizes last/min/max: -1/-1/-1\n"
	}
	return text
}

func (z *zooKeeper) mntr(mode string) string {
	text := fmt.Sprintf("zk_version\t%s\nzk_server_state\t%s\nzk_outstanding_requests\t0\nzk_znode_count\t5\nzk_open_file_descriptor_count\t70\n",
		zkVersion, mode)
	if mode == "leader" {
		w := z.unit.host.world
		w.mu.Lock()
		n := len(w.following(z))
		w.mu.Unlock()
		text += fmt.Sprintf("zk_learners\t%d\nzk_synced_followers\t%d\nzk_pending_syncs\t0\nzk_quorum_size\t%d\n", n, n, len(z.voters()))
	}
	return text
}

func (z *zooKeeper) conf() string {
	var b strings.Builder
	for _, k := range []string{"clientPort", "dataDir", "tickTime", "maxClientCnxns", "initLimit", "syncLimit"} {
		if v := z.get(k); v != "" {
			fmt.Fprintf(&b, "%s=%s\n", k, v)
		}
	}
	if len(z.members) > 1 {
		fmt.Fprintf(&b, "serverId=%d\n", z.id)
		b.WriteString("membership: \n")
		for _, p := range z.settings {
			if strings.HasPrefix(p.name, "server.") {
				fmt.Fprintf(&b, "%s=%s\n", p.name, p.value)
			}
		}
	}
	return b.String()
}
