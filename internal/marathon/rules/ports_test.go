package rules

import "testing"

func TestPorts(t *testing.T) {
	t.Parallel()
	docker := func(rest string) string {
		return `{"container": {"docker": {"image": "w"}, "portMappings": ` + rest + `}, "networks": [{"mode": "container/bridge"}]}`
	}
	mesos := func(rest, networks string) string {
		return `{"container": {"type": "MESOS", "portMappings": ` + rest + `}, "networks": ` + networks + `}`
	}
	holdWiring(t, (*checker).ports, []wiringRow{
		{name: "none", def: `{}`},
		{name: "zeros are not the same port", def: `{"portDefinitions": [{"port": 0}, {"port": 0}, {}, {"port": 80, "name": "x-1"}], "requirePorts": true}`},
		{name: "one port with both protocols", def: `{"portDefinitions": [{"port": 53, "protocol": "tcp"}, {"port": 53.0, "protocol": "udp"}]}`, want: []string{
			`refuse portDefinitions.1.port port-twice: has the port 53 twice (write protocol: "udp,tcp" for one port with both, or 0 for any free port)`,
		}},
		{name: "one name twice", def: `{"portDefinitions": [{"name": "a"}, {"name": "a"}]}`, want: []string{
			`refuse portDefinitions.1.name port-name: names two ports "a" (give each a name of its own, or none)`,
		}},
		{name: "bad names, of dropped ports too", def: `{"portDefinitions": [{"name": "A_b"}, {"name": ""}], "container": {"type": "MESOS", "portMappings": [{"name": "x-"}]}}`, want: []string{
			`refuse container.portMappings.0.name port-name: names a port "x-", which is no name for one (a name has lower-case letters, digits and dashes, with a letter or digit at both ends)`,
			`refuse portDefinitions.0.name port-name: names a port "A_b", which is no name for one (a name has lower-case letters, digits and dashes, with a letter or digit at both ends)`,
			`refuse portDefinitions.1.name port-name: names a port "", which is no name for one (a name has lower-case letters, digits and dashes, with a letter or digit at both ends)`,
			`warn container.portMappings port-dropped: has port mappings, which Marathon drops: it is on the host's network (write networks: [{mode: "container/bridge"}] for them to count, or portDefinitions in their place)`,
		}},
		{name: "mappings may share ports", def: docker(`[{"containerPort": 80, "hostPort": 31000}, {"containerPort": 80, "hostPort": 31000}]`)},
		{name: "mappings may not share names", def: docker(`[{"name": "a"}, {"name": "a"}]`), want: []string{
			`refuse container.portMappings.1.name port-name: names two ports "a" (give each a name of its own, or none)`,
		}},
		{name: "unless they are dropped", def: `{"container": {"type": "MESOS", "portMappings": [{"name": "a"}, {"name": "a"}]}}`, want: []string{
			`warn container.portMappings port-dropped: has port mappings, which Marathon drops: it is on the host's network (write networks: [{mode: "container/bridge"}] for them to count, or portDefinitions in their place)`,
		}},
		{name: "a service port twice", def: docker(`[{"servicePort": 10010}, {"servicePort": 0}, {"servicePort": 0}, {"servicePort": 1.001e4}]`), want: []string{
			`warn container.portMappings.3.servicePort duplicate-port: has the service port 10010 for the ports 0 and 3 (a load balancer cannot tell them apart; 0 lets Marathon choose a free one)`,
		}},
		{name: "a network of a bridge", def: docker(`[{"networkNames": ["blue"]}]`), want: []string{
			`refuse container.portMappings.0.networkNames.0 port-network: has a port on the network "blue", and is not on it itself (leave networkNames out: it is on no container network with a name)`,
		}},
		{name: "another network", def: mesos(`[{"networkNames": ["blue", "red"]}]`, `[{"name": "green"}, {"name": "blue"}]`), want: []string{
			`refuse container.portMappings.0.networkNames.1 port-network: has a port on the network "red", and is not on it itself (it is on green, blue)`,
		}},
		{name: "a host port on one network", def: mesos(`[{"hostPort": 0}]`, `[{"name": "blue"}]`)},
		{name: "a host port on one of two", def: mesos(`[{"hostPort": 0, "networkNames": ["blue"]}]`, `[{"name": "green"}, {"name": "blue"}]`)},
		{name: "a host port on two", def: mesos(`[{"hostPort": 0}, {"hostPort": null}]`, `[{"name": "green"}, {"name": "blue"}]`), want: []string{
			`refuse container.portMappings.0 port-network: gives a port of the host to a port on 2 networks (write in networkNames which one: green, blue)`,
		}},
		{name: "definitions outside the host's network", def: `{"networks": [{"name": "blue"}], "portDefinitions": [{"name": "a"}, {"name": "a"}], "requirePorts": true}`, want: []string{
			`warn portDefinitions port-dropped: has portDefinitions, of which Marathon only keeps how many there are: it is not on the host's network (write the ports in container: portMappings)`,
			`warn requirePorts port-dropped: has requirePorts, which Marathon drops: it is not on the host's network (write the port as hostPort in container: portMappings)`,
		}},
		{name: "no definitions outside the host's network", def: `{"networks": [{"name": "blue"}], "portDefinitions": [], "requirePorts": false}`},
		{name: "no network at all", def: `{"container": {"docker": {"image": "w", "network": "NONE", "portMappings": [{"containerPort": 80}]}}}`},
		{name: "old ports", def: `{"ports": [0, 0, 80, 8e1, -1, 70000, 3000000000]}`, want: []string{
			`refuse ports.3 port-twice: has the port 80 twice (0 is any free port)`,
			`refuse ports.4 port-range: has the port -1 (a port is a number from 0 to 65535)`,
			"refuse ports.5 port-sent: has the port 70000: Marathon takes it in ports, and refuses it in portDefinitions, as which it is sent (a port is a number from 0 to 65535)",
			`refuse ports.6 port-range: has the port 3000000000 (a port is a number from 0 to 65535)`,
		}},
		{name: "old ports of a container network", def: `{"ports": [-1], "networks": [{"name": "blue"}]}`, want: []string{
			`warn ports.0 port-range: has the port -1, which no host has (off the host's network only their number counts: leave ports out, and write container: portMappings)`,
		}},
		{name: "1.4 has mappings in one place only", def: `{"container": {"docker": {"image": "w", "portMappings": [{"containerPort": 80}]}}, "requirePorts": true}`, marathon: Marathon{Version: "1.4.0"}},
	})
}
