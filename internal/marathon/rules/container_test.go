package rules

import "testing"

func TestContainer(t *testing.T) {
	t.Parallel()
	linux := func(engine, info string) string {
		return `{"container": {"type": "` + engine + `", "docker": {"image": "w"}, "linuxInfo": ` + info + `}}`
	}
	holdWiring(t, (*checker).container, []wiringRow{
		{name: "none", def: `{"container": null}`},
		{name: "Mesos without an image", def: `{"container": {"type": "mesos", "volumes": []}}`},
		{name: "Docker with one", def: `{"container": {"docker": {"image": "w", "parameters": [{"key": "a", "value": ""}], "privileged": true, "pullConfig": null}, "linuxInfo": {}}}`},
		{name: "Docker without one", def: `{"container": {"type": "DOCKER"}}`, want: []string{
			`refuse container container-image: has a container of type DOCKER without an image (write docker: image: "NAME", or type: "MESOS" for a container without an image)`,
		}},
		{name: "of no type", def: `{"container": {"volumes": []}}`, want: []string{
			`refuse container container-image: has a container without a type, which is DOCKER, and without an image (write docker: image: "NAME", or type: "MESOS" for a container without an image)`,
		}},
		{name: "as Deimos had it", def: `{"id": "search", "cpus": ".25", "container": {"image": "docker:///libmesos/ubuntu", "options": ["-e", "PASSWORD=x"]}}`, want: []string{
			`refuse container container-image: has a container as Marathon 0.6 had it, with image and options, of which Marathon reads nothing (write instead: "container": {"docker": {"image": "libmesos/ubuntu"}, "type": "DOCKER"}, "cpus": 0.25, "env": {"PASSWORD": "…"}, "id": "/search", "instances": 0, "networks": [{"mode": "host"}])`,
		}},
		{name: "as Deimos had it, for it", def: `{"container": {"image": "docker:///libmesos/ubuntu", "options": []}}`, marathon: Marathon{Version: "0.6.0"}},
		{name: "pull in Docker", def: `{"container": {"docker": {"image": "w", "pullConfig": {"secret": "k"}}}, "secrets": {"k": {"source": "s"}}}`, want: []string{
			`refuse container.docker.pullConfig container-pull: has a pullConfig in a container of type DOCKER (write type: "MESOS", or fetch a docker.tar.gz with the login)`,
		}},
		{name: "pull in Mesos", def: `{"container": {"type": "MESOS", "docker": {"image": "w", "pullConfig": {"secret": "k"}}}, "secrets": {"k": {"source": "s"}}}`},
		{name: "pull without the secret", def: `{"container": {"type": "MESOS", "docker": {"image": "w", "pullConfig": {"secret": "k"}}}}`, want: []string{
			`refuse container.docker.pullConfig.secret container-pull: pulls its image with the secret "k", and has no such secret (write secrets: "k": source: "PATH")`,
		}},
		{name: "credential in Mesos", def: `{"container": {"type": "MESOS", "docker": {"image": "w", "credential": {"principal": "a"}}}}`, want: []string{
			`refuse container.docker.credential container-credential: has a credential for its image, which Marathon takes no more since 1.5 (write pullConfig: secret: "NAME", and the secret in secrets)`,
		}},
		{name: "credential in Docker", def: `{"container": {"docker": {"image": "w", "credential": {"principal": "a"}}}}`, want: []string{
			`refuse container.docker.credential container-credential: has a credential for its image, which Marathon takes no more since 1.5 (fetch a docker.tar.gz with the login, or let the agents log in)`,
		}},
		{name: "credential in 1.4", def: `{"container": {"docker": {"image": "w", "credential": {"principal": "a"}}}}`, marathon: Marathon{Version: "1.4.1"}},
		{name: "Docker's options in Mesos", def: `{"container": {"type": "MESOS", "docker": {"image": "w", "parameters": [{"key": "a", "value": "b"}], "privileged": true}}}`, want: []string{
			`refuse container.docker.parameters container-parameters: has parameters of Docker in a container of type MESOS, which runs without Docker (leave them out, or write type: "DOCKER")`,
			`warn container.docker.privileged container-dropped: is privileged in a container of type MESOS, where Marathon drops it (leave it out, or write type: "DOCKER")`,
		}},
		{name: "what Mesos drops without harm", def: `{"container": {"type": "MESOS", "docker": {"image": "w", "parameters": [], "privileged": false, "forcePullImage": true}}}`},
		{name: "linuxInfo in Docker", def: linux("DOCKER", `{"seccomp": {}, "ipcInfo": {"mode": "SHARE_PARENT", "shmSize": 1}}`), want: []string{
			`warn container.linuxInfo container-dropped: has linuxInfo in a container of type DOCKER, where Marathon drops it (write type: "MESOS", or the options of Docker in docker: parameters)`,
		}},
		{name: "seccomp of neither kind", def: linux("MESOS", `{"seccomp": {"unconfined": false}}`), want: []string{
			`refuse container.linuxInfo.seccomp container-seccomp: has a seccomp without a profile, and is not unconfined (write profileName: "NAME", or unconfined: true)`,
		}},
		{name: "seccomp of both", def: linux("MESOS", `{"seccomp": {"profileName": "", "unconfined": true}}`), want: []string{
			`refuse container.linuxInfo.seccomp container-seccomp: has a seccomp profile and is unconfined (write profileName: "NAME", or unconfined: true)`,
		}},
		{name: "seccomp of one", def: linux("MESOS", `{"seccomp": {"profileName": ""}}`)},
		{name: "seccomp before there was any", def: linux("MESOS", `{"seccomp": {}}`), marathon: Marathon{Version: "1.7.236"}},
		{name: "shared memory with a size", def: linux("MESOS", `{"ipcInfo": {"mode": "share_parent", "shmSize": 0}}`), want: []string{
			`refuse container.linuxInfo.ipcInfo.shmSize container-ipc: has a size for shared memory that it shares with what is above it (leave shmSize out, or write mode: "PRIVATE")`,
		}},
		{name: "own memory with a size", def: linux("MESOS", `{"ipcInfo": {"mode": "PRIVATE", "shmSize": 5}}`)},
	})
}
