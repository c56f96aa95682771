package appdef

import (
	"encoding/json"
	"testing"
)

// These are rules of which no refusal was recorded.
func TestVolumesThatAreRefused(t *testing.T) {
	t.Parallel()
	persistent := func(constraint string) string {
		return `{"id": "/a", "cmd": "run it", "role": "db", "container": {"type": "MESOS", "volumes": [{"containerPath": "data", "mode": "RW",
			"persistent": {"size": 1, "type": "mount", "constraints": [` + constraint + `]}}]}}`
	}
	dvdi := func(engine, option string) string {
		return `{"id": "/a", "cmd": "run it", "container": {"type": "` + engine + `", "docker": {"image": "w"}, "volumes": [{"containerPath": "d", "mode": "RW",
			"external": {"name": "v", "provider": "dvdi", "options": {"dvdi/driver": "rexray"` + option + `}}}]}}`
	}
	roles := func(string, string) ([]string, string) { return []string{"*", "db"}, "*" }
	r := New(Settings{Features: []string{"external_volumes"}})
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"a constraint":             {persistent(`["path", "LIKE", "a"]`), 0},
		"without an expression":    {persistent(`["path", "LIKE"]`), 500},
		"with too much":            {persistent(`["path", "LIKE", "a", "b"]`), 500},
		"of another field":         {persistent(`["disk", "LIKE", "a"]`), 500},
		"of nothing":               {persistent(`[]`), 500},
		"a driver":                 {dvdi("DOCKER", ""), 0},
		"another option in Docker": {dvdi("DOCKER", `, "dvdi/x": "1"`), 422},
		"and in Mesos":             {dvdi("MESOS", `, "dvdi/x": "1"`), 0},
	} {
		_, refusal := r.Create(json.RawMessage(c.body), "/", roles)
		if got := statusOf(refusal); got != c.status {
			t.Errorf("%s: %d (%v), want %d", name, got, refusal, c.status)
		}
	}
}

func statusOf(r *Refusal) int {
	if r == nil {
		return 0
	}
	return r.Status
}
