package config

import (
	"slices"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// A refusal cites the line that sets the rule, and none if policy leaves it to the role.
func TestEachFieldOfARolloutHasItsOwnLine(t *testing.T) {
	t.Parallel()
	m := loaded(t, "prod", map[string]string{
		"prod/a.cue":   "package prod\n\npolicy: rollout: \"mesos-agent\": timeout: \"4s\"\n",
		"prod/b.cue":   "package prod\npolicy: rollout: logshipper: maxUnavailable: 2\npolicy: {rollout: logshipper: {\n\tsettle: \"1s\"}}\n",
		"common/c.cue": "package common\npolicy: rollout: zookeeper: settle: \"2s\"\n",
		"prod/d.cue":   "package prod\npolicy: rollout: [string]: timeout: string | *\"9m\"\nfor r in [\"mesos-master\"] {policy: rollout: (r): settle: \"3s\"}\n",
	})
	for name, want := range map[string]string{
		"rollout.mesos-agent":                "prod/a.cue:3:18",
		"rollout.mesos-agent.timeout":        "prod/a.cue:3:33",
		"rollout.mesos-agent.maxUnavailable": "",
		"rollout.mesos-agent.settle":         "",
		"rollout.logshipper.maxUnavailable":  "prod/b.cue:2:30",
		"rollout.logshipper.settle":          "prod/b.cue:4:2",
		"rollout.logshipper.timeout":         "prod/d.cue:2:28",
		"rollout.zookeeper.settle":           "common/c.cue:2:29",
		"rollout.mesos-master.settle":        "prod/d.cue:3:50",
	} {
		if got := m.Policy.Origin[name].String(); got != want {
			t.Errorf("%s is set at %q, want %q", name, got, want)
		}
	}
}

func TestBlindSpotsAndSudoAreRead(t *testing.T) {
	t.Parallel()
	m := loaded(t, "prod", map[string]string{
		"prod/a.cue": "package prod\n\npolicy: blind: [\"host/*/file:/etc/x\", \"host/m1\", \"*/service:ssh\"]\nhosts: m1: ssh: sudo: \"none\"\nhosts: m2: ssh: sudo: \"all\"\nhosts: m3: ssh: sudo: \"read\"\n",
	})
	if want := []string{"host/*/file:/etc/x", "host/m1", "*/service:ssh"}; !slices.Equal(m.Policy.Blind, want) || m.Policy.Origin["blind"].String() != "prod/a.cue:3:9" {
		t.Errorf("%q at %s", m.Policy.Blind, m.Policy.Origin["blind"])
	}
	for name, want := range map[string]mesh.Sudo{"m1": mesh.SudoNone, "m2": mesh.SudoAll, "m3": mesh.SudoRead, "a1": mesh.SudoAll} {
		if h, _ := m.Host(name); h.Sudo != want {
			t.Errorf("%s: %q", name, h.Sudo)
		}
	}
}
