// Package marathon is a Marathon as a target: it observes apps, groups and deployments in four
// reads, changes one app at a time with care, follows each deployment to its end, and
// keeps its record in apps of its own group. Which definitions are equal is the
// business of package definition.
package marathon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
)

// Options describe one Marathon.
type Options struct {
	Spec        mesh.MarathonSpec
	Mesh        string // id of the mesh, for the record's place
	HTTP        *http.Client
	SecretNames []string
	// Credentials asks for what the account of Spec needs, when the first request is sent.
	Credentials Credentials
	// Dial connects to the URLs where that is not done from this machine; nil otherwise.
	Dial       func(ctx context.Context, network, addr string) (net.Conn, error)
	Timeout    time.Duration // for a deployment without progress; 0: 10 minutes
	OnDeadline mesh.OnDeadline
	Poll       time.Duration // between two looks at a deployment; 0: 500 ms
	Now        func() time.Time
}

// Marathon is one Marathon. Its methods take turns.
type Marathon struct {
	o    Options
	api  *client
	mask definition.Masker
	mu   sync.Mutex
	info mesh.MarathonInfo
	rec  record
	// ahead is what the record is to say of the stage that is under way.
	ahead ahead
	// lease is what this run holds; its Run is empty while it holds none.
	lease   mesh.Lease
	leaseN  int
	renewAt time.Time // when it is to be renewed next
	events  events
}

// New returns a Marathon; nothing is asked yet.
func New(o Options) *Marathon {
	o.Timeout = cmp.Or(o.Timeout, 10*time.Minute)
	o.Poll = cmp.Or(o.Poll, 500*time.Millisecond)
	return &Marathon{o: o, api: newClient(o), mask: definition.NewMasker(o.SecretNames), events: newEvents()}
}

// Target returns marathon/NAME.
func (m *Marathon) Target() mesh.Target { return mesh.Marathon(m.o.Spec.Name) }

// Observe reads the version, the groups, the apps and the deployments.
func (m *Marathon) Observe(ctx context.Context) mesh.TargetState {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.look(ctx)
	if err == nil {
		return s
	}
	out := mesh.TargetState{Target: m.Target(), Outcome: mesh.BadStatus, Message: err.Error(), RecordState: mesh.RecordNone}
	var r *reachError
	if errors.As(err, &r) {
		out.Outcome = r.outcome
	}
	var a *apiError
	var c *credentialError
	if errors.As(err, &c) || errors.As(err, &a) && (a.status == http.StatusUnauthorized || a.status == http.StatusForbidden) {
		out.Outcome = mesh.AuthRefused
	}
	return out
}

func (m *Marathon) look(ctx context.Context) (mesh.TargetState, error) {
	s := mesh.TargetState{Target: m.Target(), Outcome: mesh.OK, RecordState: mesh.RecordNone}
	facts, err := m.facts(ctx)
	if err != nil {
		return s, err
	}
	if err := m.groups(ctx, facts); err != nil {
		return s, err
	}
	apps := &appList{target: m.Target(), mesh: m.o.Mesh, forms: definition.NewForms(facts.Config, m.mask)}
	header, err := m.api.call(ctx, http.MethodGet, "/v2/apps?embed=apps.taskStats", nil, apps)
	if err != nil {
		return s, err
	}
	facts.Lease = m.holder(apps.leases, header)
	if facts.Deployments, err = m.deployments(ctx); err != nil {
		return s, err
	}
	s.Marathon, m.info = facts, facts.Config
	s.Resources, s.Unknown = apps.resources, apps.unknown
	m.rec = readRecord(apps.records, m.o.Mesh)
	s.Record, s.RecordState = m.rec.record, m.rec.state
	err = m.hidden(ctx, &s)
	return s, err
}

func (m *Marathon) facts(ctx context.Context) (*mesh.MarathonFacts, error) {
	var info struct {
		Version   string `json:"version"`
		Framework string `json:"frameworkId"`
		Leader    string `json:"leader"`
		Config    struct {
			DefaultNetworkName string   `json:"default_network_name"`
			MesosBridgeName    string   `json:"mesos_bridge_name"`
			MesosRole          string   `json:"mesos_role"`
			LocalPortMin       int      `json:"local_port_min"`
			LocalPortMax       int      `json:"local_port_max"`
			Features           []string `json:"features"`
			NewGroups          string   `json:"new_group_enforce_role"`
		} `json:"marathon_config"`
	}
	if _, err := m.api.call(ctx, http.MethodGet, "/v2/info", nil, &info); err != nil {
		return nil, noAPI(err)
	}
	if info.Version == "" {
		return nil, &reachError{outcome: mesh.Garbled, msg: m.api.base + ": the answer to GET /v2/info has no version: is that a Marathon?"}
	}
	return &mesh.MarathonFacts{URL: m.api.base, Version: info.Version, Framework: info.Framework, Leader: info.Leader, Config: mesh.MarathonInfo{
		Version: info.Version, DefaultNetworkName: info.Config.DefaultNetworkName, MesosBridgeName: info.Config.MesosBridgeName,
		MesosRole: info.Config.MesosRole, LocalPortMin: info.Config.LocalPortMin, LocalPortMax: info.Config.LocalPortMax,
		Features: info.Config.Features, NewGroupEnforceRole: info.Config.NewGroups,
	}}, nil
}

// noAPI says what it means that a path which every Marathon has is not there: 404, and 500 since 1.6.
func noAPI(err error) error {
	var a *apiError
	if errors.As(err, &a) && (a.status == http.StatusNotFound || a.message == "URI not found") {
		return fmt.Errorf("%w: no Marathon's API is at that URL: does it lack a prefix, such as /service/marathon?", err)
	}
	return err
}

// deployment is one of GET /v2/deployments.
type deployment struct {
	ID             string   `json:"id"`
	Version        string   `json:"version"`
	AffectedApps   []string `json:"affectedApps"`
	CurrentStep    int      `json:"currentStep"`
	TotalSteps     int      `json:"totalSteps"`
	CurrentActions []struct {
		Action string `json:"action"`
		App    string `json:"app"`
	} `json:"currentActions"`
}

func (m *Marathon) deployments(ctx context.Context) ([]mesh.Deployment, error) {
	var list []deployment
	if _, err := m.api.call(ctx, http.MethodGet, "/v2/deployments", nil, &list); err != nil {
		return nil, err
	}
	out := []mesh.Deployment{}
	for _, d := range list {
		of := mesh.Deployment{
			ID: d.ID, Version: d.Version, AffectedApps: d.AffectedApps, CurrentStep: d.CurrentStep, TotalSteps: d.TotalSteps,
		}
		if len(d.CurrentActions) > 0 {
			of.Action = strings.TrimSpace(d.CurrentActions[0].Action + " " + d.CurrentActions[0].App)
		}
		out = append(out, of)
	}
	return out, nil
}

// app reads one app; ok is false when there is none.
func (m *Marathon) app(ctx context.Context, id string) (echo map[string]any, ok bool, err error) {
	return m.appWith(ctx, id, "")
}

// appWith is app with what a query asks for beside.
func (m *Marathon) appWith(ctx context.Context, id, query string) (echo map[string]any, ok bool, err error) {
	var body struct {
		App map[string]any `json:"app"`
	}
	_, err = m.api.call(ctx, http.MethodGet, pathOf(id)+query, nil, &body)
	var a *apiError
	if errors.As(err, &a) && a.status == http.StatusNotFound {
		return nil, false, nil
	}
	if err == nil && body.App == nil {
		err = &reachError{outcome: mesh.Garbled, msg: m.api.base + ": the answer about " + id + " has no app"}
	}
	return body.App, err == nil, err
}
