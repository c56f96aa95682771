package rules

import (
	"strings"
	"testing"
)

func TestNetworks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 64)
	holdWiring(t, (*checker).networks, []wiringRow{
		{name: "none", def: `{}`},
		{name: "an empty list is none", def: `{"networks": []}`},
		{name: "the host's", def: `{"networks": [{"mode": "host", "labels": {}, "name": null}]}`},
		{name: "a bridge with labels", def: `{"networks": [{"mode": "Container/Bridge", "labels": {"a": "b"}}]}`},
		{name: "several of Mesos", def: `{"networks": [{"name": "blue"}, {"mode": "container", "name": "green_1"}], "container": {"type": "MESOS"}}`},
		{name: "several of no container", def: `{"networks": [{"name": "blue"}, {"name": "green"}]}`},
		{name: "several of Docker", def: `{"networks": [{"name": "blue"}, {"name": "green"}], "container": {"docker": {"image": "w"}}}`, want: []string{
			`refuse networks network-count: is on 2 container networks, and a Docker container can be on one (keep one of them, or write container: type: "MESOS")`,
		}},
		{name: "host and bridge", def: `{"networks": [{"mode": "host"}, {"mode": "container/bridge"}]}`, want: []string{
			`refuse networks network-modes: is on the host's network and on others (an app is on the host's network alone, on one bridge alone, or on container networks)`,
		}},
		{name: "bridge and container", def: `{"networks": [{"name": "blue"}, {"mode": "container/bridge"}]}`, want: []string{
			`refuse networks network-modes: is on a bridge and on container networks (an app is on the host's network alone, on one bridge alone, or on container networks)`,
		}},
		{name: "two of the host's", def: `{"networks": [{"mode": "host"}, {"mode": "HOST"}]}`, want: []string{
			`refuse networks network-modes: names the host's network 2 times (an app is on the host's network alone, on one bridge alone, or on container networks)`,
		}},
		{name: "two bridges", def: `{"networks": [{"mode": "container/bridge"}, {"mode": "container/bridge"}]}`, want: []string{
			`refuse networks network-modes: is on 2 bridges (an app is on the host's network alone, on one bridge alone, or on container networks)`,
		}},
		{name: "names and labels where there are none", def: `{"networks": [{"mode": "host", "name": "x", "labels": {"a": "b"}}]}`, want: []string{
			`refuse networks.0.labels network-labels: gives labels to the host's network (leave labels out)`,
			`refuse networks.0.name network-name: gives a name to the host's network (leave name out, or write mode: "container" for the network of that name)`,
		}},
		{name: "a named bridge", def: `{"networks": [{"mode": "container/bridge", "name": "x"}]}`, want: []string{
			`refuse networks.0.name network-name: gives a name to a bridge (leave name out, or write mode: "container" for the network of that name)`,
		}},
		{name: "a name in capitals", def: `{"networks": [{"name": "Blue"}]}`, want: []string{
			`refuse networks.0.name network-name: is on the network "Blue", which is no name for one (a name has lower-case letters, digits, dashes and underscores, with a letter or digit at both ends)`,
		}},
		{name: "a name that is empty", def: `{"networks": [{"name": ""}]}`, marathon: Marathon{DefaultNetwork: "dcos"}, want: []string{
			`refuse networks.0.name network-name: is on the network "", which is no name for one (a name has lower-case letters, digits, dashes and underscores, with a letter or digit at both ends)`,
		}},
		{name: "a long name", def: `{"networks": [{"name": "` + long + `"}]}`, want: []string{
			`refuse networks.0.name network-name: is on a network whose name has 64 characters (at most 63)`,
		}},
		{name: "one of 63", def: `{"networks": [{"name": "` + long[1:] + `"}]}`},
		{name: "one twice", def: `{"networks": [{"name": "blue"}, {"name": "blue"}]}`, want: []string{
			`refuse networks.1 network-twice: is on the network blue twice (name each network once)`,
		}},
		{name: "without a name", def: `{"networks": [{}]}`, marathon: Marathon{Asked: true}, want: []string{
			`refuse networks.0 network-name: is on a container network without a name, and this Marathon has no --default_network_name (write its name, such as name: "overlay")`,
		}},
		{name: "without a name where nobody was asked", def: `{"networks": [{}]}`, want: []string{
			`warn networks.0 network-name: is on a container network without a name: a Marathon without --default_network_name refuses it (write its name, such as name: "overlay")`,
		}},
		{name: "without a name where there is a default", def: `{"networks": [{}]}`, marathon: Marathon{DefaultNetwork: "dcos"}},
		{name: "the default twice", def: `{"networks": [{"name": "dcos"}, {}]}`, marathon: Marathon{DefaultNetwork: "dcos"}, want: []string{
			`refuse networks.1 network-twice: is on the network dcos twice (name each network once)`,
		}},
		{name: "USER without a name", def: `{"container": {"docker": {"image": "w", "network": "user"}}}`, marathon: Marathon{Asked: true}, want: []string{
			`refuse container.docker.network network-name: is on a container network without a name, and this Marathon has no --default_network_name (write "networks": [{"mode": "container", "name": "NAME"}] in its place)`,
		}},
		{name: "ipAddress without a name", def: `{"ipAddress": {"name": "blue"}}`, marathon: Marathon{Asked: true}, want: []string{
			`refuse ipAddress network-name: is on a container network without a name, and this Marathon has no --default_network_name (write "networks": [{"mode": "container", "name": "NAME"}] in its place; in ipAddress the name is networkName, and name is not read)`,
		}},
		{name: "ipAddress with a name that networks does not take", def: `{"ipAddress": {"networkName": "Blue"}}`, want: []string{
			`refuse ipAddress network-name: is on the network "Blue", which is no name for one (a name has lower-case letters, digits, dashes and underscores, with a letter or digit at both ends)`,
		}},
		{name: "ipAddress of the bridge", def: `{"ipAddress": {"networkName": "mesos-bridge"}}`},
	})
}
