package rules

import (
	"fmt"
	"strings"
)

// container holds a container to what its engine can do. Its volumes are checked elsewhere.
func (c *checker) container() {
	w := wiringOf(c.def)
	switch w.engine {
	case engineDocker:
		c.dockerContainer(w)
	case engineMesos:
		c.mesosContainer(w)
	}
	if w.docker["credential"] != nil && !c.version.Before(1, 5) {
		c.refuse(Finding{
			Path: pathTo("container", "docker", "credential"), Rule: "container-credential",
			Msg:  "has a credential for its image, which Marathon takes no more since 1.5",
			Hint: credentialHint(w.engine),
		})
	}
}

func credentialHint(engine string) string {
	if engine == engineMesos {
		return `write pullConfig: secret: "NAME", and the secret in secrets`
	}
	return "fetch a docker.tar.gz with the login, or let the agents log in"
}

func (c *checker) dockerContainer(w wiring) {
	if w.docker == nil && (!isDeimos(w.container) || !c.version.Before(0, 8)) {
		c.noImage(w)
	}
	if w.docker["pullConfig"] != nil {
		c.refuse(Finding{
			Path: pathTo("container", "docker", "pullConfig"), Rule: "container-pull",
			Msg:  "has a pullConfig in a container of type DOCKER",
			Hint: `write type: "MESOS", or fetch a docker.tar.gz with the login`,
		})
	}
	if info, _ := objectIn(w.container, "linuxInfo"); len(info) > 0 && !c.version.Before(1, 8) {
		c.warn(Finding{
			Path: pathTo("container", "linuxInfo"), Rule: "container-dropped",
			Msg:  "has linuxInfo in a container of type DOCKER, where Marathon drops it",
			Hint: `write type: "MESOS", or the options of Docker in docker: parameters`,
		})
	}
}

func (c *checker) noImage(w wiring) {
	f := Finding{
		Path: pathTo("container"), Rule: "container-image",
		Msg:  "has a container of type DOCKER without an image",
		Hint: `write docker: image: "NAME", or type: "MESOS" for a container without an image`,
	}
	if w.container["type"] == nil {
		f.Msg = "has a container without a type, which is DOCKER, and without an image"
	}
	if modern, ok := Modern(c.def); ok && isDeimos(w.container) {
		f.Msg = "has a container as Marathon 0.6 had it, with image and options, of which Marathon reads nothing"
		f.Hint = "write instead: " + Written(modern)
	}
	c.refuse(f)
}

func (c *checker) mesosContainer(w wiring) {
	if list, _ := listIn(w.docker, "parameters"); len(list) > 0 {
		c.refuse(Finding{
			Path: pathTo("container", "docker", "parameters"), Rule: "container-parameters",
			Msg:  "has parameters of Docker in a container of type MESOS, which runs without Docker",
			Hint: `leave them out, or write type: "DOCKER"`,
		})
	}
	if w.docker["privileged"] == true {
		c.warn(Finding{
			Path: pathTo("container", "docker", "privileged"), Rule: "container-dropped",
			Msg:  "is privileged in a container of type MESOS, where Marathon drops it",
			Hint: `leave it out, or write type: "DOCKER"`,
		})
	}
	c.pullSecret(w)
	if !c.version.Before(1, 8) {
		c.linuxInfo(w)
	}
}

// pullSecret: the secret for the image is one of the app's secrets.
func (c *checker) pullSecret(w wiring) {
	pull, ok := objectIn(w.docker, "pullConfig")
	if !ok {
		return
	}
	name, _ := textIn(pull, "secret")
	secrets, _ := objectIn(c.def, "secrets")
	if secrets[name] == nil {
		c.refuse(Finding{
			Path: pathTo("container", "docker", "pullConfig", "secret"), Rule: "container-pull",
			Msg:  fmt.Sprintf("pulls its image with the secret %q, and has no such secret", name),
			Hint: fmt.Sprintf(`write secrets: %q: source: "PATH"`, name),
		})
	}
}

func (c *checker) linuxInfo(w wiring) {
	info, _ := objectIn(w.container, "linuxInfo")
	if seccomp, ok := objectIn(info, "seccomp"); ok {
		profile, unconfined := seccomp["profileName"] != nil, seccomp["unconfined"] == true
		f := Finding{Path: pathTo("container", "linuxInfo", "seccomp"), Rule: "container-seccomp", Hint: `write profileName: "NAME", or unconfined: true`}
		switch {
		case profile && unconfined:
			f.Msg = "has a seccomp profile and is unconfined"
			c.refuse(f)
		case !profile && !unconfined:
			f.Msg = "has a seccomp without a profile, and is not unconfined"
			c.refuse(f)
		}
	}
	ipc, _ := objectIn(info, "ipcInfo")
	mode, _ := textIn(ipc, "mode")
	if ipc["shmSize"] != nil && strings.EqualFold(mode, "SHARE_PARENT") {
		c.refuse(Finding{
			Path: pathTo("container", "linuxInfo", "ipcInfo", "shmSize"), Rule: "container-ipc",
			Msg:  "has a size for shared memory that it shares with what is above it",
			Hint: `leave shmSize out, or write mode: "PRIVATE"`,
		})
	}
}
