//go:build linux

package cluster

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
)

// proxyRole is HAProxy with a configuration of the user's own, looked at before it goes live.
const proxyRole = `package roles

import "meshsync.dev/kit"

#Proxy: kit.#Role & {
	over: [{text: string}, ...{}]
	yield: {
		files: "/etc/haproxy/haproxy.cfg": kit.#Root & {content: over[0].text, check: "haproxy -c -f %s"}
		services: haproxy: {enabled: true, running: true, on: "reload", reads: ["/etc/haproxy/haproxy.cfg"]}
	}
}
`

// proxyMesh is a mesh of one HAProxy before one server, which says its own number in each answer.
func proxyMesh(h *bed.Host, server, number string) string {
	text := fmt.Sprintf(`global
  maxconn 2000
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend web
  bind :80
  http-response set-header %s %s
  default_backend tasks
backend tasks
  server one %s
`, configuration, number, server)
	return fmt.Sprintf(`package prod

import (
	"example.com/infra/roles"
	"meshsync.dev/kit"
)

kit.#Mesh

name: "prod"
#roles: proxy: roles.#Proxy
hosts: %s: {address: %q, os: "debian 12", ssh: user: "root", roles: proxy: {}}
settings: proxy: text: %q
`, h.Name, h.Address, text)
}

// TestHAProxyReloadsUnderLoad is a change of a configuration that nobody who asks for pages notices:
// neither who keeps a connection, nor who makes a new one, nor who waits for an answer meanwhile.
func TestHAProxyReloadsUnderLoad(t *testing.T) {
	b := bed.Start(t, bed.Options{Hosts: 1})
	h := b.Hosts[0]
	task := startBackend(t)
	i := newInfra(t, b)
	i.addRole(t, "proxy.cue", proxyRole)
	i.commit(t, "mesh.cue", proxyMesh(h, task.address, "0"))
	i.done(t, "apply", "--yes")
	process := h.Must(t, "systemctl show -p MainPID --value haproxy")

	l := startLoad(t, "http://"+h.Address+"/", 16)
	l.answered(t, "0")
	waits := make(chan error, 1)
	go func() {
		by, err := get(http.DefaultClient, "http://"+h.Address+"/held")
		if err == nil && by != "0" {
			err = fmt.Errorf("the configuration %s answers what came before it", by)
		}
		waits <- err
	}()
	<-task.held
	const changes = 5
	for n := 1; n <= changes; n++ {
		number := fmt.Sprint(n)
		i.commit(t, "mesh.cue", proxyMesh(h, task.address, number))
		i.done(t, "apply", "--yes")
		l.answered(t, number)
	}
	i.commit(t, "mesh.cue", proxyMesh(h, task.address, "6\n  no such keyword"))
	if run := <-i.begin(t, "apply", "--yes"); run.exit != 5 || !strings.Contains(run.output, "its check refuses it") {
		t.Errorf("a configuration that HAProxy does not take ends with %d\n%s", run.exit, run.output)
	}
	task.let()
	if err := <-waits; err != nil {
		t.Errorf("who waited for an answer during all that: %v", err)
	}
	l.check(t)
	if got := h.Must(t, "systemctl show -p MainPID --value haproxy"); got != process {
		t.Errorf("HAProxy was restarted: its process was %s and is %s", process, got)
	}
	if by, err := get(http.DefaultClient, "http://"+h.Address+"/"); by != fmt.Sprint(changes) {
		t.Errorf("in the end the configuration %q answers, %v", by, err)
	}
}
