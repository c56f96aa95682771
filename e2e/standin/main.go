// Command standin stands in for Mesos on the hosts of the test bed: called mesos-master or
// mesos-agent, it reads a command line as they do, refuses what they refuse, and answers
// on HTTP what they answer about themselves. Masters elect a leader in the real ZooKeeper,
// in the real place, and agents find it there, so that what is done to hosts and
// ZooKeepers shows in the answers. It runs no tasks, and the registry's replicas hold
// nothing.
//
// It shares no code with meshsync: one mistake in both would be seen by nobody.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	os.Exit(run()) //nolint:forbidigo // this is main
}

// run returns the exit code.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, filepath.Base(os.Args[0]), os.Args[1:], os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// serve runs until it is refused, or until the context ends. Then it takes leave of
// ZooKeeper, so that the others need not wait for the end of its session.
func serve(ctx context.Context, program string, args, environ []string) error {
	agent := program != "mesos-master"
	known, defaults := masterFlags(), masterDefaults()
	if agent {
		known, defaults = agentFlags(), agentDefaults()
	}
	flags, err := readFlags(args, environ, known, defaults)
	if err != nil {
		return err
	}
	if flags["work_dir"] == "" {
		return refuse("Flag 'work_dir' is required, but it was not provided")
	}
	port, err := flags.port()
	if err != nil {
		return err
	}
	p := &process{flags: flags, version: version(), started: time.Now(), port: port} //nolint:forbidigo // its uptime is an answer
	fatal := make(chan error, 2)
	var handler http.Handler
	if agent {
		handler, err = startAgent(ctx, p)
	} else {
		handler, err = startMaster(ctx, p, fatal)
	}
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(flags["ip"], port))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { fatal <- server.Serve(l) }()
	select {
	case err := <-fatal:
		return err
	case <-ctx.Done():
		p.detectors.Wait()
		return nil
	}
}

// A process is what master and agent have in common.
type process struct {
	flags   flagSet
	version string
	port    string
	started time.Time
	// detectors are what talks to ZooKeeper and ends with the context.
	detectors sync.WaitGroup
}

// version is that of the package that was installed when the process started.
func version() string {
	text, err := os.ReadFile("/usr/share/mesos/version")
	if err != nil {
		return "0.0.0"
	}
	return strings.TrimSpace(string(text))
}

func (p *process) uptime() float64 { return time.Since(p.started).Seconds() } //nolint:forbidigo // an answer

func (p *process) hostname() string {
	if name := p.flags["hostname"]; name != "" {
		return name
	}
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// address is what the process tells others: by flag, or the machine's first address.
func (p *process) address() string {
	ip := p.flags["advertise_ip"]
	if ip == "" {
		ip = p.flags["ip"]
	}
	if ip == "" || ip == "0.0.0.0" {
		ip = firstAddress()
	}
	port := p.flags["advertise_port"]
	if port == "" {
		port = p.port
	}
	return net.JoinHostPort(ip, port)
}

func firstAddress() string {
	addresses, err := net.InterfaceAddrs()
	if err == nil {
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
				return n.IP.String()
			}
		}
	}
	return "127.0.0.1"
}
