//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"meshsync.dev/meshsync/e2e/bed"
)

// realMesh is the mesh of real hosts: the example's roles and one more.
const realMesh = "bench"

// A realCluster is a number of real hosts on which the mesh is applied: three masters with
// ZooKeeper and a stand-in for Mesos, the rest agents.
type realCluster struct {
	s       settings
	bed     *bed.Bed
	dir     string
	repo    string
	connect string // the hosts' addresses and keys, for the floor
}

// newRealCluster boots n hosts and applies the mesh; remove has to be called, also where
// there is an error.
func newRealCluster(ctx context.Context, s settings, n int) (c *realCluster, err error) {
	c = &realCluster{s: s}
	if c.dir, err = os.MkdirTemp("", "meshsync-bench-"); err != nil {
		return c, err
	}
	c.repo, c.connect = filepath.Join(c.dir, "infra"), filepath.Join(c.dir, "connect.json")
	if c.bed, err = bed.Open(ctx, bed.Options{Hosts: n}); err != nil {
		return c, err
	}
	if err := errors.Join(c.writeConnect(), c.writeRepository(ctx), c.addUnits(ctx)); err != nil {
		return c, err
	}
	if _, err := measure(ctx, c.meshsync("apply", "--yes")); err != nil {
		return c, fmt.Errorf("the first apply: %w", err)
	}
	if _, err := measure(ctx, c.meshsync("plan", "--detailed-exitcode")); err != nil {
		return c, fmt.Errorf("the plan after apply is to be empty and complete: %w", err)
	}
	return c, nil
}

func (c *realCluster) remove(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // after an interrupt, too
	var failed error
	if c.bed != nil {
		failed = c.bed.Remove(ctx)
	}
	return errors.Join(failed, os.RemoveAll(c.dir))
}

// meshsync is a command of the program on the mesh, by the way that a user's is.
func (c *realCluster) meshsync(name string, args ...string) command {
	all := []string{c.s.meshsync, name, "-C", realMesh, "-i", c.bed.KeyFile, "--known-hosts", c.bed.KnownHosts, "--ssh-config", "/dev/null"}
	if name == "validate" {
		all = all[:4]
	}
	return command{dir: c.repo, args: append(all, args...)}
}

// floorOf is the floor on these hosts.
func (c *realCluster) floorOf(args ...string) command {
	return command{dir: c.repo, args: append([]string{c.s.floor, "-connect", c.connect}, args...)}
}

// masters are the first of the hosts.
const masters = 3

// name is a host's in the mesh: m1, m2, m3, a1, a2, …
func (c *realCluster) name(i int) string {
	if i < masters {
		return fmt.Sprintf("m%d", i+1)
	}
	return fmt.Sprintf("a%d", i-masters+1)
}

func (c *realCluster) writeConnect() error {
	type host struct {
		Address string `json:"address"`
		Port    int    `json:"port"`
		User    string `json:"user"`
		HostKey string `json:"host_key"`
	}
	hosts := map[string]host{}
	for i, h := range c.bed.Hosts {
		hosts[c.name(i)] = host{h.Address, 22, "root", h.HostKey}
	}
	text, err := json.Marshal(map[string]any{"schema": "meshsync.connect/v1", "hosts": hosts, "identity": c.bed.KeyFile})
	if err != nil {
		return err
	}
	return os.WriteFile(c.connect, text, 0o600)
}

// addUnits gives the hosts the services that no package of Debian brings, where packages put
// theirs; they are restarted more often in a row than systemd would allow.
func (c *realCluster) addUnits(ctx context.Context) error {
	const script = `for s in logshipper bench; do
	printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >/lib/systemd/system/$s.service || exit 1
done
systemctl daemon-reload`
	for _, h := range c.bed.Hosts {
		if err := c.run(ctx, h, script); err != nil {
			return err
		}
	}
	return nil
}

// run runs a script on a host, which has to succeed.
func (c *realCluster) run(ctx context.Context, h *bed.Host, script string) error {
	r, err := h.Run(ctx, script, nil)
	if err == nil && r.Exit != 0 {
		err = fmt.Errorf("exit %d: %s", r.Exit, tail(r.Stderr))
	}
	if err != nil {
		return fmt.Errorf("run a script on %s: %w", h.Name, err)
	}
	return nil
}

func (c *realCluster) writeRepository(ctx context.Context) error {
	if _, err := measure(ctx, command{dir: "", args: []string{c.s.meshsync, "init", c.repo}}); err != nil {
		return err
	}
	folder := filepath.Join(c.repo, realMesh)
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	err := errors.Join(
		os.WriteFile(filepath.Join(folder, "mesh.cue"), []byte(c.meshFile()), 0o644),
		os.WriteFile(filepath.Join(c.repo, "roles", "bench.cue"), []byte(benchRole), 0o644),
		c.set("word: \"first\""),
	)
	if err != nil {
		return err
	}
	return commit(ctx, c.repo)
}

// set writes the settings of the mesh's role bench, without a commit.
func (c *realCluster) set(lines ...string) error {
	text := fmt.Sprintf("package %s\n\nsettings: bench: {%s}\n", realMesh, strings.Join(lines, ", "))
	return os.WriteFile(filepath.Join(c.repo, realMesh, "settings.cue"), []byte(text), 0o644)
}

func (c *realCluster) meshFile() string {
	var b strings.Builder
	fmt.Fprintf(&b, `package %s

import (
	"example.com/infra/common"
	"example.com/infra/roles"
)

common

name: "%[1]s"
#roles: bench: roles.#Bench
hosts: {
	[=~"^m"]: roles: {zookeeper: {}, "mesos-master": {}}
	[=~"^a"]: roles: "mesos-agent": {}
	[string]: {os: "debian 12", ssh: user: "root", roles: {logshipper: {}, bench: {}}}
`, realMesh)
	for i, h := range c.bed.Hosts {
		id := ""
		if c.name(i)[0] == 'm' {
			id = fmt.Sprintf(", id: %d", i+1)
		}
		fmt.Fprintf(&b, "\t%s: {address: %q%s}\n", c.name(i), h.Address, id)
	}
	b.WriteString("}\n")
	return b.String()
}

// benchRole is a role whose files are as many and as large as is asked, and whose service
// may be restarted on all hosts at once.
const benchRole = `package roles

import (
	"list"
	"strings"

	"meshsync.dev/kit"
)

#Bench: kit.#Role & {
	me: _
	uses: []
	members: _
	over: [...{word?: string, files?: int, mebibytes?: int}]

	cfg: (kit.#Layers & {in: [{word: "none", files: 0, mebibytes: 0}, for l in over {l}]}).out
	yield: {
		directories: "/etc/bench": {mode: "0755", owner: "root", group: "root"}
		files: "/etc/bench/word": kit.#Root & {content: cfg.word + "\n"}
		for i in list.Range(0, cfg.files, 1) {
			files: "/etc/bench/\(i)": kit.#Root & {content: "this is file \(i) of \(cfg.files)\n"}
		}
		if cfg.mebibytes > 0 if me.name == "a1" {
			files: "/etc/bench/large": kit.#Root & {content: strings.Repeat(strings.Repeat("a line of \(cfg.word)s\n"+strings.Repeat("x", 64-12-len(cfg.word)), 16384), cfg.mebibytes)}
		}
		services: bench: {enabled: true, running: true, on: "restart", reads: ["/etc/bench/word"]}
		rollout: {layer: 70, maxUnavailable: 20, canary: false}
	}
}
`
