//go:build linux

package bed

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// basePackages are what every host has: a server's plain equipment, and what the scripts
// that meshsync runs on hosts may find there or not.
const basePackages = "systemd,systemd-sysv,init-system-helpers,openssh-server,sudo,cron,iproute2,procps,kmod,curl,perl-base,e2fsprogs"

// settle makes the tree a host's: users, sshd, apt's only source, no boot ballast.
//
//go:embed settle.sh
var settle string

// MaxHosts is how many hosts a bed may have. Each takes some of the 128 inotify instances
// that Linux grants root.
const MaxHosts = 25

func hostName(i int) string { return fmt.Sprintf("h%d", i) }

// address is that of host i, counted from 1.
func address(i int) string { return fmt.Sprintf("10.213.0.%d", 10+i) }

// Where things lie in the tree of a base.
const (
	rootDir    = "root"
	keyFile    = "key"
	knownHosts = "known_hosts"
	keysDir    = "hostkeys"
)

func baseStage() stage {
	return stage{
		name:   "base",
		recipe: strings.Join([]string{"1", basePackages, settle, fmt.Sprint(MaxHosts), address(1)}, "\n"),
		fill: func(ctx context.Context, dir string, g group) error {
			a, err := openArchive(ctx, filepath.Join(dir, "apt"))
			if err != nil {
				return err
			}
			root := filepath.Join(dir, rootDir)
			cmd := command(ctx, "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
				`--aptopt=Acquire::Languages "none"`,
				"--dpkgopt=force-unsafe-io",
				"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
				"--include="+basePackages, "", root, "-")
			cmd.Stdin = strings.NewReader(a.sources)
			if err := g.run(cmd); err != nil {
				return err
			}
			if err := makeKeys(ctx, dir); err != nil {
				return err
			}
			public, err := os.ReadFile(filepath.Join(dir, keyFile+".pub"))
			if err != nil {
				return err
			}
			cmd = command(ctx, "chroot", root, "sh", "-eu", "-s", strings.TrimSpace(string(public)), hostsTable())
			cmd.Stdin = strings.NewReader(settle)
			if err := g.run(cmd); err != nil {
				return err
			}
			return os.RemoveAll(a.dir)
		},
	}
}

func hostsTable() string {
	var out strings.Builder
	fmt.Fprintln(&out, "127.0.0.1 localhost")
	for i := 1; i <= MaxHosts; i++ {
		fmt.Fprintln(&out, address(i), hostName(i))
	}
	return out.String()
}

// makeKeys makes the users' key and one per host that a bed can have, so that booting one
// makes none and known_hosts is known beforehand.
func makeKeys(ctx context.Context, dir string) error {
	keygen := func(name, comment string) error {
		_, err := run(command(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", filepath.Join(dir, name)))
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, keysDir), 0o755); err != nil {
		return err
	}
	if err := keygen(keyFile, "bed"); err != nil {
		return err
	}
	var known strings.Builder
	for i := 1; i <= MaxHosts; i++ {
		name := filepath.Join(keysDir, hostName(i))
		if err := keygen(name, hostName(i)); err != nil {
			return err
		}
		public, err := os.ReadFile(filepath.Join(dir, name+".pub"))
		if err != nil {
			return err
		}
		fmt.Fprintf(&known, "%s,%s %s", hostName(i), address(i), public)
	}
	return os.WriteFile(filepath.Join(dir, knownHosts), []byte(known.String()), 0o644)
}
