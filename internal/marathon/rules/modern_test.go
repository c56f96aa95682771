package rules

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestModern(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, def, want string }{
		{"a modern one", `{"id": "a", "networks": [{"mode": "host"}], "uris": null, "container": {"docker": {"image": "w"}}}`, ``},
		{
			"0.6 with Deimos", `{"id": "search", "cmd": "", "instances": 2, "cpus": ".25", "mem": "512", "ports": [0], "uris": ["http://x/app.tgz"],
				"container": {"image": "docker:///libmesos/ubuntu", "options": ["-v", "/a:/b"]}}`,
			`{"id": "/search", "cmd": null, "cpus": 0.25, "mem": 512, "ports": null, "uris": null, "fetch": [{"uri": "http://x/app.tgz"}],
				"portDefinitions": [{"port": 0}], "networks": [{"mode": "host"}],
				"container": {"type": "DOCKER", "docker": {"image": "libmesos/ubuntu"}, "volumes": [{"hostPath": "/a", "containerPath": "/b", "mode": "RW"}]}}`,
		},
		{
			"0.6 with Deimos and no instances, of which there were none", `{"id": "/search", "cmd": "./run", "taskRateLimit": 1.0, "container": {"image": "docker://registry:5000/ubuntu", "options": []}}`,
			`{"instances": 0, "taskRateLimit": null, "networks": [{"mode": "host"}], "container": {"type": "DOCKER", "docker": {"image": "registry:5000/ubuntu"}}}`,
		},
		{
			"options of docker run", `{"instances": 1, "env": {"A": "1", "B": "2"}, "container": {"image": "w", "options":
				["-e", "A=9", "--env=C=3=4", "-eD=", "--env", "HOME", "-v/x:/y:ro", "-v", "/cache", "--volume=/a:/b:z", "--privileged", "-h", "web", "-P", "--net=none", "stray", "-m=1g"]}}`,
			`{"env": {"A": "1", "B": "2", "C": "3=4", "D": ""}, "networks": [{"mode": "host"}], "container": {"type": "DOCKER", "docker": {"image": "w", "parameters": [
				{"key": "env", "value": "HOME"}, {"key": "volume", "value": "/cache"}, {"key": "volume", "value": "/a:/b:z"}, {"key": "privileged", "value": "true"},
				{"key": "hostname", "value": "web"}, {"key": "P", "value": "true"}, {"key": "net", "value": "none"}, {"key": "memory", "value": "1g"}]},
				"volumes": [{"hostPath": "/x", "containerPath": "/y", "mode": "RO"}]}}`,
		},
		{
			"0.7 with Docker", `{"id": "web", "cpus": 0.1, "mem": "64", "args": null, "ports": ["0", "80"], "storeUrls": [], "container": {"type": "DOCKER", "volumes": [], "docker": {"image": "docker:///libmesos/ubuntu"}}}`,
			`{"id": "/web", "mem": 64, "ports": null, "portDefinitions": [{"port": 0}, {"port": 80}], "storeUrls": null, "container": {"type": "DOCKER", "volumes": [], "docker": {"image": "libmesos/ubuntu"}}}`,
		},
		{
			"what is no number stays", `{"cpus": "many", "mem": "0x10", "disk": "1e999", "ports": ["web"]}`,
			`{"ports": null, "portDefinitions": [{"port": "web"}]}`,
		},
		{
			"a bridge", `{"container": {"docker": {"image": "w", "network": "bridge", "privileged": true, "portMappings": [{"containerPort": 80, "name": "a"}]}}, "ports": [0, 0], "uris": ["http://h/a.jar"]}`,
			`{"uris": null, "fetch": [{"uri": "http://h/a.jar", "extract": false}], "ports": null, "networks": [{"mode": "container/bridge"}],
				"container": {"docker": {"image": "w", "privileged": true}, "portMappings": [{"containerPort": 80, "name": "a"}, {"containerPort": 0}]}}`,
		},
		{
			"both of uris and fetch", `{"uris": ["http://h/a", "http://h/b"], "fetch": [{"uri": "http://h/b", "cache": true}]}`,
			`{"uris": null, "fetch": [{"uri": "http://h/b", "cache": true}, {"uri": "http://h/a", "extract": false}]}`,
		},
		{"a network that is none", `{"ports": [0], "container": {"docker": {"image": "w", "network": "NONE"}}}`, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := Modern(parsedDefinition(t, tt.def))
			if ok != (tt.want != "") {
				t.Fatalf("got %v, %v", got, ok)
			}
			if !ok {
				return
			}
			if d := cmp.Diff(parsedDefinition(t, tt.want), parsedDefinition(t, string(marshalled(t, got)))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWritten(t *testing.T) {
	t.Parallel()
	fields := parsedDefinition(t, `{"env": {"A": "x", "B": {"secret": "k"}}, "cmd": null, "uris": null, "fetch": [{"uri": "http://u:p@h/a?b=<c>&d", "extract": false}], "cpus": 0.25, "portDefinitions": []}`)
	want := `"cpus": 0.25, "env": {"A": "…", "B": {"secret": "k"}}, "fetch": [{"extract": false, "uri": "http://…@h/a?b=<c>&d"}], "portDefinitions": []; leave out cmd, uris`
	if got := Written(fields); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := Written(map[string]any{"ports": nil}); got != "leave out ports" {
		t.Error(got)
	}
	if got := Written(nil); got != "" {
		t.Error(got)
	}
}

// Modern is given what the contract refused, too: anything that is an object.
func FuzzModern(f *testing.F) {
	for _, s := range []string{
		`{"id": "search", "cpus": ".25", "ports": ["0", 1], "uris": ["a"], "container": {"image": "docker:///u", "options": ["-v", "/a:/b", "-e", "A=b", "--x", "-"]}}`,
		`{"container": {"docker": {"image": "w", "network": "BRIDGE", "portMappings": [{"name": "a"}, 5]}}, "ports": [0, 0, 0], "ipAddress": {"networkName": "n", "labels": {"a": "b"}}}`,
		`{"ipAddress": {"discovery": {"ports": [{"number": 1, "name": "a"}, null]}}, "taskRateLimit": 1, "storeUrls": 5}`,
		`{"ipAddress": 5, "container": {"docker": {"network": 5, "portMappings": "x"}, "portMappings": {}}, "networks": "x", "ports": {}, "uris": [5], "fetch": 5}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		def, err := objectOf(text)
		if err != nil {
			return
		}
		before := string(marshalled(t, def))
		fields, ok := Modern(def)
		if ok != (len(fields) > 0) {
			t.Fatalf("%v with %v", ok, fields)
		}
		if after := string(marshalled(t, def)); after != before {
			t.Fatalf("%s was changed to %s", before, after)
		}
		_ = Written(fields)
		if again, ok := Modern(applied(def, fields)); ok {
			t.Errorf("%s\nbecomes with %s\nwhat becomes with %s yet another", before, marshalled(t, fields), marshalled(t, again))
		}
		Check("/a", def, Marathon{})
	})
}
