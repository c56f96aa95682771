package host

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/remote"
)

// box is a folder that stands for a host's root, with a stub systemctl. Scripts run in
// it with a local shell, as the sandbox and a real host run them.
type box struct {
	t     *testing.T
	root  string
	bin   string
	shell []string
	// dialer reaches the host in another way; nil runs the scripts right here.
	dialer   Dialer
	key      mesh.HostKey // that it shows
	programs string       // the only folder with programs beside bin; "" for the machine's
	// cut ends the connection after so many bytes of output; 0 never.
	cut int
	// before is a program that runs each command, such as strace.
	before []string
}

// systemctlStub keeps units as folders below $MESHSYNC_ROOT/units: NAME/enabled is
// there when it is enabled, NAME/pid holds the process of a running one, NAME/broken
// makes every start and reload fail, with NAME/hup a reload sends the process SIGHUP.
const systemctlStub = `#!/bin/sh
U="$MESHSYNC_ROOT/units"
op=$1; shift
val=''
while [ $# -gt 0 ]; do case $1 in -p) shift 2;; --value) val=1; shift;; -q) shift;; --) shift; break;; *) break;; esac; done
stop() { if [ -f "$1/pid" ]; then kill -9 "$(cat "$1/pid")" 2>/dev/null; rm -f "$1/pid"; fi; }
start() {
  if [ -f "$1/broken" ]; then echo "Job for $2 failed because the control process exited with error code." >&2; exit 1; fi
  sleep 1000 </dev/null >/dev/null 2>&1 9>&- & echo $! >"$1/pid"
}
first=1
for u; do
  d="$U/${u%.service}"
  case $op in
  show)
    pid=0; [ -f "$d/pid" ] && pid=$(cat "$d/pid")
    if [ -n "$val" ]; then echo "$pid"; continue; fi
    [ -n "$first" ] || echo
    first=''
    echo "Id=$u"
    if [ ! -d "$d" ]; then printf 'LoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\nMainPID=0\nNeedDaemonReload=no\n'; continue; fi
    if [ "$pid" = 0 ]; then a=inactive s=dead; else a=active s=running; fi
    if [ -f "$d/enabled" ]; then e=enabled; else e=disabled; fi
    printf 'LoadState=loaded\nActiveState=%s\nSubState=%s\nUnitFileState=%s\nMainPID=%s\nNeedDaemonReload=no\n' $a $s $e "$pid";;
  is-active) [ -f "$d/pid" ] || exit 3;;
  enable) : >"$d/enabled";;
  disable) rm -f "$d/enabled";;
  stop) stop "$d";;
  start) [ -f "$d/pid" ] || start "$d" "$u";;
  restart) stop "$d"; start "$d" "$u";;
  reload) [ -f "$d/pid" ] && [ ! -f "$d/broken" ] || exit 1; [ ! -f "$d/hup" ] || kill -HUP "$(cat "$d/pid")";;
  esac
done
`

func newBox(t *testing.T, shell ...string) *box {
	t.Helper()
	b := &box{t: t, root: t.TempDir(), bin: t.TempDir(), shell: shell}
	if err := os.WriteFile(filepath.Join(b.bin, "systemctl"), []byte(systemctlStub), 0o755); err != nil {
		t.Fatal(err)
	}
	b.put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
	b.put("/etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nID=debian\n")
	t.Cleanup(func() {
		pids, _ := filepath.Glob(filepath.Join(b.root, "units", "*", "pid"))
		for _, p := range pids {
			data, _ := os.ReadFile(p)
			var pid int
			if _, err := fmt.Sscan(string(data), &pid); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
	return b
}

func (b *box) path(name string) string { return filepath.Join(b.root, name) }

func (b *box) put(name, text string) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(b.path(name)), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(b.path(name), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *box) get(name string) string {
	b.t.Helper()
	data, err := os.ReadFile(b.path(name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(data)
}

// Dial and the two below make box a Dialer and a Conn.
func (b *box) Dial(context.Context) (Conn, error) { return b, nil }

func (b *box) User() string { return "root" }

func (b *box) HostKey() mesh.HostKey { return b.key }

func (b *box) Close() error { return nil }

func (b *box) Run(ctx context.Context, command string, stdin io.Reader, limit int64, lines func([]byte)) (remote.Result, error) {
	args := []string{"/bin/sh", "-c", command}
	if len(b.shell) > 0 {
		args = append(b.shell, "-c", strings.Replace(command, "/bin/sh", strings.Join(b.shell, " "), 1))
	}
	args = append(slices.Clone(b.before), args...)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = []string{"MESHSYNC_ROOT=" + b.root, "PATH=" + b.bin + ":" + cmp.Or(b.programs, "/usr/bin:/bin")}
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errOut
	err := cmd.Run()
	r := remote.Result{Stdout: out.Bytes(), Stderr: errOut.String()}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.Exit = exit.ExitCode()
	case err != nil:
		return r, err
	}
	if b.cut > 0 && len(r.Stdout) > b.cut {
		r.Stdout = r.Stdout[:b.cut]
	}
	if lines != nil {
		for l := range bytes.Lines(r.Stdout) {
			lines(bytes.TrimSuffix(l, []byte("\n")))
		}
	}
	if b.cut > 0 && len(r.Stdout) == b.cut {
		return r, &remote.Error{Outcome: mesh.ConnectionLost, Host: "h", Msg: "cut"}
	}
	return r, nil
}

func (b *box) host(rs ...mesh.Resource) *Host {
	h := New(Options{Mesh: "prod", Name: "h", Resources: rs, Dialer: b.way(), Timeout: time.Minute})
	b.t.Cleanup(func() { _ = h.Close() })
	return h
}

func (b *box) way() Dialer {
	if b.dialer != nil {
		return b.dialer
	}
	return b
}

func addr(k mesh.Kind, name string) mesh.Address {
	return mesh.Address{Target: mesh.Host("h"), Kind: k, Name: name}
}

func file(name, text string) mesh.Resource {
	return mesh.Resource{Addr: addr(mesh.File, name), Text: &text, Attrs: mesh.MustTree(map[string]any{
		"content": mesh.DigestBytes([]byte(text)), "mode": "0644", "owner": "root", "group": "root",
	})}
}

func directory(name string, purge bool) mesh.Resource {
	return mesh.Resource{Addr: addr(mesh.Directory, name), Purge: purge, Attrs: mesh.MustTree(map[string]any{
		"mode": "0755", "owner": "root", "group": "root",
	})}
}

func symlink(name, to string) mesh.Resource {
	return mesh.Resource{Addr: addr("symlink", name), Attrs: mesh.MustTree(map[string]any{"to": to})}
}

func service(name string, reads ...string) mesh.Resource {
	return mesh.Resource{
		Addr: addr(mesh.Service, name), Attrs: mesh.MustTree(map[string]any{"enabled": true, "running": true}),
		Service: &mesh.ServiceSpec{Reads: reads, On: mesh.OnRestart},
	}
}
