package definition

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/marathon/rules"
	"meshsync.dev/meshsync/internal/mesh"
)

// older are the cases of releases of which there are no recordings, but what was read in their
// sources, by their release.
func olderCases() map[string]string {
	return map[string]string{
		"deps-relative-on-apps-endpoint-1.4": "1.4.13", "upgrade-partial-object-1.4": "1.4.13", "accepted-roles-foreign-1.9": "1.9.109",
		"v0.6-deimos": "0.6.0", "v0.6-stored-then-0.7": "0.7.0", "v0.7-defaults": "0.7.0", "v1.4-echo": "1.4.13", "v1.4-docker-bridge": "1.4.13",
	}
}

// TestFormsOfOlderReleases: what was sent, read as the contract reads it, and what GET then showed
// are one form. An echo may be told in part.
func TestFormsOfOlderReleases(t *testing.T) {
	t.Parallel()
	n := 0
	for _, c := range casesOf(t) {
		if c.Confidence == "observed 1.11.26" || c.Get == nil {
			continue
		}
		if olderCases()[c.Name] == "" {
			t.Errorf("%s is of no release", c.Name)
		}
		n++
		sent, echo := olderForms(t, c)
		if c.Name == "v0.6-stored-then-0.7" {
			sent, echo = withoutLoss(t, sent, echo)
		}
		if echo = withoutChosenPorts(echo, sent); !mesh.EqualValues(sent, echo) {
			t.Errorf("%s:\n%s", c.Name, cmp.Diff(map[string]any(sent), map[string]any(echo)))
		}
	}
	if n != len(olderCases()) {
		t.Errorf("%d cases", n)
	}
}

// olderForms are the two sides of a case.
func olderForms(t *testing.T, c submitted) (sent, echo mesh.Tree) {
	t.Helper()
	body, _ := c.Put.(map[string]any)
	if rules.OfDeimos(body) {
		body = modern(body) // as the contract reads it
	}
	info := c.info()
	info.Version = olderCases()[c.Name]
	return formOf(t, body, info), formOf(t, c.Get, info)
}

// withoutLoss takes away what a Marathon 0.7 lost of an app that 0.6 had stored, the options of Deimos
// and that docker:/// stood before the name: it is a difference, which a plan tells as one. The echo
// does not tell instances.
func withoutLoss(t *testing.T, sent, echo mesh.Tree) (was, is mesh.Tree) {
	t.Helper()
	if fields := changed(echo, sent); !cmp.Equal(fields, []string{"container", "instances"}) {
		t.Errorf("%v is lost", fields)
	}
	want := map[string]any{
		"type": "DOCKER", "docker": map[string]any{"image": "libmesos/ubuntu", "forcePullImage": false, "privileged": false, "parameters": []any{}},
		"volumes": []any{map[string]any{"hostPath": "/a", "containerPath": "/b", "mode": "RW"}},
	}
	if d := cmp.Diff(want, sent["container"]); d != "" {
		t.Error(d)
	}
	was, is = sent.Clone(), echo.Clone()
	is["container"], is["instances"] = was["container"], was["instances"]
	return was, is
}

// TestAMarathonOfDeimosIsSentTheContainerThatItHas: it has no other form for one.
func TestAMarathonOfDeimosIsSentTheContainerThatItHas(t *testing.T) {
	t.Parallel()
	info := mesh.MarathonInfo{Version: "0.6.0"}
	echo := map[string]any{
		"id": "search", "cmd": "./run", "instances": 2, "container": map[string]any{"image": "docker:///u", "options": []any{"-v", "/a:/b"}},
	}
	form := formOf(t, echo, info)
	form["cmd"] = "./run faster"
	body, err := Body(form, echo, info)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(echo["container"], body["container"]); d != "" || body["networks"] != nil || body["cmd"] != "./run faster" {
		t.Errorf("%v\n%s", body, d)
	}
	for _, live := range []map[string]any{nil, {"id": "search", "cmd": "./run", "container": map[string]any{"image": "docker:///other", "options": []any{}}}} {
		if body, err := Body(form, live, info); err == nil {
			t.Errorf("over %v: %v", live, body)
		}
	}
}
