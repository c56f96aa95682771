package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"meshsync.dev/meshsync/internal/config"
	"meshsync.dev/meshsync/internal/repo"
	"meshsync.dev/meshsync/internal/sandbox"
)

// boxKey is under which a script keeps its sandbox.
type boxKey struct{}

// box is a script's sandbox; nil until it starts one.
type box struct{ cluster *sandbox.Cluster }

func boxOf(ts *testscript.TestScript) *sandbox.Cluster {
	b, _ := ts.Value(boxKey{}).(*box)
	if b == nil || b.cluster == nil {
		ts.Fatalf("start a sandbox first: box MESH")
	}
	return b.cluster
}

func setup(env *testscript.Env) error {
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
	env.Setenv("LANG", "C.UTF-8")
	env.Setenv("SSH_AUTH_SOCK", "")
	env.Values[boxKey{}] = &box{}
	env.Values[guardKey{}] = &guard{}
	env.Values[canaryKey{}] = &canaries{now: map[string]string{}}
	if err := os.Chmod(env.WorkDir, 0o711); err != nil { // hosts may run as another user
		return err
	}
	return os.MkdirAll(filepath.Join(env.WorkDir, "home"), 0o700)
}

// scriptCommands are the verbs of the scripts beside testscript's own:
//
//	exits CODE COMMAND ARG…   run a command that must end with that exit code
//	infra                     the example repository in $WORK/infra, committed; cd there
//	commit MESSAGE            commit what changed in the current repository
//	box MESH                  start the sandbox of a mesh of the work tree; it ends with the script. $BOX is its connect file,
//	                          $MARATHON the URL of its Marathon
//	fault TARGET NAME[=ARG]   make a fault in the sandbox
//	marathon METHOD PATH BODY call the sandbox's Marathon as somebody else would; NAME:PATH of another one than main;
//	                          FIRST in PATH is the id of a deployment
//	pod /ID                   make a pod in it, likewise
//	onhost HOST PATH FILE     put FILE on a host by hand; "-" for FILE removes PATH
//	fromhost HOST PATH        print a host's file
//	await FILE EXPR           wait until the file has a match
//	until EXPR COMMAND ARG…   run a command until it succeeds; each time that it fails its output has a match
//	valid KIND FILE           check a JSON document against its published schema
//	normal FILE               replace what differs from run to run
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exits": cmdExits, "infra": cmdInfra, "commit": cmdCommit, "box": cmdBox, "fault": cmdFault,
		"marathon": cmdMarathon, "pod": cmdPod, "onhost": cmdOnHost, "fromhost": cmdFromHost, "await": cmdAwait, "until": cmdUntil, "valid": cmdValid, "normal": cmdNormal,
	}
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("it ended with %d, want %s", code, args[0])
	}
}

func cmdInfra(ts *testscript.TestScript, _ bool, _ []string) {
	dir := ts.MkAbs("infra")
	ts.Check(writeExample(dir, ""))
	ts.Check(repo.Init(dir, "first mesh", commitTime))
	ts.Check(ts.Chdir("infra"))
}

// commitTime is when the scripts' commits are made, so that their ids are always the same.
var commitTime = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

func cmdCommit(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(repo.CommitAll(ts.MkAbs("."), strings.Join(args, " "), commitTime.Add(time.Hour)))
}

func cmdBox(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(".")
	files := map[string][]byte{}
	ts.Check(filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".cue") {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		files[filepath.ToSlash(rel)] = data
		return err
	}))
	m, err := config.Load(files, args[0])
	ts.Check(err)
	c, err := sandbox.Start(context.Background(), sandboxOptions(filepath.Join(ts.Getenv("WORK"), "box"), m))
	ts.Check(err)
	ts.Defer(func() { _ = c.Close() })
	ts.Setenv("BOX", c.ConnectFile())
	ts.Setenv("MARATHON", c.MarathonURL("main"))
	b, _ := ts.Value(boxKey{}).(*box)
	b.cluster = c
}

func cmdFault(ts *testscript.TestScript, _ bool, args []string) {
	name, arg, _ := strings.Cut(args[1], "=")
	ts.Check(boxOf(ts).Fault(args[0], name, arg))
}

func cmdMarathon(ts *testscript.TestScript, _ bool, args []string) {
	var body io.Reader
	if len(args) > 2 {
		body = bytes.NewReader([]byte(args[2]))
	}
	name, path, named := strings.Cut(args[1], ":")
	if !named {
		name, path = "main", args[1]
	}
	base := boxOf(ts).MarathonURL(name)
	path, rest, found := strings.Cut(path, "FIRST")
	if found {
		path += firstDeployment(ts, base) + rest
	}
	req, err := http.NewRequest(args[0], base+path, body)
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	ts.Check(err)
	_, _ = ts.Stdout().Write(append([]byte(resp.Status+"\n"), data...))
	if resp.StatusCode >= 300 {
		ts.Fatalf("%s %s: %s %s", args[0], args[1], resp.Status, data)
	}
}

func cmdPod(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(boxOf(ts).PutPod("main", args[0]))
}

// firstDeployment is the id of a deployment that is under way.
func firstDeployment(ts *testscript.TestScript, base string) string {
	resp, err := http.Get(base + "/v2/deployments")
	ts.Check(err)
	defer resp.Body.Close()
	var list []struct{ ID string }
	ts.Check(json.NewDecoder(resp.Body).Decode(&list))
	if len(list) == 0 {
		ts.Fatalf("no deployment is under way")
	}
	return list[0].ID
}

func cmdOnHost(ts *testscript.TestScript, _ bool, args []string) {
	name := filepath.Join(boxOf(ts).Root(args[0]), args[1])
	if args[2] == "-" {
		ts.Check(os.Remove(name))
		return
	}
	ts.Check(os.WriteFile(name, []byte(ts.ReadFile(args[2])), 0o644))
}

func cmdFromHost(ts *testscript.TestScript, neg bool, args []string) {
	data, err := os.ReadFile(filepath.Join(boxOf(ts).Root(args[0]), args[1]))
	if neg && err != nil {
		return
	}
	ts.Check(err)
	_, _ = ts.Stdout().Write(data)
}

// cmdNormal replaces times, run ids, pids, ports and temporary folders in a file.
func cmdNormal(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	for _, r := range []struct{ expr, with string }{
		{regexp.QuoteMeta(ts.Getenv("WORK")), "$WORK"},
		{`\d{8}t\d{6}-[0-9a-f]{6}`, "RUN"},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`, "TIME"},
		{`127\.0\.0\.1:\d+`, "127.0.0.1:PORT"},
		{`pid \d+`, "pid PID"},
		{`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, "UUID"},
	} {
		text = regexp.MustCompile(r.expr).ReplaceAllString(text, r.with)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// cmdAwait looks at a file that a command in the background writes.
func cmdAwait(ts *testscript.TestScript, _ bool, args []string) {
	expr := regexp.MustCompile(args[1])
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if data, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && expr.Match(data) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	ts.Fatalf("%s never had a match of %s", args[0], args[1])
}

// cmdUntil is for what another process may be in the way of for a while: until then the
// command has to say so.
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until EXPR COMMAND ARG…")
	}
	expr := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(time.Minute); ts.Exec(args[1], args[2:]...) != nil; {
		said := ts.ReadFile("stdout") + ts.ReadFile("stderr")
		if !expr.MatchString(said) {
			ts.Fatalf("it failed, and does not say %s", args[0])
		}
		if time.Now().After(deadline) {
			ts.Fatalf("it still fails")
		}
	}
}

// schemaDir is found when the tests start: scripts run elsewhere.
func schemaDir() string {
	dir, err := filepath.Abs(filepath.Join("..", "..", "docs", "schema"))
	if err != nil {
		panic(err)
	}
	return dir
}

func cmdValid(ts *testscript.TestScript, _ bool, args []string) {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(schemaDir(), "meshsync."+args[0]+".v1.schema.json"))
	ts.Check(err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	ts.Check(schema.Validate(doc))
}
