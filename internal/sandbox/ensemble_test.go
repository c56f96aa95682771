package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/sandbox"
)

// quick makes the slow steps short: the tests wait for states, not for times.
func quick() sandbox.Timing {
	d := 10 * time.Millisecond
	return sandbox.Timing{ZooKeeperStart: d, Election: d, MesosStart: d, MesosElection: d, AgentStart: d, Session: 300 * time.Millisecond}
}

const zooCfg = `tickTime=2000
initLimit=10
syncLimit=5
dataDir=/var/lib/zookeeper
clientPort=2181
4lw.commands.whitelist=srvr,mntr,conf
server.1=10.0.0.11:2888:3888
server.2=10.0.0.12:2888:3888
server.3=10.0.0.13:2888:3888
`

// configureZooKeeper is a script that writes a member's settings.
func configureZooKeeper(id int, cfg string) string {
	return fmt.Sprintf("mkdir -p $R/etc/zookeeper/conf_meshsync\ncat >$R/etc/zookeeper/conf_meshsync/zoo.cfg <<'E'\n%sE\n"+
		"echo %d >$R/etc/zookeeper/conf_meshsync/myid\nln -sfn /etc/zookeeper/conf_meshsync $R/etc/alternatives/zookeeper-conf\n", cfg, id)
}

const zk = "zk://10.0.0.11:2181,10.0.0.12:2181,10.0.0.13:2181/mesos"

// configureMaster is a script that writes a master's settings as the example does.
const configureMaster = "echo " + zk + " >$R/etc/mesos/zk\nprintf 'ZK=`cat /etc/mesos/zk`\\n' >$R/etc/default/mesos-master\n" +
	"rm -f $R/etc/default/mesos\ncd $R/etc/mesos-master\necho 2 >quorum\necho /var/lib/mesos/master >work_dir\necho 5050 >port\n"

const configureAgent = "echo " + zk + " >$R/etc/mesos/zk\ncd $R/etc/mesos-slave\necho /var/lib/mesos/agent >work_dir\nmkdir -p attributes\necho a >attributes/rack\n"

// word asks a host's ZooKeeper a four-letter word, from the host itself.
func word(t *testing.T, c *sandbox.Cluster, host, w string) string {
	t.Helper()
	return on(t, c, host, `perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(PeerAddr=>"127.0.0.1",PeerPort=>$ARGV[0]) or exit 0; print $s $ARGV[1]; print while <$s>' 2181 `+w+` || true`)
}

// modes is what each master's ZooKeeper says of its part.
func modes(t *testing.T, c *sandbox.Cluster) []string {
	t.Helper()
	var out []string
	for _, h := range []string{"m1", "m2", "m3"} {
		mode := ""
		for line := range strings.Lines(word(t, c, h, "srvr")) {
			if m, ok := strings.CutPrefix(line, "Mode: "); ok {
				mode = strings.TrimSpace(m)
			} else if strings.Contains(line, "not currently serving") {
				mode = "waits"
			}
		}
		out = append(out, mode)
	}
	return out
}

func wantModes(t *testing.T, c *sandbox.Cluster, want ...string) {
	t.Helper()
	var got []string
	eventually(t, fmt.Sprintf("ZooKeepers are %q", want), func() bool {
		got = modes(t, c)
		return slices.Equal(got, want)
	})
}

func threeZooKeepers(t *testing.T) *sandbox.Cluster {
	t.Helper()
	c := box(t, sandbox.Options{Hosts: example(), Timing: quick()})
	for i, h := range []string{"m1", "m2", "m3"} {
		on(t, c, h, configureZooKeeper(i+1, zooCfg)+"systemctl enable zookeeper\nsystemctl restart zookeeper\n")
		if h == "m2" { // it leads only if it is there before m3
			wantModes(t, c, "follower", "leader", "")
		}
	}
	return c
}

func TestAnEnsembleServesWhileAMajorityRuns(t *testing.T) {
	t.Parallel()
	c := threeZooKeepers(t)
	// Whoever has a majority first leads, and stays leader when a higher id joins.
	wantModes(t, c, "follower", "leader", "follower")
	if mntr := word(t, c, "m2", "mntr"); !strings.Contains(mntr, "zk_synced_followers\t2\n") {
		t.Errorf("the leader's mntr lacks its two followers:\n%s", mntr)
	}
	if got := word(t, c, "m1", "ruok"); got != "ruok is not executed because it is not in the whitelist.\n" {
		t.Errorf("ruok, which the whitelist lacks: %q", got)
	}
	if err := c.Fault("m1", "kill", "zookeeper"); err != nil {
		t.Fatal(err)
	}
	wantModes(t, c, "", "leader", "follower")
	if err := c.Fault("m3", "kill", "zookeeper.service"); err != nil {
		t.Fatal(err)
	}
	wantModes(t, c, "", "waits", "")
	on(t, c, "m1", "[ $(systemctl is-active zookeeper) = failed ] && systemctl start zookeeper")
	wantModes(t, c, "follower", "leader", "")
}

func TestARestartOfTheLeaderMovesLeadership(t *testing.T) {
	t.Parallel()
	c := threeZooKeepers(t)
	wantModes(t, c, "follower", "leader", "follower")
	on(t, c, "m2", "systemctl restart zookeeper")
	wantModes(t, c, "follower", "follower", "leader")
}

func TestMembersThatDisagreeFormNoEnsemble(t *testing.T) {
	t.Parallel()
	c := threeZooKeepers(t)
	wantModes(t, c, "follower", "leader", "follower")
	// A member is started with a wrong address for itself: the others do not find it.
	on(t, c, "m1", configureZooKeeper(1, strings.Replace(zooCfg, "10.0.0.11", "10.0.0.99", 1))+"systemctl restart zookeeper")
	wantModes(t, c, "waits", "leader", "follower")
	// One server line runs alone, without a word of warning.
	on(t, c, "m1", configureZooKeeper(1, "dataDir=/var/lib/zookeeper\nclientPort=2181\nserver.1=10.0.0.11:2888:3888\n")+"systemctl restart zookeeper")
	wantModes(t, c, "standalone", "leader", "follower")
	// What is on disk does not matter to a process that runs.
	on(t, c, "m3", configureZooKeeper(3, "rubbish"))
	wantModes(t, c, "standalone", "leader", "follower")
}

func TestBrokenSettingsStopZooKeeperAtItsStart(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example(), Timing: quick()})
	for _, x := range []struct{ what, script, want string }{
		{"the package's example, alone", "true", ""},
		{"text for myid", configureZooKeeper(1, zooCfg) + "echo one >$R/etc/zookeeper/conf_meshsync/myid", "serverid one is not a number"},
		{"a space after myid", configureZooKeeper(1, zooCfg) + "echo '1 ' >$R/etc/zookeeper/conf_meshsync/myid", "not a number"},
		{"no myid", configureZooKeeper(1, zooCfg) + "rm $R/etc/zookeeper/conf_meshsync/myid", "myid file is missing"},
		{"an id that is no member", configureZooKeeper(9, zooCfg), "My id 9 not in the peer list"},
		{"no initLimit", configureZooKeeper(1, strings.Replace(zooCfg, "initLimit=10\n", "", 1)), "initLimit"},
		{"no dataDir", configureZooKeeper(1, strings.Replace(zooCfg, "dataDir=/var/lib/zookeeper\n", "", 1)), "dataDir is not set"},
		{"a server line without ports", configureZooKeeper(1, zooCfg+"server.4=10.0.0.14\n"), "server.4"},
	} {
		got := on(t, c, "m1", x.script+"\nsystemctl restart zookeeper 2>&1; echo code $?; systemctl is-active zookeeper || true")
		wantCode, wantState := "code 1", "failed"
		if x.want == "" {
			wantCode, wantState = "code 0", "active"
		}
		if !strings.Contains(got, x.want) || !strings.Contains(got, wantCode+"\n"+wantState+"\n") {
			t.Errorf("%s: %s", x.what, got)
		}
	}
}

// metric reads one number of a Mesos process.
func metric(t *testing.T, c *sandbox.Cluster, host string, port int, name string) string {
	t.Helper()
	text := on(t, c, host, fmt.Sprintf("curl -s http://127.0.0.1:%d/metrics/snapshot || true", port))
	_, rest, ok := strings.Cut(text, `"`+strings.ReplaceAll(name, "/", `\/`)+`":`)
	if !ok {
		return "none"
	}
	return rest[:strings.IndexAny(rest, ",}")]
}

func TestMesosElectsThroughZooKeeper(t *testing.T) {
	t.Parallel()
	c := threeZooKeepers(t)
	masters := []string{"m1", "m2", "m3"}
	for i, h := range masters {
		on(t, c, h, configureMaster+"systemctl restart mesos-master")
		eventually(t, h+" is there before the next one", func() bool { return metric(t, c, h, 5050, "master/elected") != "none" })
		if i == 1 && metric(t, c, "m1", 5050, "registrar/log/recovered") != "0.0" {
			t.Error("two of three masters made a new log; the real ones wait for the third")
		}
	}
	elected := func() (out []string) {
		for _, h := range masters {
			if metric(t, c, h, 5050, "master/elected") == "1.0" {
				out = append(out, h)
			}
		}
		return out
	}
	eventually(t, "m1 is elected", func() bool { return slices.Equal(elected(), []string{"m1"}) })
	eventually(t, "the log has recovered", func() bool { return metric(t, c, "m3", 5050, "registrar/log/recovered") == "1.0" })
	if got := metric(t, c, "m2", 5050, "registrar/log/ensemble_size"); got != "3.0" {
		t.Errorf("ensemble_size is %s", got)
	}
	on(t, c, "a1", configureAgent+"systemctl restart mesos-slave")
	eventually(t, "the agent is registered", func() bool { return metric(t, c, "a1", 5051, "slave/registered") == "1.0" })
	if flags := on(t, c, "a1", "curl -s http://127.0.0.1:5051/flags"); !strings.Contains(flags, `"attributes":"rack:a"`) {
		t.Errorf("flags of the agent: %s", flags)
	}
	on(t, c, "m1", "systemctl stop mesos-master")
	eventually(t, "m2 is elected", func() bool { return slices.Equal(elected(), []string{"m2"}) })
	eventually(t, "the agent is with m2", func() bool { return metric(t, c, "m2", 5050, "master/slaves_active") == "1.0" })
	for _, h := range masters[:2] {
		if err := c.Fault(h, "kill", "zookeeper"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "nobody is elected without ZooKeeper", func() bool { return len(elected()) == 0 })
	if got := metric(t, c, "a1", 5051, "slave/registered"); got != "0.0" {
		t.Errorf("without masters the agent is registered: %s", got)
	}
}

func TestMesosRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	c := box(t, sandbox.Options{Hosts: example(), Timing: quick()})
	for _, x := range []struct{ script, want string }{
		{"echo 2 >$R/etc/mesos-master/quorum.bak", "unknown flag 'quorum.bak'"},
		{"rm $R/etc/mesos-master/quorum.bak; echo 5050 >$R/etc/mesos-master/port", "'port': already loaded"},
		{"rm $R/etc/mesos-master/port; rm $R/etc/mesos-master/quorum", "--quorum"},
		{"echo two >$R/etc/mesos-master/quorum", "'two'"},
		{"echo 1 >$R/etc/mesos-master/quorum; rm $R/etc/mesos-master/work_dir", "'work_dir' is required"},
	} {
		got := on(t, c, "m1", x.script+"\nsystemctl restart mesos-master 2>&1; echo code $?")
		if !strings.Contains(got, x.want) || !strings.Contains(got, "code 1\n") {
			t.Errorf("after %s: %s", x.script, got)
		}
	}
}

// TestAStandAloneClusterServes is one master with everything on it: by the address of the
// only server line, and by that of the host.
func TestAStandAloneClusterServes(t *testing.T) {
	t.Parallel()
	hosts := example()[:1]
	hosts[0].Address = "10.0.0.11"
	c := box(t, sandbox.Options{Hosts: hosts, Timing: quick()})
	for _, servers := range []string{"server.1=10.0.0.11:2888:3888\n", ""} {
		cfg := "dataDir=/var/lib/zookeeper\nclientPort=2181\n" + servers
		on(t, c, "m1", configureZooKeeper(1, cfg)+"echo zk://10.0.0.11:2181/mesos >$R/etc/mesos/zk\nsystemctl restart zookeeper mesos-master")
		eventually(t, "the master leads", func() bool { return metric(t, c, "m1", 5050, "master/elected") == "1.0" })
		if got := metric(t, c, "m1", 5050, "registrar/log/recovered"); got != "1.0" {
			t.Errorf("recovered is %s", got)
		}
	}
}
