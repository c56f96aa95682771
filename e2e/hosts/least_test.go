//go:build linux

package hosts

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/doctor"
	"meshsync.dev/meshsync/internal/host"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/secret"
)

// canary is what every secret here holds.
const canary = "canary-of-least"

func canaries(mesh.SecretSource) (secret.Value, error) { return secret.New(canary), nil }

// account adds a user who logs in with the bed's key and has no rights of its own.
func (m machine) account(t *testing.T, name string) {
	t.Helper()
	m.Must(t, "useradd --create-home --shell /bin/bash "+name+" && cp -a /home/reader/.ssh /home/"+name+"/ && chown -R "+name+": /home/"+name+"/.ssh")
}

// as is the host as an account sees it.
func (m machine) as(t *testing.T, user string, sudo mesh.Sudo, want []mesh.Resource) *host.Host {
	t.Helper()
	m.User = user
	h := host.New(host.Options{Mesh: "prod", Name: m.Name, Resources: want, Dialer: m.dialer(), Secrets: canaries, Sudo: sudo, Timeout: patience, BatchTimeout: patience})
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// seen plans with blind spots, whatever could not be seen.
func (m machine) seen(t *testing.T, h *host.Host, want []mesh.Resource, blind ...string) plan.Plan {
	t.Helper()
	s := h.Observe(t.Context())
	if s.Outcome != mesh.OK {
		t.Fatalf("observe: %s: %s", s.Outcome, s.Message)
	}
	return plan.Build(plan.Input{
		Mesh:   &mesh.Mesh{Name: "prod", Hosts: []mesh.HostSpec{m.HostSpec}, Roles: []mesh.RoleSpec{{Name: "r", Hosts: []string{m.Name}}}, Resources: want},
		Seen:   mesh.Observed{Targets: []mesh.TargetState{s}},
		Policy: mesh.Policy{Blind: blind},
	})
}

// unknown lists the names of what a plan could not see, sorted.
func unknown(p plan.Plan) string {
	var out []string
	for _, u := range p.Unknown {
		name := u.Target.String()
		if u.Addr != nil {
			name = string(u.Addr.Kind) + ":" + u.Addr.Name
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

// secrets are those of a service: one that its group may read, one that root alone may, and one
// where nobody else may enter.
func (m machine) secrets(t *testing.T) []mesh.Resource {
	t.Helper()
	m.Must(t, `printf '[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/s.service; systemctl daemon-reload`)
	want := m.all(t,
		"directories", "/srv/closed", `{"mode": "0700", "owner": "root", "group": "root", "purge": true}`,
		"files", "/srv/closed/secret", `{"secret": {"age": "c"}, "mode": "0600", "owner": "root", "group": "root"}`,
		"files", "/srv/own", `{"secret": {"age": "a"}, "mode": "0600", "owner": "root", "group": "root"}`,
		"files", "/srv/shared", `{"secret": {"age": "b"}, "mode": "0640", "owner": "root", "group": "watch"}`,
		"services", "s", `{"enabled": true, "running": true, "reads": ["/srv/own", "/srv/shared", "/srv/closed/"], "on": "restart"}`,
	)
	slices.SortFunc(want, func(a, b mesh.Resource) int { return a.Addr.Compare(b.Addr) })
	return want
}

// startWithPrintedLines boots a host with an account that writes and one that reads, each with
// just the lines that meshsync doctor --sudoers prints, where sudo logs what goes through it.
func startWithPrintedLines(t *testing.T) machine {
	t.Helper()
	_, m := start(t, bed.Options{Bare: true})
	m.account(t, "deploy")
	m.account(t, "watch")
	m.Put(t, "/etc/sudoers.d/meshsync-prod", host.Sudoers("prod", "watch", "deploy"), 0o440)
	m.Put(t, "/etc/sudoers.d/logged", "Defaults log_input, log_output\n", 0o440)
	m.Must(t, "visudo -c")
	return m
}

// deploys brings the host to what is wanted by the account that writes, and returns the host
// as that account has it.
func (m machine) deploys(t *testing.T, want []mesh.Resource) *host.Host {
	t.Helper()
	writer := m.as(t, "deploy", mesh.SudoAll, want)
	if err := writer.MayWrite(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, o := range m.applied(t, writer, m.planned(t, writer, want)) {
		if o.Result != plan.ResultDone {
			t.Errorf("%s: %s: %s", what, o.Result, o.Message)
		}
	}
	return writer
}

// TestSecretsAndAccountsWithOnlyThePrintedLines has secrets written by an account with just the
// printed lines. The one that reads cannot compare them, and is told no digest of them, also
// once git has dropped them: they are blind spots, and neither drift nor a restart.
func TestSecretsAndAccountsWithOnlyThePrintedLines(t *testing.T) {
	m := startWithPrintedLines(t)
	want := m.secrets(t)

	writer := m.deploys(t, want)
	if p := m.planned(t, m.as(t, "deploy", mesh.SudoAll, want), want); !p.Empty || len(p.Stale) > 0 {
		t.Errorf("stale %+v, there is still something to do:%s", p.Stale, tell(p))
	}
	if got := doctor.Host(writer.Examine(t.Context(), time.Now)); got.Troubled() {
		t.Errorf("the writing account: %+v", got)
	}
	m.holds(t, "! find /var/log/sudo-io -type f -exec zgrep -l "+canary+" {} + | grep .")

	secrets := []string{"host/*/file:/srv/*"}
	for name, read := range map[string]mesh.Sudo{"digests by sudo": mesh.SudoRead, "no sudo": mesh.SudoNone} {
		t.Run(name, func(t *testing.T) {
			h := m.as(t, "watch", read, want)
			m.tellsNothingOf(t, h)
			p := m.seen(t, h, want)
			if got := unknown(p); !strings.Contains(got, "file:/srv/closed/secret file:/srv/own file:/srv/shared") || !p.Empty || len(p.Stale) > 0 {
				t.Errorf("unknown %q, stale %+v:%s", got, p.Stale, tell(p))
			}
			if read == mesh.SudoRead {
				if p = m.seen(t, h, want, secrets...); !p.Complete || !p.Empty || len(p.NotCompared) != 3 {
					t.Errorf("complete %t, unknown %q, not compared %+v", p.Complete, unknown(p), p.NotCompared)
				}
			}
			got := doctor.Host(h.Examine(t.Context(), time.Now))
			for _, f := range got.Findings {
				if strings.Contains(f.Message, "/srv/own") && !strings.Contains(f.Do, "a key that is root's alone: ssh.sudo all") {
					t.Errorf("%+v", f)
				}
			}
			m.tellsNothingOf(t, m.as(t, "watch", read, want[:1])) // git dropped all but the purged directory
		})
	}
	t.Run("the list of an older version", func(t *testing.T) {
		m.Must(t, "chmod 600 /var/lib/meshsync/prod/secrets")
		m.tellsNothingOf(t, m.as(t, "watch", mesh.SudoRead, want[:1]))
	})
}

// tellsNothingOf fails the test when what an account sees has the digest of a secret.
func (m machine) tellsNothingOf(t *testing.T, h *host.Host) {
	t.Helper()
	s := h.Observe(t.Context())
	data, err := json.Marshal(s)
	if err != nil || s.Outcome != mesh.OK {
		t.Fatalf("%v %s %s", err, s.Outcome, s.Message)
	}
	sum := strings.TrimPrefix(mesh.DigestBytes([]byte(canary)), "sha256:")
	if strings.Contains(string(data), sum) {
		t.Errorf("the digest of a secret is told: %s", data)
	}
}

func (m machine) guarded(t *testing.T) []mesh.Resource {
	t.Helper()
	m.Must(t, `printf '[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/s.service; systemctl daemon-reload`)
	want := m.all(t,
		"directories", "/srv/t", `{"mode": "0755", "owner": "root", "group": "root"}`,
		"files", "/srv/t/open", `{"content": "open\n", "mode": "0644", "owner": "root", "group": "root"}`,
		"files", "/srv/t/secret", `{"content": "secret\n", "mode": "0640", "owner": "root", "group": "daemon"}`,
		"directories", "/srv/closed", `{"mode": "0700", "owner": "root", "group": "root", "purge": true}`,
		"files", "/srv/closed/f", `{"content": "f\n", "mode": "0644", "owner": "root", "group": "root"}`,
		"groups", "svc", `{"gid": 4243}`,
		"packages", "sudo", `{}`,
		"debconf", "mesos mesos/cluster string", `{"value": "prod"}`,
		"services", "ssh", `{"enabled": true, "running": true, "reads": [], "on": "restart"}`,
		"services", "s", `{"enabled": true, "running": true, "reads": ["/srv/t/open", "/srv/t/secret", "/srv/closed/"], "on": "restart"}`,
	)
	slices.SortFunc(want, func(a, b mesh.Resource) int { return a.Addr.Compare(b.Addr) })
	return want
}

// TestAccountsWithOnlyThePrintedLines has three accounts: one that writes and one that reads,
// each with just the lines that meshsync doctor --sudoers prints, and one without sudo.
func TestAccountsWithOnlyThePrintedLines(t *testing.T) {
	m := startWithPrintedLines(t)
	want := m.guarded(t)

	writer := m.deploys(t, want)
	if p := m.planned(t, m.as(t, "deploy", mesh.SudoAll, want), want); !p.Empty {
		t.Errorf("there is still something to do:%s", tell(p))
	}
	lease := mesh.Lease{Run: "r2"}
	if err := writer.Take(t.Context(), lease); err != nil {
		t.Error(err)
	}
	if err := writer.Release(t.Context()); err != nil {
		t.Error(err)
	}
	// What is logged of others is not of the accounts with these lines.
	m.Must(t, "su admin -c 'echo tell-tale | sudo -n /bin/cat'")
	m.holds(t, "find /var/log/sudo-io -type f -exec zgrep -q tell-tale {} +")
	m.holds(t, "! find /var/log/sudo-io -type f -exec zgrep -E -l 'ms_observe|ms_batch|secret' {} + | grep .")
	if r := m.Exec(t, "su deploy -c 'sudo -n /bin/cat /etc/shadow; sudo -n /bin/sh -c id; sudo -n -i true'"); strings.Contains(r.Stdout, "root") {
		t.Errorf("the writing account has more than its lines: %s", r.Stdout)
	}

	t.Run("reading lines", func(t *testing.T) { m.readingLines(t, want) })
	t.Run("no sudo", func(t *testing.T) { m.withoutSudo(t, want) })
	t.Run("a secret that moved", func(t *testing.T) {
		m.Must(t, "echo other >/srv/closed/f; echo more >/srv/closed/stray; ln -s /nowhere /srv/closed/.link")
		p := m.seen(t, m.as(t, "watch", mesh.SudoRead, want), want)
		for _, name := range []string{"update host/h1/file:/srv/closed/f", "delete host/h1/file:/srv/closed/stray"} {
			if !strings.Contains(tell(p), name) {
				t.Errorf("the reading account does not see %s:%s", name, tell(p))
			}
		}
		if got := unknown(p); got != "directory:/srv/closed" { // for the link: where it leads is not told
			t.Errorf("unknown %q: %+v", got, p.Unknown)
		}
	})
}

func (m machine) readingLines(t *testing.T, want []mesh.Resource) {
	h := m.as(t, "watch", mesh.SudoRead, want)
	if p := m.seen(t, h, want); !p.Empty || !p.Complete || len(p.Stale) > 0 {
		t.Errorf("unknown %q, stale %+v:%s", unknown(p), p.Stale, tell(p))
	}
	if err := h.MayWrite(t.Context()); err == nil || !strings.Contains(err.Error(), "only reads there") {
		t.Errorf("it may write: %v", err)
	}
	// As if it were to write all the same: sudo refuses, and the host is as it was.
	all := m.as(t, "watch", mesh.SudoAll, want)
	if s := all.Observe(t.Context()); s.Outcome != mesh.NoSudo {
		t.Errorf("%s: %s", s.Outcome, s.Message)
	}
	if err := all.MayWrite(t.Context()); err == nil || !strings.Contains(err.Error(), "doctor --sudoers") {
		t.Errorf("it may write: %v", err)
	}
	for _, try := range []string{"/bin/sh -s </dev/null", "/bin/cat /etc/shadow", "/usr/bin/xargs -0 -r /usr/bin/sha256sum -c", "/usr/bin/xargs -0 -r /bin/rm --", "/usr/bin/xargs -0 -r -a /etc/shadow /usr/bin/sha256sum --"} {
		if r := m.Exec(t, "su watch -c 'sudo -n "+try+"'"); r.Exit == 0 {
			t.Errorf("the reading account may run %s", try)
		}
	}
	examined(t, doctor.Host(h.Examine(t.Context(), time.Now)), doctor.OK, "write", "watch only reads there")
}

func (m machine) withoutSudo(t *testing.T, want []mesh.Resource) {
	h := m.as(t, "reader", mesh.SudoNone, want)
	p := m.seen(t, h, want)
	// The bed has no D-Bus, by which a plain user would ask systemd.
	if got, blind := unknown(p), "directory:/srv/closed file:/srv/closed/f file:/srv/t/secret service:s service:ssh"; got != blind || p.Complete || !p.Empty || len(p.Stale) > 0 {
		t.Errorf("unknown %q, want %q; stale %+v:%s", got, blind, p.Stale, tell(p))
	}
	p = m.seen(t, h, want, "host/*/file:/srv/t/*", "host/*/file:/srv/closed/*", "host/*/service:*", "host/*/directory:/srv/closed", "host/*/file:/nowhere")
	if !p.Complete || !p.Empty || len(p.NotCompared) != 5 || len(p.Notes) != 1 {
		t.Errorf("complete %t, unknown %q, not compared %+v, notes %q", p.Complete, unknown(p), p.NotCompared, p.Notes)
	}
	m.Must(t, "echo moved >/srv/t/open")
	p = m.seen(t, h, want, "host/*/file:/srv/*", "host/h1/directory:/srv/closed", "host/h1/service:*")
	if !strings.Contains(tell(p), "/srv/t/open") || !p.Complete {
		t.Errorf("what is in a blind spot and can be read is not compared:%s", tell(p))
	}
	m.Must(t, "echo open >/srv/t/open")

	got := doctor.Host(h.Examine(t.Context(), time.Now))
	examined(t, got, doctor.Problem, "read", "root can, by /srv/t/secret (mode 0640, root:daemon), and so could reader in the group daemon")
	examined(t, got, doctor.Problem, "read", "by /srv/closed (mode 0700, root:root); ssh.sudo read")
	examined(t, doctor.Host(m.as(t, "reader", mesh.SudoAll, want).Examine(t.Context(), time.Now)), doctor.Problem, "sudo", "the command for scripts")
	if got := doctor.Host(m.as(t, "deploy", mesh.SudoAll, want).Examine(t.Context(), time.Now)); got.Troubled() {
		t.Errorf("the writing account: %+v", got)
	}
}

// examined wants a finding.
func examined(t *testing.T, got doctor.Diagnosis, level doctor.Level, topic, text string) {
	t.Helper()
	if !slices.ContainsFunc(got.Findings, func(f doctor.Finding) bool {
		return f.Level == level && f.Topic == topic && strings.Contains(f.Message+" to do: "+f.Do, text)
	}) {
		t.Errorf("no finding %s %s %q in %+v", level, topic, text, got.Findings)
	}
}
