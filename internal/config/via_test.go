package config

import "testing"

// One URL is two places when it is asked through hosts of two roles.
func TestAURLIsAsSeenFromWhereItIsAsked(t *testing.T) {
	t.Parallel()
	m := loaded(t, "prod", map[string]string{"prod/more.cue": `package prod

marathons: one: {urls: ["http://127.0.0.1:8080"], via: "mesos-master"}
marathons: two: {urls: ["http://127.0.0.1:8080"], via: "mesos-agent"}
`})
	if len(m.Marathons) != 3 || m.Marathons[1].Via != "mesos-master" || m.Marathons[2].Via != "mesos-agent" {
		t.Errorf("%+v", m.Marathons)
	}
}
