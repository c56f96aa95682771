package doctor

import (
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
)

// healthy is a host of which nothing is to be said.
func healthy() HostFacts {
	return HostFacts{
		Name: "m1", User: "deploy", Outcome: mesh.OK, AsRoot: true, Rights: []Right{{Purpose: "scripts"}}, Clients: []string{"perl"},
		Folder: "/var/lib/meshsync/prod", Recorded: true, Writable: true, Free: 1 << 30, Declared: 3, State: mesh.TargetState{Outcome: mesh.OK},
	}
}

func denied(kind mesh.Kind, name string) mesh.TargetState {
	a := mesh.Address{Target: mesh.Host("m1"), Kind: kind, Name: name}
	return mesh.TargetState{Outcome: mesh.OK, Unknown: []mesh.UnknownResource{{Addr: a, Reason: "no", Denied: true}}}
}

func TestWhatIsSaidOfAHost(t *testing.T) {
	t.Parallel()
	for what, x := range map[string]struct {
		change func(*HostFacts)
		level  Level
		want   string // in "TOPIC: MESSAGE to do: DO"
	}{
		"all is well":      {func(*HostFacts) {}, OK, "read: of 3 resources in git and on the record, 3 can be read"},
		"not reached":      {func(f *HostFacts) { f.Outcome, f.Message, f.Hint = mesh.AuthRefused, "no", "add the key" }, Problem, "reach: auth_refused: no to do: add the key"},
		"a tool":           {func(f *HostFacts) { f.Lacks = []string{"flock"} }, Problem, "shell: the host lacks flock"},
		"no client":        {func(f *HostFacts) { f.Clients = nil }, Warning, "no service can be asked"},
		"curl only":        {func(f *HostFacts) { f.Clients = []string{"curl"} }, Warning, "only services that speak HTTP"},
		"a second is fine": {func(f *HostFacts) { f.Skew = time.Second }, OK, "clock: its clock and ours differ by no more than 1s"},
		"behind":           {func(f *HostFacts) { f.Skew = -90 * time.Second }, Warning, "clock: its clock is 1m30s behind ours"},
		"ahead":            {func(f *HostFacts) { f.Skew = 1500 * time.Millisecond }, Warning, "clock: its clock is 1.5s ahead of ours"},
		"sudo":             {func(f *HostFacts) { f.AsRoot, f.Rights[0].Denied = false, "a password" }, Problem, "sudo: may not be run without a password: the command for scripts (a password) to do: meshsync doctor --sudoers"},
		"no write":         {func(f *HostFacts) { f.AsRoot = false }, Problem, "write: deploy may not write there, and apply is refused"},
		"reads only":       {func(f *HostFacts) { f.AsRoot, f.Sudo = false, mesh.SudoNone }, OK, "write: deploy only reads there"},
		"read-only disk":   {func(f *HostFacts) { f.Writable = false }, Problem, "write: nothing can be written to /var/lib/meshsync/prod"},
		"little space":     {func(f *HostFacts) { f.Free = 1 << 20 }, Warning, "write: 1 MiB are free"},
		"space untold":     {func(f *HostFacts) { f.Free = -1 }, Warning, "does not say how much space"},
		"a group may": {func(f *HostFacts) {
			f.State, f.Barriers = denied(mesh.File, "/a/f"), map[string]Barrier{"/a/f": {"/a/f", "root", "adm", 0o640}}
		}, Problem, "usermod -aG adm deploy"},
		"an owner may": {func(f *HostFacts) {
			f.State, f.Barriers = denied(mesh.File, "/a/f"), map[string]Barrier{"/a/f": {"/a", "zk", "adm", 0o700}}
		}, Problem, "root or the user zk can, by /a (mode 0700, zk:adm)"},
		"a blind spot": {func(f *HostFacts) {
			f.State = denied(mesh.File, "/a/f")
			f.Blind = map[mesh.Address]bool{f.State.Unknown[0].Addr: true}
		}, OK, "read: host/m1/file:/a/f is a blind spot by policy"},
		"a secret": {func(f *HostFacts) {
			f.State = denied(mesh.File, "/a/f")
			f.Secrets = map[mesh.Address]bool{f.State.Unknown[0].Addr: true}
		}, Problem, "a secret is compared by a key that is root's alone: ssh.sudo all, or declare it in policy.blind"},
		"a secret that git dropped": {func(f *HostFacts) {
			f.State = denied(mesh.File, "/a/f")
			f.State.Record.Entries = map[string]mesh.RecordEntry{f.State.Unknown[0].Addr.String(): {Keyed: "keyed:00"}}
		}, Problem, "a key that is root's alone"},
		"a unit": {func(f *HostFacts) { f.State = denied(mesh.Service, "s") }, Problem, "install dbus there"},
	} {
		f := healthy()
		x.change(&f)
		got := Host(f)
		found := false
		for _, g := range got.Findings {
			found = found || g.Level == x.level && strings.Contains(g.Topic+": "+g.Message+" to do: "+g.Do, x.want)
			if (g.Level == OK) != (g.Do == "") {
				t.Errorf("%s: what is to be done about %+v?", what, g)
			}
		}
		if !found || got.Troubled() != (x.level == Problem) {
			t.Errorf("%s: no %s %q in %+v", what, x.level, x.want, got.Findings)
		}
	}
}

func TestWhatIsSaidOfAMarathon(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]Level{"1.4.0": OK, "1.11.26": OK, "1.3.13": Warning, "1.12.0": Warning, "2.0": Warning, "x": Warning} {
		s := mesh.TargetState{Target: mesh.Marathon("main"), Outcome: mesh.OK, Marathon: &mesh.MarathonFacts{Version: version}}
		for _, f := range Marathon(s, Account{}).Findings {
			if f.Topic == "version" && f.Level != want {
				t.Errorf("%s: %+v", version, f)
			}
		}
	}
	for a, want := range map[Account]Finding{
		{Writes: true}:           {Level: OK, Message: "requests that write come through"},
		{Refused: "403: no way"}: {Level: Warning, Message: "the account may not write, which is enough for plan and drift: 403: no way"},
		{}:                       {Level: OK, Message: "could not be told"},
	} {
		d := Marathon(mesh.TargetState{Outcome: mesh.OK, Marathon: &mesh.MarathonFacts{Version: "1.11.26"}}, a)
		if f := d.Findings[len(d.Findings)-1]; f.Topic != "write" || f.Level != want.Level || !strings.Contains(f.Message, want.Message) || d.Troubled() {
			t.Errorf("%+v: %+v", a, f)
		}
	}
	if !Marathon(mesh.TargetState{Outcome: mesh.AuthRefused}, Account{}).Troubled() {
		t.Error("a Marathon that refuses us is no problem")
	}
}
