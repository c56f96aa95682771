package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"meshsync.dev/meshsync/internal/apply"
	"meshsync.dev/meshsync/internal/mesh"
)

// leaseOf says for whom this run takes leases.
func leaseOf(e *environment, run string) mesh.Lease {
	name := "uid " + strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	machine, err := os.Hostname()
	if err != nil {
		machine = "an unknown machine"
	}
	return mesh.Lease{Run: run, Who: name + "@" + machine, Job: jobURL(e), Process: processOf(os.Getpid())}
}

// jobURL is the page of the CI job that runs this, as CI systems say it.
func jobURL(e *environment) string {
	if server, repo, id := e.getenv("GITHUB_SERVER_URL"), e.getenv("GITHUB_REPOSITORY"), e.getenv("GITHUB_RUN_ID"); server != "" && repo != "" && id != "" {
		return fmt.Sprintf("%s/%s/actions/runs/%s", server, repo, id)
	}
	return cmp.Or(e.getenv("CI_JOB_URL"), e.getenv("BUILD_URL"))
}

// processOf identifies a process of this machine beyond doubt: "BOOT NAMESPACE PID TICKS".
// It is empty where the system does not say, or where there is no such process.
func processOf(pid int) string {
	boot, err1 := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, err2 := os.Readlink("/proc/self/ns/pid")
	stat, err3 := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Join(err1, err2, err3) != nil {
		return ""
	}
	const startTicks = 22 - 3 // field 22 of proc(5), counted behind the name in parentheses
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) <= startTicks {
		return ""
	}
	return strings.Join([]string{strings.TrimSpace(string(boot)), space, strconv.Itoa(pid), fields[startTicks]}, " ")
}

// ended reports whether a process that processOf once described is known to have ended: it
// was on this machine, in this boot and among the processes that can be seen from here, and
// its number is nobody's now, or another's. That /proc does not show it says nothing: it hides
// the processes of others where it is mounted with hidepid.
func ended(process string) bool {
	then, here := strings.Fields(process), strings.Fields(processOf(os.Getpid()))
	if len(then) != 4 || len(here) != 4 || then[0] != here[0] || then[1] != here[1] {
		return false
	}
	pid, err := strconv.Atoi(then[2])
	if err != nil || pid <= 0 {
		return false
	}
	now := processOf(pid)
	return now != "" && now != process || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// takingOver takes the lease of a run whose process is known to have ended, as after a
// kill, without waiting for it to expire.
type takingOver struct{ apply.Leaser }

// Take takes the lease.
func (t takingOver) Take(ctx context.Context, l mesh.Lease) error {
	err := t.Leaser.Take(ctx, l)
	var held *mesh.Held
	if errors.As(err, &held) && ended(held.By.Process) {
		l.Over = held.By.Run
		return t.Leaser.Take(ctx, l)
	}
	return err
}
