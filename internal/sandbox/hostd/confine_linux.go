package hostd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// nobody is the user that a root without namespaces runs commands as.
const nobody = 65534

// cage is a thread of this process that lives in namespaces of its own. Processes that it
// starts and sockets that it opens are in them. The first process is pid 1 of the host and
// ends with the thread; when it ends the kernel ends all others and drops the mounts.
type cage struct {
	jobs chan func()
	quit chan struct{}
	done chan struct{}
	init *exec.Cmd
	root string
	// passwd and group are files of the root that stand for the machine's; "" for none.
	passwd, group string
	small         atomic.Bool // a small file system covers the root
}

// confine makes the namespaces of a host.
func confine(o confineOptions) (confinement, error) {
	// The first time that a process is looked for or started, package os starts one that
	// ends at once, to see what the kernel can do. It must not become a host's first process.
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		_ = p.Release()
	}
	c := &cage{
		root: o.root, passwd: o.passwd, group: o.group,
		jobs: make(chan func()), quit: make(chan struct{}), done: make(chan struct{}),
	}
	ready := make(chan error)
	go c.thread(o, ready)
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("host %s: make its namespaces: %w", o.name, err)
	}
	return c, nil
}

// thread is the body of the cage's thread. It never goes back to the scheduler: the
// runtime ends a thread whose goroutine returns while locked to it.
func (c *cage) thread(o confineOptions, ready chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// The process's first thread cannot end before the process. Another takes its
		// place; it cannot be this one while this goroutine holds it.
		started := make(chan error)
		go c.thread(o, started)
		ready <- <-started
		runtime.UnlockOSThread()
		return
	}
	if err := c.setup(o); err != nil {
		c.kill()
		ready <- err
		return
	}
	ready <- nil
	defer close(c.done)
	for {
		select {
		case f := <-c.jobs:
			f()
		case <-c.quit:
			c.kill()
			return
		}
	}
}

func (c *cage) kill() {
	if c.init != nil {
		_ = c.init.Process.Kill()
		_ = c.init.Wait()
	}
}

func (c *cage) setup(o confineOptions) error {
	flags := unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID
	if err := unix.Unshare(flags); err != nil {
		return fmt.Errorf("%w: unshare: %w", errNoNamespaces, err)
	}
	if err := unix.Sethostname([]byte(o.name)); err != nil {
		return fmt.Errorf("set its name: %w", err)
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	if err := mounts(o); err != nil {
		return err
	}
	if err := c.startInit(); err != nil {
		return err
	}
	return bindFile(o.bootID, "/proc/sys/kernel/random/boot_id")
}

// mounts makes everything but the host's root read-only, in this thread's view alone.
func mounts(o confineOptions) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	if err := unix.Mount(o.root, o.root, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount its root: %w", err)
	}
	if err := hideRun(o.root); err != nil {
		return err
	}
	for to, from := range map[string]string{"/etc/passwd": o.passwd, "/etc/group": o.group} {
		if err := bindFile(from, to); err != nil {
			return err
		}
	}
	readOnly := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, readOnly); err != nil {
		return fmt.Errorf("%w: make all but its root read-only: %w", errNoNamespaces, err)
	}
	writable := &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, o.root, 0, writable); err != nil {
		return fmt.Errorf("make its root writable: %w", err)
	}
	return nil
}

// hideRun covers /run, where the sockets of the machine's own services are: a read-only
// mount does not keep anybody from connecting to one.
func hideRun(root string) error {
	run, err := filepath.EvalSymlinks("/run")
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if root == run || strings.HasPrefix(root, run+"/") {
		return nil
	}
	if err := unix.Mount("tmpfs", run, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=64k,mode=755"); err != nil {
		return fmt.Errorf("cover /run: %w", err)
	}
	return nil
}

// bindFile puts a file in another's place. A place that does not exist stays so.
func bindFile(from, to string) error {
	if from == "" {
		return nil
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("mount %s on %s: %w", from, to, err)
	}
	return nil
}

// loopbackUp switches on lo, which is down in a new network namespace.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOOPBACK)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	return nil
}

// initScript is the first process of a host: it mounts the process table of its
// namespace, says so, and stays. That children which nobody waits for are reaped comes
// with ignoring SIGCHLD.
const initScript = `mount -t proc -o ro,nosuid,nodev,noexec proc /proc && echo ready && trap "" CHLD && exec sleep 2147483647`

func (c *cage) startInit() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", initScript)
	cmd.Env = []string{"PATH=" + systemPath}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = w, w
	// That this makes it send itself the signal at its start (see attach) does no harm: the
	// kernel drops what the first process of a namespace sends itself.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		return fmt.Errorf("start its first process: %w", err)
	}
	c.init = cmd
	text := make([]byte, 512)
	n, _ := io.ReadAtLeast(r, text, len("ready\n"))
	if !strings.HasPrefix(string(text[:n]), "ready") {
		return fmt.Errorf("%w: mount /proc: %s", errNoNamespaces, strings.TrimSpace(string(text[:n])))
	}
	return nil
}

func (c *cage) do(f func() error) error {
	result := make(chan error, 1)
	select {
	case c.jobs <- func() { result <- f() }:
		return <-result
	case <-c.done:
		return errors.New("the host has ended")
	}
}

// pid reads the innermost number of "NSpid:	4711	12".
func (c *cage) pid(outer int) (int, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(outer) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "NSpid:"); ok {
			f := strings.Fields(rest)
			return strconv.Atoi(f[len(f)-1])
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no NSpid line", outer)
}

func (*cage) private() bool { return true }

// attach asks for no signal at the parent's death: processes of the namespace end with its
// first one. With Pdeathsig, package syscall would compare the parent's id, which is 0 seen
// from inside, and take the parent for dead already.
func (*cage) attach(cmd *exec.Cmd, root bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if !root {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: opsID, Gid: opsID}
	}
}

// close must be called once.
func (c *cage) close() error {
	close(c.quit)
	<-c.done
	return nil
}

func attachPlain(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if isRoot() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
}

// probeNamespaces tries what confine does, on an empty folder.
func probeNamespaces() error {
	if !isRoot() {
		return fmt.Errorf("%w to other users than root", errNoNamespaces)
	}
	dir, err := os.MkdirTemp("", "meshsync-probe-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	c, err := confine(confineOptions{name: "probe", root: dir})
	if err != nil {
		return err
	}
	return c.close()
}

// monotonic is a time in microseconds of the clock that systemd prints.
func monotonic(t time.Time) string {
	var now unix.Timespec
	if t.IsZero() || unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return "0"
	}
	return strconv.FormatInt(now.Nano()/1000-time.Since(t).Microseconds(), 10)
}

// sinceBoot is how long ago the machine was booted, in microseconds. Time that it slept counts, unlike
// for monotonic: a real host has not slept yet when systemd comes up.
func sinceBoot() string {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return "0"
	}
	return strconv.FormatInt(now.Nano()/1000, 10)
}

// identity tells a file from all others that have been on its file system: inode and
// second of birth, as stat prints %i-%W.
func identity(name string) (string, error) {
	var s unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, name, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_INO|unix.STATX_BTIME, &s); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d-%d", s.Ino, s.Btime.Sec), nil
}

// kernelRelease is what uname -r says, on the machine and on its hosts; "" when it says nothing.
func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}
