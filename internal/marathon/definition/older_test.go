package definition

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
)

// TestAnOlderMarathonIsSentItsOwnForm: what is sent means, by the rules of that release, what
// was wanted, and has nothing in it that the release would ignore.
func TestAnOlderMarathonIsSentItsOwnForm(t *testing.T) {
	t.Parallel()
	info := mesh.MarathonInfo{Version: "1.4.13"}
	sent, cannot := 0, 0
	for _, c := range casesOf(t) {
		body, ok := c.Put.(map[string]any)
		if !ok || c.Get == nil || !fullBody(c) {
			continue
		}
		form, _, err := Canonical(body, info)
		if err != nil {
			continue
		}
		older, err := Body(form, nil, info)
		if err != nil {
			cannot++
			continue
		}
		con, _ := older["container"].(map[string]any)
		if older["networks"] != nil || con["portMappings"] != nil {
			t.Errorf("%s: %v", c.Name, older)
		}
		again, _, err := Canonical(older, info)
		if err != nil {
			t.Fatal(err)
		}
		sent++
		if !mesh.EqualValues(form, again) {
			t.Errorf("%s:\n%s", c.Name, cmp.Diff(map[string]any(form), map[string]any(again)))
		}
	}
	if sent < 300 || cannot == 0 || cannot > 40 {
		t.Errorf("%d are sent, %d cannot be", sent, cannot)
	}
}

// TestAnOlderMarathonsAppIsSpeltAsItIs: a write that changes nothing of these says all of it as the
// live app does, so that nothing restarts.
func TestAnOlderMarathonsAppIsSpeltAsItIs(t *testing.T) {
	t.Parallel()
	info := mesh.MarathonInfo{Version: "1.4.13"}
	for name, x := range map[string]struct{ echo, want string }{
		"docker in a bridge": {
			`{"id": "/b", "container": {"type": "DOCKER", "volumes": [], "docker": {"image": "w", "network": "BRIDGE", "portMappings": [{"containerPort": 80, "hostPort": 0, "servicePort": 10000, "protocol": "tcp", "labels": {}}]}}, "ports": [10000], "portDefinitions": [{"port": 10000, "protocol": "tcp", "name": "default", "labels": {}}], "ipAddress": null}`,
			`{"docker": {"image": "w", "network": "BRIDGE", "portMappings": [{"containerPort": 80, "hostPort": 0, "servicePort": 10000, "protocol": "tcp", "labels": {}}], "forcePullImage": false, "privileged": false, "parameters": []}, "type": "DOCKER", "volumes": []}`,
		},
		"docker on the host, said":   {`{"id": "/b", "container": {"type": "DOCKER", "docker": {"image": "w", "network": "HOST"}}}`, `{"docker": {"image": "w", "network": "HOST", "forcePullImage": false, "privileged": false, "parameters": []}, "type": "DOCKER", "volumes": []}`},
		"docker on the host, unsaid": {`{"id": "/b", "container": {"type": "DOCKER", "docker": {"image": "w"}}}`, `{"docker": {"image": "w", "forcePullImage": false, "privileged": false, "parameters": []}, "type": "DOCKER", "volumes": []}`},
		"an address of its own":      {`{"id": "/b", "cmd": "x", "container": null, "ipAddress": {"networkName": "blue", "labels": {}, "groups": ["g"]}}`, `null`},
		"without a container":        {`{"id": "/b", "cmd": "x", "container": null}`, `null`},
	} {
		var echo map[string]any
		if err := json.Unmarshal([]byte(x.echo), &echo); err != nil {
			t.Fatal(err)
		}
		form, _, err := Canonical(echo, info)
		if err != nil {
			t.Fatal(err)
		}
		body, err := Body(form, echo, info)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := json.Marshal(body["container"])
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(got, &a) != nil || json.Unmarshal([]byte(x.want), &b) != nil || !cmp.Equal(a, b) {
			t.Errorf("%s: %s", name, cmp.Diff(b, a))
		}
		if name == "an address of its own" && !cmp.Equal(body["ipAddress"], any(map[string]any{"networkName": "blue", "groups": []any{"g"}})) {
			t.Errorf("%v", body["ipAddress"])
		}
		for _, gone := range []string{"networks", "uris", "ports"} {
			if body[gone] != nil {
				t.Errorf("%s: has %s: %v", name, gone, slices.Sorted(maps.Keys(body)))
			}
		}
	}
}

// TestAMarathonBeforeItsNewNamesIsSentTheOldOnes: fetch came with 0.15 and portDefinitions with 1.0.
func TestAMarathonBeforeItsNewNamesIsSentTheOldOnes(t *testing.T) {
	t.Parallel()
	def := map[string]any{"id": "/a", "cmd": "x", "uris": []any{"http://h/a.zip"}, "ports": []any{json.Number("80")}}
	for version, want := range map[string]map[string]any{
		"0.14": {"uris": []any{"http://h/a.zip"}, "ports": []any{int64(80)}},
		"0.16": {"fetch": []any{map[string]any{"uri": "http://h/a.zip", "extract": true, "executable": false, "cache": false}}, "ports": []any{int64(80)}},
		"1.1": {
			"fetch":           []any{map[string]any{"uri": "http://h/a.zip", "extract": true, "executable": false, "cache": false}},
			"portDefinitions": []any{map[string]any{"port": int64(80), "protocol": "tcp"}},
		},
	} {
		info := mesh.MarathonInfo{Version: version}
		form, _, err := Canonical(def, info)
		if err != nil {
			t.Fatal(err)
		}
		body, err := Body(form, nil, info)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]any{}
		for _, name := range []string{"uris", "fetch", "ports", "portDefinitions"} {
			if body[name] != nil {
				got[name] = body[name]
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", version, d)
		}
	}
}
