//go:build linux

package cluster

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// A marathon is the sandbox's, whose tasks are real: for each that it has, a small HTTP server
// runs on the agent, which says its own place.
type marathon struct {
	*marathond.Server
	bed *bed.Bed
	url string
}

// A task has its place: an agent and a port there.
type task struct {
	ID    string `json:"id"`
	Host  string `json:"host"`
	Ports []int  `json:"ports"`
	State string `json:"state"`
}

func (k task) place() string { return fmt.Sprintf("%s:%d", k.Host, k.Ports[0]) }

func (k task) unit() string { return fmt.Sprintf("task-%d", k.Ports[0]) }

// startMarathon starts one at an address of the tests' own, before the agents.
func startMarathon(t *testing.T, b *bed.Bed, agents ...string) *marathon {
	t.Helper()
	listener, err := net.Listen("tcp", gateway+":0")
	if err != nil {
		t.Fatal(err)
	}
	m := &marathon{Server: marathond.New(marathond.Options{Name: "main", Agents: agents}), bed: b, url: "http://" + listener.Addr().String()}
	server := &http.Server{Handler: m}
	go server.Serve(listener)
	t.Cleanup(func() { m.Close(); server.Close() })
	return m
}

// tasks are those that run, as Marathon says.
func (m *marathon) tasks(t *testing.T) []task {
	t.Helper()
	answer, err := http.Get(m.url + "/v2/tasks")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var list struct {
		Tasks []task `json:"tasks"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	var out []task
	for _, k := range list.Tasks {
		if k.State == "TASK_RUNNING" {
			out = append(out, k)
		}
	}
	return out
}

// taskServer answers each request with a text of its own. The agents have Perl.
const taskServer = `systemctl is-active -q %[1]s || systemd-run -q --collect --unit=%[1]s perl -MIO::Socket::INET -e '
$SIG{PIPE} = "IGNORE";
$s = IO::Socket::INET->new(LocalPort => %[2]d, Listen => 50, ReuseAddr => 1) or die $!;
while ($c = $s->accept) {
  while (<$c>) { last if /^\r?\n$/ }
  print $c "HTTP/1.1 200 OK\r\nContent-Length: %[3]d\r\nConnection: close\r\n\r\n%[4]s";
  close $c;
}'`

// start is what the agents do: the tasks that Marathon wants run there.
func (m *marathon) start(t *testing.T) []task {
	t.Helper()
	all := m.tasks(t)
	for _, k := range all {
		text := k.place() + "\n"
		m.bed.Host(t, k.Host).Must(t, fmt.Sprintf(taskServer, k.unit(), k.Ports[0], len(text), strings.ReplaceAll(text, "\n", `\n`)))
	}
	return all
}

// kill kills a task's process. Marathon hears of it by FailTask only.
func (m *marathon) kill(t *testing.T, k task) {
	t.Helper()
	m.bed.Host(t, k.Host).Must(t, "systemctl kill -s KILL "+k.unit())
}
