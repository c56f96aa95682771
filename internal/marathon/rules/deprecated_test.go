package rules

import "testing"

func TestDeprecatedForms(t *testing.T) {
	t.Parallel()
	docker := func(rest, beside string) string {
		return `{"container": {"docker": {"image": "w", ` + rest + `}}` + beside + `}`
	}
	holdWiring(t, (*checker).deprecated, []wiringRow{
		{name: "nulls are none", def: `{"uris": null, "ports": null, "ipAddress": null, "storeUrls": null, "container": {"docker": {"image": "w", "network": null, "portMappings": null}}}`},
		{name: "uris", def: `{"uris": ["http://user:password@h/a.tgz", "http://h/a.jar", ""]}`, want: []string{
			`warn uris deprecated: has uris, the form of Marathon before 0.15 (write instead: "fetch": [{"uri": "http://…@h/a.tgz"}, {"extract": false, "uri": "http://h/a.jar"}])`,
		}},
		{name: "no uris", def: `{"uris": [], "fetch": [{"uri": "http://h/a"}]}`, want: []string{
			`warn uris deprecated: has uris, the form of Marathon before 0.15 (leave it out)`,
		}},
		{name: "uris when there was no fetch", def: `{"uris": ["http://h/a"]}`, marathon: Marathon{Version: "0.14.0"}},
		{name: "uris and fetch", def: `{"uris": ["http://h/a"], "fetch": [{"uri": "http://h/a"}]}`, want: []string{
			`refuse uris deprecated-mixed: has uris and fetch (leave uris out, and write in fetch what it lacks)`,
		}},
		{name: "uris as 1.4 shows them beside fetch", def: `{"uris": ["http://h/a"], "fetch": [{"uri": "http://h/a", "extract": false}]}`, marathon: Marathon{Version: "1.4.13"}, want: []string{
			`warn uris deprecated: has uris, the form of Marathon before 0.15 (leave it out)`,
		}},
		{name: "other uris than fetch in 1.4", def: `{"uris": ["http://h/a"], "fetch": [{"uri": "http://h/b"}]}`, marathon: Marathon{Version: "1.4.13"}, want: []string{
			`refuse uris deprecated-mixed: has uris and fetch (leave uris out, and write in fetch what it lacks)`,
		}},
		{name: "ports", def: `{"ports": [80, 0]}`, want: []string{
			`warn ports deprecated: has the deprecated ports (write instead: "portDefinitions": [{"port": 80}, {"port": 0}])`,
		}},
		{name: "ports that say the same", def: `{"ports": [80], "portDefinitions": [{"port": 80.0, "name": "a"}]}`, want: []string{
			`warn ports deprecated: has the deprecated ports (leave it out)`,
		}},
		{name: "ports that say another thing", def: `{"ports": [80], "portDefinitions": [{"port": 81}]}`, want: []string{
			`refuse ports deprecated-mixed: has ports and portDefinitions, which name other ports (leave ports out: portDefinitions say it all)`,
		}},
		{name: "ports and none", def: `{"ports": [80], "portDefinitions": []}`, want: []string{
			`refuse ports deprecated-mixed: has ports and portDefinitions, which name other ports (leave ports out: portDefinitions say it all)`,
		}},
		{name: "none and ports", def: `{"ports": [], "portDefinitions": [{"port": 80}]}`, want: []string{
			`refuse ports deprecated-mixed: has ports and portDefinitions, which name other ports (leave ports out: portDefinitions say it all)`,
		}},
		{name: "none twice", def: `{"ports": [], "portDefinitions": []}`, want: []string{
			`warn ports deprecated: has the deprecated ports (leave it out)`,
		}},
		{name: "ports of a bridge", def: docker(`"network": "BRIDGE", "portMappings": [{"containerPort": 80, "labels": {"VIP_0": "/a:80"}}]`, `, "ports": [0, 0]`), want: []string{
			`warn container.docker.network deprecated: has the deprecated container.docker.network, container.docker.portMappings and ports (write instead: "container": {"portMappings": [{"containerPort": 80, "labels": {"VIP_0": "…"}}, {"containerPort": 0}]}, "networks": [{"mode": "container/bridge"}])`,
		}},
		{name: "a bridge in 1.4", def: docker(`"network": "BRIDGE", "portMappings": [{"containerPort": 80}]`, `, "ports": [0, 0]`), marathon: Marathon{Version: "1.4.9"}},
		{name: "the host's network in 1.4", def: docker(`"network": "HOST"`, `, "ports": [80]`), marathon: Marathon{Version: "1.4.9"}, want: []string{
			`warn ports deprecated: has the deprecated ports (write instead: "portDefinitions": [{"port": 80}])`,
		}},
		{name: "the host's network", def: docker(`"network": "HOST", "portMappings": [{"containerPort": 80}]`, ``), want: []string{
			`warn container.docker.network deprecated: has the deprecated container.docker.network and container.docker.portMappings (write instead: "networks": [{"mode": "host"}])`,
		}},
		{name: "mappings without a network", def: docker(`"portMappings": [{"containerPort": 80}]`, ``), want: []string{
			`warn container.docker.portMappings deprecated: has the deprecated container.docker.portMappings (leave it out)`,
		}},
		{name: "a network and an address", def: docker(`"network": "USER"`, `, "ipAddress": {"networkName": "blue", "labels": {"a": "b"}}`), want: []string{
			`warn container.docker.network deprecated: has the deprecated container.docker.network and ipAddress (write instead: "networks": [{"labels": {"a": "…"}, "mode": "container", "name": "blue"}])`,
		}},
		{name: "an address with ports", def: `{"ipAddress": {"networkName": "blue", "discovery": {"ports": [{"number": 80, "name": "a"}]}}}`, want: []string{
			`warn ipAddress deprecated: has the deprecated ipAddress (write instead: "container": {"portMappings": [{"containerPort": 80, "name": "a"}], "type": "MESOS"}, "networks": [{"mode": "container", "name": "blue"}])`,
		}},
		{name: "no such network", def: docker(`"network": "NONE"`, ``), want: []string{
			`refuse container.docker.network network-modes: has the Docker network "NONE", which Marathon does not have (write networks with mode "host", "container/bridge" or "container")`,
		}},
		{name: "old and new networks", def: docker(`"network": "BRIDGE"`, `, "networks": [{"mode": "container/bridge"}], "ipAddress": {}`), want: []string{
			`refuse container.docker.network deprecated-mixed: has container.docker.network and networks (leave the former out: networks say it all)`,
			`refuse ipAddress deprecated-mixed: has ipAddress and networks (leave ipAddress out: networks say it all)`,
		}},
		{name: "old and new mappings", def: `{"container": {"portMappings": [], "docker": {"image": "w", "portMappings": [{"containerPort": 80}]}}}`, want: []string{
			`refuse container.docker.portMappings deprecated-mixed: has container.docker.portMappings and container.portMappings (keep the latter, with the ports of both)`,
		}},
		{name: "old forms in Mesos", def: `{"container": {"type": "MESOS", "docker": {"image": "w", "network": "HOST", "portMappings": []}}}`, want: []string{
			`refuse container.docker.network deprecated-mixed: has container.docker.network in a container of type MESOS (leave it out, and write networks)`,
			`refuse container.docker.portMappings deprecated-mixed: has container.docker.portMappings in a container of type MESOS (write them in container: portMappings)`,
		}},
		{name: "an address and ports of the host", def: `{"ipAddress": {"networkName": "blue"}, "portDefinitions": [{"port": 0}]}`, want: []string{
			`refuse ipAddress deprecated-mixed: has ipAddress and ports of the host (write networks in place of ipAddress, and the ports in container: portMappings)`,
		}},
		{name: "discovery in Docker", def: docker(`"forcePullImage": true`, `, "ipAddress": {"networkName": "blue", "discovery": {}}`), want: []string{
			`refuse ipAddress.discovery deprecated-mixed: has ipAddress.discovery in a container of type DOCKER (write networks in place of ipAddress, and the ports in container: portMappings)`,
		}},
		{name: "discovery and mappings", def: `{"container": {"type": "MESOS", "portMappings": []}, "ipAddress": {"networkName": "blue", "discovery": {"ports": [{"number": 70, "name": "a"}]}}}`, want: []string{
			`refuse ipAddress.discovery deprecated-mixed: has ipAddress.discovery and container.portMappings (keep the latter, with the ports of both)`,
		}},
		{name: "an image of Deimos", def: `{"container": {"docker": {"image": "docker:///libmesos/ubuntu"}}}`, want: []string{
			`warn container.docker.image deprecated: has an image as Deimos wanted it, which Docker does not find (write image: "libmesos/ubuntu")`,
		}},
	})
}
