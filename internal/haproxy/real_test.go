package haproxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/route"
)

// realHAProxy is a HAProxy of this machine, with a master and a worker as its unit starts it.
type realHAProxy struct {
	dir     string
	address string // of its frontend
	process *os.Process
	reloads atomic.Int32
	i       *Installer
}

// freeAddress is one of loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startReal starts one that serves a table.
func startReal(t *testing.T, table route.Table) *realHAProxy {
	t.Helper()
	if _, err := exec.LookPath("haproxy"); err != nil {
		t.Skip("there is no haproxy")
	}
	r := &realHAProxy{dir: t.TempDir(), address: freeAddress(t)}
	file := func(name string) string { return filepath.Join(r.dir, name) }
	for name, text := range map[string]string{"haproxy.cfg": r.base(), "route.cfg": table.Text(), "route.map": table.Names()} {
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Create(file("log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("haproxy", "-W", "-db", "-f", file("haproxy.cfg"), "-f", file("route.cfg"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.process = cmd.Process
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			said, _ := os.ReadFile(file("log"))
			t.Logf("HAProxy said:\n%s", said)
		}
	})
	r.i = New(Options{
		File: file("route.cfg"), Check: []string{"haproxy", "-c", "-f", file("haproxy.cfg"), "-f", "%s"}, Reload: []string{"reload"},
		Socket: file("admin.sock"), Run: r.run, Settle: time.Minute,
	})
	if err := r.i.settle(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	r.awaitMaster(t)
	return r
}

// awaitMaster waits until the master takes signals: it starts itself anew once its worker runs, and loses those that come meanwhile.
func (r *realHAProxy) awaitMaster(t *testing.T) {
	t.Helper()
	const usr2 = 1 << (int(syscall.SIGUSR2) - 1)
	for deadline := time.Now().Add(time.Minute); ; {
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", r.process.Pid))
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.process.Pid))
		_, caught, _ := strings.Cut(string(status), "SigCgt:")
		mask, _ := strconv.ParseUint(strings.Fields(caught + " 0")[0], 16, 64)
		if strings.Contains(string(env), "HAPROXY_MWORKER_WAIT_ONLY=1") && mask&usr2 != 0 {
			return
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the master has not started itself anew: %q %v", env, err)
		}
	}
}

// base is what git has of it, as docs/route.md shows it.
func (r *realHAProxy) base() string {
	return `global
    maxconn 1000
    hard-stop-after 10s
    stats socket ` + r.dir + `/admin.sock mode 600 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
frontend apps
    bind ` + r.address + `
    http-request set-var(txn.host) req.hdr(host),field(1,:),lower
    http-request set-var(txn.app) var(txn.host),map_str(` + r.dir + `/route.map)
    http-request set-var(txn.app) var(txn.host),field(1,.),map_str(` + r.dir + `/route.map) if !{ var(txn.app) -m found }
    use_backend %[var(txn.app)] if { var(txn.app) -m found }
    default_backend no_app
backend no_app
    http-request return status 503 content-type text/plain string "no app for this host"
`
}

func (r *realHAProxy) run(ctx context.Context, argv []string) (string, error) {
	if argv[0] == "reload" {
		r.reloads.Add(1)
		return "", r.process.Signal(syscall.SIGUSR2)
	}
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	return string(out), err
}

// install brings a table, and waits until who left has nothing under way.
func (r *realHAProxy) install(t *testing.T, table route.Table) {
	t.Helper()
	for {
		done, err := r.i.Install(t.Context(), table)
		if err != nil {
			t.Fatal(err)
		}
		if !done.Draining {
			return
		}
	}
}

// get asks for a page and returns its status and text.
func (r *realHAProxy) get(ctx context.Context, c *http.Client, host string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.address+"/", http.NoBody)
	if err != nil {
		return "", err
	}
	req.Host = host
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("%d %s", resp.StatusCode, text), err
}

// task is a server on loopback that says its name.
func task(t *testing.T, name string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }))
	t.Cleanup(s.Close)
	return s
}

func at(s *httptest.Server) string { return s.Listener.Addr().String() }

// load asks all the time, and returns a function that ends it and gives the number of requests, and what failed.
func (r *realHAProxy) load(t *testing.T, host string) func() (int, []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var all sync.WaitGroup
	asked, failed := 0, []string(nil)
	for range 2 {
		all.Go(func() {
			c := &http.Client{Transport: &http.Transport{}}
			defer c.CloseIdleConnections()
			for ctx.Err() == nil {
				got, err := r.get(context.WithoutCancel(ctx), c, host)
				mu.Lock()
				if asked++; err != nil || !strings.HasPrefix(got, "200 ") {
					failed = append(failed, fmt.Sprintf("%q %v", got, err))
				}
				mu.Unlock()
			}
		})
	}
	return func() (int, []string) {
		cancel()
		all.Wait()
		return asked, failed
	}
}

// TestTasksAreReplacedUnderLoadWithoutAFailedRequest: each of four tasks gives way to a new one, and HAProxy is not reloaded.
// Then another app comes, which takes a reload.
func TestTasksAreReplacedUnderLoadWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	var tasks []*httptest.Server
	for n := range 4 {
		tasks = append(tasks, task(t, fmt.Sprintf("old %d", n)))
	}
	www := func(more ...*httptest.Server) mesh.RunningApp {
		var all []string
		for _, s := range append(more, tasks...) {
			all = append(all, at(s))
		}
		a := app("/www", all...)
		a.Instances = 4
		return a
	}
	table := tableOf(route.Table{}, www())
	r := startReal(t, table)
	end := r.load(t, "www.example.com")
	for n, old := range tasks {
		fresh := task(t, fmt.Sprintf("new %d", n))
		table = tableOf(table, www(fresh))
		r.install(t, table)
		tasks[n] = fresh
		table = tableOf(table, www())
		r.install(t, table)
		old.Close()
	}
	if n := r.reloads.Load(); n != 0 {
		t.Errorf("%d reloads", n)
	}
	table = tableOf(table, www(), app("/shop", at(task(t, "shop"))))
	r.install(t, table)
	asked, failed := end()
	t.Logf("%d requests, %d failed, %d reloads", asked, len(failed), r.reloads.Load())
	if len(failed) > 0 || asked == 0 || r.reloads.Load() == 0 {
		t.Errorf("of %d requests %d failed, with %d reloads: %.3q", asked, len(failed), r.reloads.Load(), failed[:min(3, len(failed))])
	}
	c := &http.Client{}
	for host, want := range map[string]string{
		"shop.example.com": "200 shop", "SHOP.example.com:80": "200 shop", "shop2.example.com": "503 no app for this host", "": "503 no app for this host",
	} {
		if got, err := r.get(t.Context(), c, host); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", host, got, err, want)
		}
	}
}

// TestATaskThatDiesFailsNoRequest: before anybody knows of it, each request that it does not take goes to another task at once.
func TestATaskThatDiesFailsNoRequest(t *testing.T) {
	t.Parallel()
	tasks := []*httptest.Server{task(t, "0"), task(t, "1"), task(t, "2")}
	r := startReal(t, tableOf(route.Table{}, app("/www", at(tasks[0]), at(tasks[1]), at(tasks[2]))))
	end := r.load(t, "www.example.com")
	tasks[1].Close()
	c := &http.Client{}
	for range 30 {
		if got, err := r.get(t.Context(), c, "www.example.com"); err != nil || got != "200 0" && got != "200 2" {
			t.Errorf("%q %v", got, err)
		}
	}
	if asked, failed := end(); len(failed) > 0 || asked == 0 {
		t.Errorf("of %d requests %d failed: %.3q", asked, len(failed), failed[:min(3, len(failed))])
	}
}

// TestAllTasksAnswer: each of four, and none that has left.
func TestAllTasksAnswer(t *testing.T) {
	t.Parallel()
	var all []string
	for n := range 4 {
		all = append(all, at(task(t, fmt.Sprint(n))))
	}
	table := tableOf(route.Table{}, app("/www", all...))
	r := startReal(t, table)
	c := &http.Client{Timeout: 10 * time.Second}
	seen := map[string]bool{}
	for range 16 {
		got, err := r.get(t.Context(), c, "www.example.com")
		if err != nil {
			t.Fatal(err)
		}
		seen[got] = true
	}
	if len(seen) != 4 {
		t.Errorf("answered: %v", seen)
	}
}

// TestARunningHAProxyWithOldFilesIsReloaded: what it serves is seen, not remembered. The same after it was started with the
// files of before, or told otherwise by hand.
func TestARunningHAProxyWithOldFilesIsReloaded(t *testing.T) {
	t.Parallel()
	www := app("/www", at(task(t, "www")))
	r := startReal(t, tableOf(route.Table{}, app("/x", at(task(t, "x")))))
	table := tableOf(route.Table{}, www)
	for name, text := range map[string]string{"route.cfg": table.Text(), "route.map": table.Names()} { // as by a run that was killed
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	done, err := r.i.Install(t.Context(), table)
	if err != nil || done.Written || !done.Reloaded {
		t.Fatalf("%+v %v", done, err)
	}
	if err := (runtime{r.i.o.Socket}).do(t.Context(), []string{"set server main_www_0/s1 state maint"}); err != nil {
		t.Fatal(err)
	}
	done, err = r.i.Install(t.Context(), table)
	if err != nil || done.Steps != 1 || done.Reloaded {
		t.Fatalf("%+v %v", done, err)
	}
	if got, err := r.get(t.Context(), &http.Client{}, "www.example.com"); got != "200 www" {
		t.Errorf("%q %v", got, err)
	}
}
