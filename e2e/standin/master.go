package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// A masterInfo is what a master's node in ZooKeeper holds, as far as anybody here reads it.
type masterInfo struct {
	Hostname string `json:"hostname"`
	ID       string `json:"id"`
	PID      string `json:"pid"`
	Port     int    `json:"port"`
	Version  string `json:"version"`
	Address  struct {
		Hostname string `json:"hostname"`
		IP       string `json:"ip"`
		Port     int    `json:"port"`
	} `json:"address"`
}

func (i masterInfo) address() string {
	return net.JoinHostPort(i.Address.IP, strconv.Itoa(i.Address.Port))
}

// A master is one mesos-master.
type master struct {
	*process
	quorum   int
	detector *detector // nil without ZooKeeper: it leads alone

	mu        sync.Mutex
	recovered bool
	led       bool
	agents    map[string]sighting
}

// A sighting is an agent that has called.
type sighting struct {
	agentInfo
	at time.Time
}

// gone is how long after its last call an agent counts as disconnected. Agents call once a
// second.
const gone = 3 * time.Second

// startMaster begins to stand for election. On fatal comes why the process has to end.
func startMaster(ctx context.Context, p *process, fatal chan<- error) (http.Handler, error) {
	m := &master{process: p, quorum: 1, agents: map[string]sighting{}}
	if q := p.flags["quorum"]; q != "" {
		n, err := strconv.Atoi(q)
		if err != nil || n < 1 {
			return nil, refuse("Failed to load flag 'quorum': Failed to load value '%s'", q)
		}
		m.quorum = n
	} else if p.flags["zk"] != "" {
		return nil, refuse("Need to specify --quorum for replicated log based registry when using ZooKeeper")
	}
	_, err := os.Stat(m.replica())
	m.recovered = err == nil // a replica that was in the log before needs nobody
	if url := p.flags["zk"]; url != "" {
		info, err := m.info()
		if err != nil {
			return nil, err
		}
		if m.detector, err = newDetector(url, info); err != nil {
			return nil, err
		}
		p.detectors.Go(func() { m.detector.run(ctx, func() { m.changed(fatal) }) })
	} else {
		m.changed(fatal)
	}
	mux := p.answers(m.metrics, m.state)
	guarded := http.NewServeMux()
	guarded.Handle("/", mux)
	guarded.HandleFunc("/redirect", func(w http.ResponseWriter, _ *http.Request) { redirect(w, m.view().leader, "") })
	// Who does not lead knows nothing of the cluster and sends on.
	for _, path := range []string{"/state", "/slaves"} {
		guarded.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			switch v := m.view(); {
			case !v.leads:
				redirect(w, v.leader, path)
			case path == "/slaves":
				writeJSON(w, map[string]any{"slaves": m.listAgents(), "recovered_slaves": []string{}})
			default:
				mux.ServeHTTP(w, r)
			}
		})
	}
	guarded.HandleFunc(registration, m.register)
	return guarded, nil
}

func (m *master) info() (string, error) {
	host, port, err := net.SplitHostPort(m.address())
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return "", err
	}
	i := masterInfo{Hostname: m.hostname(), ID: fmt.Sprintf("%s-%d", m.hostname(), os.Getpid()), PID: "master@" + m.address(), Port: n, Version: m.version}
	i.Address.Hostname, i.Address.IP, i.Address.Port = m.hostname(), host, n
	text, err := json.Marshal(i)
	return string(text), err
}

func (m *master) replica() string { return filepath.Join(m.flags["work_dir"], "replicated_log") }

func (m *master) view() view {
	if m.detector == nil {
		return view{member: true, leads: true, members: 1, leader: m.address()}
	}
	return m.detector.view()
}

// changed draws the consequences of what ZooKeeper says. An empty log is made once as many
// masters are there as keep two quorums from existing side by side. A leader whose session
// ends has to end, since another one may lead already.
func (m *master) changed(fatal chan<- error) {
	v := m.view()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.recovered && v.member && v.members >= 2*m.quorum-1 {
		if err := os.MkdirAll(m.replica(), 0o755); err != nil {
			fatal <- err
			return
		}
		m.recovered = true
	}
	if m.led && !v.leads {
		select {
		case fatal <- refuse("Lost leadership... committing suicide!"):
		default: // said already
		}
	}
	m.led = v.leads
}

func redirect(w http.ResponseWriter, leader, path string) {
	if leader == "" {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("No leader elected")) // the other side may have gone
		return
	}
	// Without a scheme, as Mesos has it.
	w.Header().Set("Location", "//"+leader+path)
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// register hears an agent. Only a leader whose log is there takes agents in.
func (m *master) register(w http.ResponseWriter, r *http.Request) {
	var a agentInfo
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	v := m.view()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !v.leads || !m.recovered {
		http.Error(w, "this master does not lead", http.StatusServiceUnavailable)
		return
	}
	m.agents[a.ID] = sighting{a, time.Now()} //nolint:forbidigo // when it called
}

// listAgents is the list of /slaves.
func (m *master) listAgents() []map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []map[string]any{}
	for _, a := range m.agents {
		out = append(out, map[string]any{
			"id": a.ID, "hostname": a.Hostname, "port": a.Port, "active": time.Since(a.at) < gone, //nolint:forbidigo // an age
			"flag_attributes": a.Attributes, "flag_resources": a.Resources,
		})
	}
	return out
}

func (m *master) state() map[string]any {
	v := m.view()
	active := 0
	agents := m.listAgents()
	for _, a := range agents {
		if a["active"] == true {
			active++
		}
	}
	return map[string]any{
		"leader": "master@" + v.leader, "pid": "master@" + m.address(), "cluster": m.flags["cluster"], "slaves": agents,
		"activated_slaves": active, "deactivated_slaves": len(agents) - active, "frameworks": []string{},
	}
}

func (m *master) metrics() map[string]float64 {
	v := m.view()
	active := 0
	agents := m.listAgents()
	for _, a := range agents {
		if v.leads && a["active"] == true {
			active++
		}
	}
	silent := 0
	if v.leads {
		silent = len(agents) - active
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return map[string]float64{
		"master/elected":              number(v.leads),
		"master/frameworks_active":    0,
		"master/slaves_active":        float64(active),
		"master/slaves_connected":     float64(active),
		"master/slaves_disconnected":  float64(silent),
		"master/slaves_unreachable":   0,
		"master/tasks_lost":           0,
		"master/uptime_secs":          m.uptime(),
		"registrar/log/ensemble_size": float64(v.members),
		"registrar/log/recovered":     number(m.recovered),
	}
}
