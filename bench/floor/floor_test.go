package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runScript runs the script as a sandbox host does, with a systemctl that says what it was asked.
func runScript(t *testing.T, root string) (stdout, stderr string, err error) {
	t.Helper()
	bin := t.TempDir()
	stub := "#!/bin/sh\necho \"systemctl $*\"\n"
	if err := os.WriteFile(filepath.Join(bin, "systemctl"), []byte(stub), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-s")
	cmd.Env = []string{"R=" + root, "PATH=" + bin + ":/usr/bin:/bin"}
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(script), &out, &errOut
	err = cmd.Run()
	return out.String(), errOut.String(), err
}

func TestScriptReadsTheFilesThatAreThere(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	files := map[string]string{
		"etc/zookeeper/conf_meshsync/zoo.cfg": "tickTime=2000\n",
		"etc/mesos/zk":                        "zk://10.0.0.11:2181/mesos\n",
		"etc/mesos-master/quorum":             "2\n",
	}
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, errOut, err := runScript(t, root)
	if err != nil {
		t.Fatalf("%v: %s", err, errOut)
	}
	for name, text := range files {
		if !strings.Contains(out, strings.TrimPrefix(name, "etc/")+" regular file 644 ") || !strings.Contains(out, text) {
			t.Errorf("%s is not in the answer:\n%s", name, out)
		}
	}
	if !strings.Contains(out, "systemctl show -p Id,") || strings.Contains(out, "*") {
		t.Errorf("want one systemctl show and no unexpanded pattern:\n%s", out)
	}
}

func TestScriptFailsWithoutFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, errOut, err := runScript(t, root); err == nil || !strings.Contains(errOut, "apply the mesh first") {
		t.Errorf("got %v, %q", err, errOut)
	}
}

func TestReadEndpointsNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tt := range map[string]struct{ text, want string }{
		"no JSON":         {"<html>", "invalid character"},
		"another schema":  {`{"schema":"meshsync.plan/v1","hosts":{"m1":{}}}`, `want "meshsync.connect/v1"`},
		"no hosts":        {`{"schema":"meshsync.connect/v1"}`, "with 0 hosts"},
		"no identity":     {`{"schema":"meshsync.connect/v1","hosts":{"m1":{}},"identity":"id"}`, "read the user's key"},
		"identity no key": {`{"schema":"meshsync.connect/v1","hosts":{"m1":{}},"identity":"c.json"}`, "user's key"},
	} {
		file := filepath.Join(dir, "c.json")
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readEndpoints(file, ""); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, tt.want)
		}
	}
}
