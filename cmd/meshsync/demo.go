package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meshsync.dev/meshsync/internal/config"
	"meshsync.dev/meshsync/internal/repo"
	"meshsync.dev/meshsync/internal/sandbox"
)

func newDemo(e *environment, _ *globals) *cobra.Command {
	keep := false
	c := &cobra.Command{
		Use:   "demo",
		Short: "Walk through validate, plan, apply and drift in a sandbox of its own",
		Long: `Boot the example cluster as a sandbox (three masters, two agents, a Marathon; real
SSH on loopback) and walk through meshsync's main job on it. Needs no cluster, no
terminal and no answers; leaves nothing running and nothing on disk.
` + exitCodeHelp,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return demo(c.Context(), e, keep)
		},
	}
	c.Flags().BoolVar(&keep, "keep", false, "leave the folder with the repository and the sandbox's files")
	return c
}

// tour is one run of the demo.
type tour struct {
	e       *environment
	dir     string // of everything
	repo    string // the repository
	connect string
	cluster *sandbox.Cluster
	step    int
}

func demo(ctx context.Context, e *environment, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "meshsync-demo-")
	if err != nil {
		return err
	}
	// Hosts of a sandbox without namespaces run as another user, who must get in.
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	t := &tour{e: e, dir: dir, repo: filepath.Join(dir, "infra"), connect: filepath.Join(dir, "sandbox", "connect.json")}
	defer func() {
		if t.cluster != nil {
			err = errors.Join(err, t.cluster.Close())
		}
		if keep {
			fmt.Fprintln(e.stdout, "kept: "+dir)
			return
		}
		if rerr := os.RemoveAll(dir); rerr != nil && err == nil {
			err = rerr
		}
	}()
	if err := t.boot(ctx); err != nil {
		return err
	}
	for _, act := range []func(context.Context) error{
		t.first, t.again, t.commit, t.tamper, t.drifted, t.mend,
	} {
		if ctx.Err() != nil || stopped(e) {
			return result(exitInterrupted)
		}
		if err := act(ctx); err != nil {
			return err
		}
	}
	t.say("That was the main job. Everything is stopped and removed. Start with: meshsync init")
	return nil
}

func stopped(e *environment) bool {
	select {
	case <-e.stop:
		return true
	default:
		return false
	}
}

// say explains the next step in a line.
func (t *tour) say(format string, args ...any) {
	t.step++
	fmt.Fprintf(t.e.stdout, "\n# %d. %s\n", t.step, fmt.Sprintf(format, args...))
}

// boot writes the example repository and starts the cluster that it describes.
func (t *tour) boot(ctx context.Context) error {
	t.say("The example repository, committed, and an empty cluster for it: 3 masters, 2 agents, a Marathon.")
	if err := writeExample(t.repo, ""); err != nil {
		return err
	}
	if err := repo.Init(t.repo, "first mesh", t.e.now()); err != nil {
		return err
	}
	files, err := exampleFiles()
	if err != nil {
		return err
	}
	m, err := config.Load(files, "prod")
	if err != nil {
		return err
	}
	t.cluster, err = sandbox.Start(ctx, sandboxOptions(filepath.Join(t.dir, "sandbox"), m))
	return err
}

// meshsync runs one command line on the demo's mesh and wants one of the exit codes.
func (t *tour) meshsync(ctx context.Context, want int, args ...string) error {
	args = append(args, "-C", "prod", "--connect", t.connect)
	inner := *t.e
	inner.wd, inner.stdinTTY, inner.stderr = t.repo, false, t.e.stdout
	inner.stderrTTY = false
	inner.getenv = func(name string) string {
		switch name {
		case "XDG_STATE_HOME":
			return filepath.Join(t.dir, "state")
		case "SSH_AUTH_SOCK", "GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME":
			return ""
		default:
			return t.e.getenv(name)
		}
	}
	inner.stdout = relabel(t.e.stdout, t.dir)
	inner.stderr = inner.stdout
	fmt.Fprintln(inner.stdout, "$ meshsync "+strings.Join(args, " "))
	got := run(ctx, &inner, args)
	if got != want {
		return fmt.Errorf("demo: meshsync %s ended with exit code %d, and %d was expected: this is a bug", args[0], got, want)
	}
	return nil
}

func (t *tour) first(ctx context.Context) error {
	t.say("Is the repository right? This asks no host.")
	if err := t.meshsync(ctx, exitOK, "validate"); err != nil {
		return err
	}
	t.say("What would a first apply do? Every host is asked once, over SSH.")
	if err := t.meshsync(ctx, exitOK, "plan"); err != nil {
		return err
	}
	t.say("Do it. Each stage starts when the one before serves.")
	return t.meshsync(ctx, exitOK, "apply", "--yes")
}

func (t *tour) again(ctx context.Context) error {
	t.say("Plan again: after an apply there is nothing left to do.")
	return t.empty(ctx)
}

// empty plans and wants no changes.
func (t *tour) empty(ctx context.Context) error {
	return t.meshsync(ctx, exitOK, "plan", "--detailed-exitcode")
}

// commit makes a change in git: a flag that all masters share.
func (t *tour) commit(context.Context) error {
	t.say("A commit makes the masters more careful about lost agents; nobody applied it yet.")
	file := filepath.Join(t.repo, "prod", "demo.cue")
	text := "package prod\n\nsettings: \"mesos-master\": recovery_agent_removal_limit: \"25%\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	return repo.CommitAll(t.repo, "masters: stop when a quarter of the agents is lost", t.e.now().Add(time.Second))
}

// tamper is what people do at night: an edit by hand and a scale through the API.
func (t *tour) tamper(ctx context.Context) error {
	t.say("Meanwhile somebody edits zoo.cfg on m2 by hand, and scales /www to 6 through Marathon's API.")
	file := filepath.Join(t.cluster.Root("m2"), "etc/zookeeper/conf_meshsync/zoo.cfg")
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	edited := strings.Replace(string(data), "maxClientCnxns=100", "maxClientCnxns=0", 1)
	if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
		return err
	}
	return t.scale(ctx, "/www", 6)
}

func (t *tour) scale(ctx context.Context, app string, n int) error {
	body, err := json.Marshal(map[string]int{"instances": n})
	if err != nil {
		return err
	}
	url := t.cluster.MarathonURL("main") + "/v2/apps" + app
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("scale %s: %s", app, resp.Status)
	}
	return nil
}

func (t *tour) drifted(ctx context.Context) error {
	t.say("What moved without git? Exit code 2 raises the alarm; what git wants stands apart.")
	return t.meshsync(ctx, exitDiffers, "drift")
}

func (t *tour) mend(ctx context.Context) error {
	t.say("Apply mends both, and rolls the new flag out: one master at a time, the leader last.")
	if err := t.meshsync(ctx, exitOK, "apply", "--yes"); err != nil {
		return err
	}
	t.say("And the plan is empty again.")
	return t.empty(ctx)
}

// relabel shows the demo's folder, whose name is a new one each time, as DEMO.
func relabel(w io.Writer, dir string) io.Writer { return &relabeler{w, dir} }

type relabeler struct {
	w   io.Writer
	dir string
}

func (r *relabeler) Write(p []byte) (int, error) {
	if _, err := io.WriteString(r.w, strings.ReplaceAll(string(p), r.dir, "DEMO")); err != nil {
		return 0, err
	}
	return len(p), nil
}
