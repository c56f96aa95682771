package marathond

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// storeSchema is the schema of what Snapshot prints.
const storeSchema = "meshsync.sandbox-marathon/v1"

// stored is what outlives the process, as ZooKeeper keeps it for a real one. Earlier trees,
// tasks and deployments are not part of it.
type stored struct {
	Schema  string                          `json:"schema"`
	Version string                          `json:"version"` // of the tree
	Last    string                          `json:"last"`    // no version that is given later is as old
	Apps    map[string]string               `json:"apps"`    // id → version
	History map[string]map[string]storedApp `json:"history"` // id → version → app
	Groups  map[string]storedGroup          `json:"groups"`
	Pods    []string                        `json:"pods,omitempty"`
}

type storedApp struct {
	Definition object `json:"definition"`
	Scaled     string `json:"lastScalingAt"`
	Config     string `json:"lastConfigChangeAt"`
}

type storedGroup struct {
	EnforceRole  bool     `json:"enforceRole"`
	Dependencies []string `json:"dependencies"`
}

// Snapshot is what Restore makes a Marathon of again: apps with their versions, and groups.
func (s *Server) Snapshot() ([]byte, error) {
	s.mu.Lock()
	out := stored{
		Schema: storeSchema, Version: s.root.version, Last: stamp(s.last),
		Apps: map[string]string{}, History: map[string]map[string]storedApp{}, Groups: map[string]storedGroup{},
	}
	for id, a := range s.root.apps {
		out.Apps[id] = a.version
		out.History[id] = map[string]storedApp{}
		for v, old := range s.history[id] {
			out.History[id][v] = storedApp{old.def, old.scaled, old.config}
		}
		out.History[id][a.version] = storedApp{a.def, a.scaled, a.config}
	}
	for id, g := range s.root.groups {
		out.Groups[id] = storedGroup{g.enforceRole, g.dependencies}
	}
	out.Pods = sortedKeys(s.root.pods)
	s.mu.Unlock() // what the copies point to never changes
	return encode(out)
}

// Restore starts a Marathon with the apps of a snapshot, as the real one reads them back from
// its store. Their tasks are new and start at once, without a deployment.
func Restore(o Options, snapshot []byte) (*Server, error) {
	var in stored
	d := json.NewDecoder(bytes.NewReader(snapshot))
	d.UseNumber()
	if err := d.Decode(&in); err != nil {
		return nil, err
	}
	if in.Schema != storeSchema {
		return nil, fmt.Errorf("it has schema %q, this program reads %q", in.Schema, storeSchema)
	}
	last, err := time.Parse(stampFormat, in.Last)
	if err != nil {
		return nil, err
	}
	s := New(o)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = last
	if err := s.readBack(in); err != nil {
		return nil, err // nothing of it moves yet
	}
	for _, id := range s.root.ids() {
		a := s.root.apps[id]
		for range min(appdef.Int(a.def["instances"]), maxWaiting) {
			s.launch(a)
		}
	}
	return s, nil
}

// readBack makes what was stored the present tree.
func (s *Server) readBack(in stored) error {
	r := &root{version: in.Version, apps: map[string]*app{}, groups: map[string]group{"/": {}}, pods: map[string]bool{}}
	for id, versions := range in.History {
		s.history[id] = map[string]*app{}
		for v, old := range versions {
			def, ok := numbered("", old.Definition).(object)
			if !ok {
				return fmt.Errorf("version %s of the app %s has no definition", v, id)
			}
			s.history[id][v] = &app{id: id, def: def, version: v, scaled: old.Scaled, config: old.Config, ports: portNumbers(def)}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(in.Apps)) {
		kept := s.history[id][in.Apps[id]]
		if kept == nil || !strings.HasPrefix(id, "/") {
			return fmt.Errorf("the app %q has no version %q", id, in.Apps[id])
		}
		a := *kept
		a.def = appdef.AfterLeaderChange(kept.def)
		r.addGroups(id)
		r.apps[id] = &a
	}
	for id, g := range in.Groups {
		r.groups[id] = group{g.EnforceRole, g.Dependencies}
	}
	for _, id := range in.Pods {
		r.addGroups(id)
		r.pods[id] = true
	}
	if r.problems() != nil {
		return errors.New("its apps and groups contradict each other")
	}
	s.root = r
	s.roots = []*root{r}
	return nil
}

// numbered gives the numbers of a decoded definition the types that definitions have: GET
// prints a Double with a point or an exponent, and infinity as a word.
func numbered(key string, v any) any {
	switch v := v.(type) {
	case object:
		out := make(object, len(v))
		for k, x := range v {
			out[k] = numbered(k, x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = numbered("", x)
		}
		return out
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
		f, _ := strconv.ParseFloat(v.String(), 64) // the only error is the range, and then f says which side
		return appdef.Double(f)
	case string:
		if v == "Infinity" && slices.Contains([]string{"cpus", "mem", "disk"}, key) {
			return appdef.Double(math.Inf(1))
		}
	}
	return v
}
