package sandbox_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox"
)

// TestDebconfKeepsAnswersAsTheRealOneDoes gives the same lines to a host and to the
// machine's debconf over a database of its own: the same is said, the same file is left.
func TestDebconfKeepsAnswersAsTheRealOneDoes(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode sandbox.Mode) {
		if _, err := exec.LookPath("debconf-set-selections"); err != nil {
			t.Skip("debconf-set-selections is not installed")
		}
		c := box(t, sandbox.Options{Hosts: example()[:1], Mode: mode})
		dir := t.TempDir()
		config := "Config: configdb\nTemplates: templatedb\n\nName: configdb\nDriver: File\nFilename: " + dir + "/config.dat\n\n" +
			"Name: templatedb\nDriver: File\nFilename: " + dir + "/templates.dat\n"
		os.WriteFile(filepath.Join(dir, "debconf.conf"), []byte(config), 0o600)
		for _, input := range []string{
			"mesos mesos/zk string zk://a:1/b\nmesos mesos/ok boolean true\n# a comment\n\n", "bad line\n", "mesos mesos/x frob y\n",
			"mesos mesos/zk string\n", "mesos mesos/zk seen false\n", "mesos nosuch/q seen true\n", "other mesos/ok boolean false\n",
			"d-i mesos/multi multiselect a, b\nmesos\tmesos/tab\tstring\tx y\n", "mesos mesos/long string one \\\ntwo\n",
		} {
			cmd := exec.Command("debconf-set-selections")
			cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "DEBCONF_SYSTEMRC=" + dir + "/debconf.conf"}
			cmd.Stdin = strings.NewReader(input)
			out, err := cmd.CombinedOutput()
			want := string(out) + map[bool]string{true: "0\n", false: "1\n"}[err == nil]
			if got := says(t, c, "printf '%s' '"+input+"' | debconf-set-selections"); got != want {
				t.Errorf("%q\nsays %s\nwant %s", input, got, want)
			}
		}
		want, err1 := os.ReadFile(filepath.Join(dir, "config.dat"))
		got, err2 := os.ReadFile(filepath.Join(c.Root("m1"), "var/cache/debconf/config.dat"))
		if err1 != nil || err2 != nil || string(got) != string(want) {
			t.Errorf("%v %v\n%s\nwant\n%s", err1, err2, got, want)
		}
		file := "echo 'a a/secret password geheim' >$R/tmp/answers; cd $R/tmp; debconf-set-selections answers; cat $R/var/cache/debconf/passwords.dat; ls -l $R/var/cache/debconf/passwords.dat | cut -c1-10"
		if got := says(t, c, file); got != "Name: a/secret\nTemplate: a/secret\nValue: geheim\nOwners: a\nFlags: seen\n\n-rw-------\n0\n" {
			t.Errorf("answers from a file: %s", got)
		}
	})
}
