//go:build linux

package hosts

import (
	"testing"

	"meshsync.dev/meshsync/e2e/bed"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

const sleeper = "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target"

// Debian's packages start their services when they are installed, and restart them when
// they are upgraded. When that is done is for the plan to say.
func TestNothingStartsByItselfWhileAptWorks(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.converge(t, m.all(t, "packages", "haproxy", `{}`, "packages", "zookeeperd", `{}`, "packages", "mesos", `{}`))
	m.holds(t, "! systemctl -q is-active haproxy && ! systemctl -q is-active zookeeper && ! systemctl -q is-active mesos-master")
	m.holds(t, "! pgrep -x haproxy && ! pgrep -x java && ! pgrep -x mesos-master && ! pgrep -x mesos-agent")
	m.holds(t, "! journalctl -u haproxy -u zookeeper -u mesos-master | grep -i started")
	m.holds(t, "[ ! -e /usr/sbin/policy-rc.d ]")
}

func TestAnUpgradeNeitherStopsNorRestartsWhatRuns(t *testing.T) {
	b, m := start(t, bed.Options{Bare: true})
	m.converge(t, m.all(t, "packages", "mesos", `{"version": "1.11.0-1"}`))
	m.Must(t, "systemctl start mesos-master")
	pid := m.Must(t, "systemctl show -p MainPID --value mesos-master")
	b.Publish(t, bed.Mesos{Version: "1.12.0-1"})
	m.converge(t, m.all(t, "packages", "mesos", `{"version": "1.12.0-1"}`))
	if now := m.Must(t, "systemctl show -p MainPID --value mesos-master"); now != pid {
		t.Errorf("its process was %s and is %s", pid, now)
	}
}

func TestAPackageThatGoesTakesItsProcessesAlong(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(t, deb{name: "daemon", version: "1", unit: sleeper})
	m.converge(t, m.all(t, "packages", "daemon", `{}`, "services", "daemon", `{"enabled": true, "running": true, "reads": [], "on": "restart"}`))
	m.holds(t, "systemctl -q is-active daemon && pgrep -x sleep")
	m.converge(t, nil)
	m.holds(t, "! pgrep -x sleep")
}

func TestAHostsOwnPolicyIsKept(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	const own = "#!/bin/sh\n# the host's own\nexit 104\n"
	m.Put(t, "/usr/sbin/policy-rc.d", own, 0o750)
	kept := func(when string) {
		t.Helper()
		if got := m.Get(t, "/usr/sbin/policy-rc.d"); got != own {
			t.Errorf("%s it is %q", when, got)
		}
		m.holds(t, "[ $(stat -c %a /usr/sbin/policy-rc.d) = 750 ]")
	}
	m.publish(t, deb{name: "tool", version: "1"}, deb{name: "slow", version: "1", postinst: "touch /srv/amid; while [ ! -e /srv/on ]; do sleep 0.1; done"})
	m.converge(t, m.all(t, "packages", "tool", `{}`))
	kept("after a transaction")
	m.converge(t, nil)
	kept("after a removal")
	result(t, m.apply(t, m.all(t, "packages", "nowhere", `{}`)), "create nowhere", plan.ResultFailed, "")
	kept("after one that failed")

	// The script is killed amid its transaction, which ends all the same.
	want := m.all(t, "packages", "slow", `{}`)
	ended := m.amid(t, want)
	m.Must(t, `read -r _ _ _ pid </var/lib/meshsync/prod/lock; kill -9 "$pid"`)
	<-ended
	if got := m.Get(t, "/usr/sbin/policy-rc.d"); got == own {
		t.Fatal("the script was not amid its transaction, so this shows nothing")
	}
	m.Must(t, "touch /srv/on")
	m.until(t, "! pgrep -x apt-get && grep -q own /usr/sbin/policy-rc.d")
	kept("after the script was killed")
	m.converge(t, want)
	m.converge(t, nil)

	// Script and transaction are killed, and apt goes on by itself.
	m.Must(t, "rm /srv/on /srv/amid")
	ended = m.amid(t, want)
	m.Must(t, `read -r _ _ _ pid </var/lib/meshsync/prod/lock; kill -9 "$pid" $(pgrep -P "$pid")`)
	<-ended
	// Who asks what is left behind gets the answer of the host's own.
	m.holds(t, "/usr/sbin/policy-rc.d x start; [ $? = 104 ]")
	// A batch that comes while apt is at work leaves the policy to it.
	file := func(text string) []string {
		return []string{"files", "/srv/f", `{"content": "` + text + `", "mode": "0644", "owner": "root", "group": "root"}`}
	}
	m.apply(t, m.all(t, file("x")...))
	if got := m.Get(t, "/usr/sbin/policy-rc.d"); got == own {
		t.Error("the policy went while apt was at work")
	}
	m.Must(t, "touch /srv/on")
	m.until(t, "! pgrep -x apt-get && ! pgrep -x dpkg")
	m.converge(t, m.all(t, file("y")...))
	kept("after a batch behind the one that was killed")
	m.converge(t, want)
	kept("after the transaction was done again")
}

// amid applies in the background, and returns when the package slow is being installed.
func (m machine) amid(t *testing.T, want []mesh.Resource) (ended chan struct{}) {
	t.Helper()
	h := m.target(t, want)
	p := m.planned(t, h, want)
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		for _, s := range p.Stages {
			for _, b := range s.Batches {
				_ = h.Apply(t.Context(), plan.Work{Run: "r2", Changes: b.Changes}, func(plan.Outcome) {})
			}
		}
	}()
	m.until(t, "[ -e /srv/amid ]")
	return ended
}

func TestAptsLockIsANamedFailure(t *testing.T) {
	_, m := start(t, bed.Options{Bare: true})
	m.publish(t, deb{name: "tool", version: "1"}, deb{name: "tool", version: "2"})
	m.converge(t, m.all(t, "packages", "tool", `{"version": "1"}`))
	const unlock = "[ ! -e /run/holder ] || { kill $(cat /run/holder) && rm /run/holder; }"
	for name, lock := range map[string]string{"dpkg": "/var/lib/dpkg/lock-frontend", "lists": "/var/lib/apt/lists/lock"} {
		m.Must(t, unlock) // which one that failed did not come to
		t.Run(name, func(t *testing.T) {
			want := m.all(t, "packages", "tool", `{"version": "2"}`)
			message := "apt's lock is held by another process"
			if name == "lists" { // they are read anew when apt's sources are newer
				m.publish(t, deb{name: "tool", version: "3"})
				m.Must(t, "touch /etc/apt/sources.list.d/own.list")
				want = m.all(t, "packages", "tool", `{"version": "3"}`)
			}
			m.lock(t, lock)
			result(t, m.apply(t, want), "update tool", plan.ResultFailed, message)
			m.holds(t, "[ ! -e /usr/sbin/policy-rc.d ]")
			m.Must(t, unlock)
			m.converge(t, want)
		})
	}
}

// lock takes a lock as apt does, in the background, until somebody kills /run/holder.
func (m machine) lock(t *testing.T, file string) {
	t.Helper()
	m.Must(t, `cat >/root/lock.pl <<'END'
use Fcntl;
open F, "+>>", $ARGV[0] or die "open: $!";
my $l = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
fcntl(F, F_SETLK, $l) or die "lock: $!";
open P, ">", "/run/holder" or die; print P $$; close P;
sleep 300;
END
perl /root/lock.pl `+file+` >/root/lock.log 2>&1 </dev/null &
n=0; while [ ! -s /run/holder ]; do n=$((n+1)); [ $n -lt 600 ] || { cat /root/lock.log; exit 1; }; sleep 0.1; done`)
}
