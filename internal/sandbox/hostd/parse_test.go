package hostd

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzZooKeeperSettings starts a ZooKeeper with any settings: it starts or says why not.
func FuzzZooKeeperSettings(f *testing.F) {
	f.Add("tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/d\nclientPort=2181\nserver.1=a:1:2\nserver.2=b:1:2:observer;2181\n", "1\n")
	f.Add("dataDir=/d\nserver.=x\n= \n#\n!\nserver.1", "x")
	f.Add("dataDir=../../..\nclientPort=-1\n4lw.commands.whitelist=*,, \n", "")
	f.Fuzz(func(t *testing.T, cfg, id string) {
		h := &Host{root: t.TempDir(), cage: plain{}}
		for name, text := range map[string]string{"etc/zookeeper/conf/zoo.cfg": cfg, "d/myid": id} {
			file := filepath.Join(h.root, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		z, err := newZooKeeper(&unit{host: h, name: "zookeeper"})
		if (err == nil) == (z == nil) {
			t.Fatalf("server %v, error %v", z, err)
		}
		if z != nil && (z.dataDir == "" || len(z.members) > 1 && z.members[z.id] == "") {
			t.Fatalf("started with %+v", z)
		}
	})
}

// FuzzSystemctlRequest reads any bytes as a request of the stub and any words as a command line.
func FuzzSystemctlRequest(f *testing.F) {
	f.Add("3\nshow\n-p\nId,LoadState\n")
	f.Add("0\n\n")
	f.Add("-1\nx\n")
	f.Add("99999999\nx\n")
	f.Add("2\n-p\n--\n")
	f.Fuzz(func(t *testing.T, text string) {
		args, err := readArguments(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		h := &Host{root: t.TempDir(), cage: plain{}, world: &World{}, units: map[string]*unit{}}
		a := h.systemctl(false, args)
		if encoded := a.encode(); !strings.HasSuffix(encoded, "\n") || strings.Count(encoded, "\nx")+strings.Count("\n"+encoded, "\nx") == 0 {
			t.Fatalf("the reply %q has no exit code", encoded)
		}
	})
}

func TestAfterSudo(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"-n /bin/sh -s": "/bin/sh -s", "-n -H -- id -u": "id -u", "/bin/sh -s": "", "-n": "",
	} {
		got, ok := afterSudo(line)
		if ok != (want != "") || ok && got != want {
			t.Errorf("sudo %s: %q, %v", line, got, ok)
		}
	}
}

func TestShellValues(t *testing.T) {
	t.Parallel()
	h := &Host{root: t.TempDir(), cage: plain{}}
	if err := os.WriteFile(filepath.Join(h.root, "zk"), []byte("zk://a:2181/mesos\n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"plain": "plain", `"two words"`: "two words", "'x'": "x", "`cat /zk`": "zk://a:2181/mesos", "$(cat /zk)": "zk://a:2181/mesos",
		"`cat /nothing`": "", "": "",
	} {
		if got := h.shellValue(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
