package rules

import "fmt"

// older refuses what has no form for a Marathon before 1.5, which is sent container.docker.network,
// container.docker.portMappings and ipAddress in place of networks and container.portMappings.
func (c *checker) older() {
	if !c.version.Before(1, 5) {
		return
	}
	refuse := func(path []string, msg, hint string) {
		c.refuse(Finding{Path: path, Rule: "app-release", Msg: fmt.Sprintf("has %s, which Marathon has since 1.5, and the mesh's is %s", msg, c.marathon.Version), Hint: hint})
	}
	given, _ := listIn(c.def, "networks")
	w := wiringOf(c.def)
	if len(given) > 1 {
		refuse(pathTo("networks", 1), "several networks", "keep one of them")
	}
	if w.engine == engineDocker || !w.ownNetwork() {
		return
	}
	if len(given) > 0 && w.networks[0].mode == modeBridge {
		refuse(pathTo("networks", 0), "a bridge outside Docker", `write container: type: "DOCKER", or a network of mode "container"`)
	}
	list, written := listIn(w.container, "portMappings")
	if written && len(list) == 0 {
		refuse(pathTo("container", "portMappings"), "no port on a network of its own", "leave portMappings out")
	}
	for _, p := range portsOf(list, "container", "portMappings") {
		for _, name := range []string{"hostPort", "servicePort"} {
			if n, _ := wholeIn(p.fields, name); n != 0 {
				refuse(below(p.path, name), "a "+name+" outside Docker", `leave it out, or write container: type: "DOCKER"`)
			}
		}
		if p.fields["name"] == nil {
			refuse(p.path, "a port without a name outside Docker", "give it a name")
		}
	}
}
