package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// registration is where agents call their master. It is no path of Mesos', whose agents
// speak another protocol.
const registration = "/standin/register"

// An agentInfo is what an agent is to its master, and what it remembers of itself.
type agentInfo struct {
	ID         string `json:"id"`
	Hostname   string `json:"hostname"`
	Port       string `json:"port"`
	Attributes string `json:"attributes"`
	Resources  string `json:"resources"`
}

// An agent is one mesos-agent.
type agent struct {
	*process
	info       agentInfo
	registered atomic.Bool
}

// startAgent recovers the agent's identity and begins to look for a master.
func startAgent(ctx context.Context, p *process) (http.Handler, error) {
	a := &agent{process: p}
	where := p.flags["master"]
	if where == "" {
		return nil, refuse("Missing required option --master")
	}
	leader := func() string { return where }
	if strings.Contains(where, "://") {
		d, err := newDetector(where, "")
		if err != nil {
			return nil, err
		}
		leader = func() string { return d.view().leader }
		p.detectors.Go(func() { d.run(ctx, func() {}) })
	}
	if err := a.recover(); err != nil {
		return nil, err
	}
	go a.call(leader)
	return p.answers(a.metrics, a.state), nil
}

// recover takes up the identity of the last run. An agent whose attributes, resources,
// name or port have changed would break its promises, so it does not start; who means it
// removes the checkpoint and gets a new agent.
func (a *agent) recover() error {
	slaves := filepath.Join(a.flags["work_dir"], "meta", "slaves")
	latest := filepath.Join(slaves, "latest")
	now := agentInfo{Hostname: a.hostname(), Port: a.port, Attributes: a.flags["attributes"], Resources: a.flags["resources"]}
	text, err := os.ReadFile(filepath.Join(latest, "slave.info"))
	if err == nil && a.flags["recover"] == "reconnect" {
		var before agentInfo
		if err := json.Unmarshal(text, &before); err != nil {
			return refuse("Failed to recover agent info: %v", err)
		}
		now.ID = before.ID
		if now != before && a.flags["reconfiguration_policy"] == "equal" {
			return refuse("Failed to perform recovery: Incompatible agent info detected.\nOld: %+v\nNew: %+v\n"+
				"To remedy this do as follows: rm -f %s", before, now, latest)
		}
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if now.ID == "" {
		now.ID = fmt.Sprintf("%s-%d-S0", now.Hostname, a.started.UnixNano())
	}
	a.info = now
	text, err = json.Marshal(now)
	if err != nil {
		return err
	}
	dir := filepath.Join(slaves, now.ID)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "slave.info"), text, 0o644); err != nil {
		return err
	}
	if err := os.Remove(latest); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(now.ID, latest)
}

// call tells the leader once a second that the agent is there.
func (a *agent) call(leader func() string) {
	client := &http.Client{Timeout: time.Second}
	body, err := json.Marshal(a.info)
	for err == nil {
		a.registered.Store(tell(client, leader(), body))
		time.Sleep(time.Second) // a period
	}
}

func tell(client *http.Client, leader string, body []byte) bool {
	if leader == "" {
		return false
	}
	answer, err := client.Post("http://"+leader+registration, "application/json", bytes.NewReader(body)) //nolint:noctx // bounded
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func (a *agent) state() map[string]any {
	return map[string]any{"id": a.info.ID, "pid": "slave(1)@" + a.address(), "frameworks": []string{}}
}

func (a *agent) metrics() map[string]float64 {
	return map[string]float64{
		"slave/recovery_errors": 0,
		"slave/registered":      number(a.registered.Load()),
		"slave/uptime_secs":     a.uptime(),
	}
}
