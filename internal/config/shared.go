package config

import (
	"fmt"
	"path"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// shared are directories of one kind, globs among them, with the reason why they are never
// all in git.
type shared struct{ why, paths string }

// sharedDirectories are those that packages, users or the running system fill too, so that
// a purge, or their absence, would delete what others need: commands, accounts, the way in.
// The list is closed. A directory of one component, such as /etc/mesos-master, is not in it, even if a
// package ships it.
func sharedDirectories() []shared {
	return []shared{
		{"the system itself lies there", "/ /boot /lost+found /etc /usr /var /opt /srv /media /mnt /usr/local /etc/opt /var/opt"},
		{"the commands and libraries of all packages lie there", `/bin /sbin /lib /lib32 /lib64 /libx32
			/usr/bin /usr/sbin /usr/lib /usr/lib32 /usr/lib64 /usr/libx32 /usr/libexec /usr/games /usr/include /usr/share /usr/src
			/usr/local/bin /usr/local/sbin /usr/local/lib /usr/local/etc /usr/local/share
			/lib/*-linux-* /usr/lib/*-linux-* /lib/modules /usr/lib/modules /lib/systemd /usr/lib/systemd /lib/systemd/system /usr/lib/systemd/system`},
		{"the running system shows itself there", "/dev /proc /sys /run /run/lock /var/run /var/lock"},
		{"people and programs keep their own files there", "/home /root /tmp /var/tmp /var/mail /var/spool /var/spool/cron /var/spool/cron/crontabs"},
		{"all packages keep their state there", `/var/lib /var/log /var/cache /var/backups /var/local
			/var/lib/dpkg /var/lib/apt /var/lib/rpm /var/lib/systemd`},
		{"packages put services and jobs of their own there", `/etc/default /etc/sysconfig /etc/init.d /etc/rc.d
			/etc/rc0.d /etc/rc1.d /etc/rc2.d /etc/rc3.d /etc/rc4.d /etc/rc5.d /etc/rc6.d /etc/rcS.d
			/etc/systemd /etc/systemd/system /etc/systemd/user /etc/systemd/network
			/etc/systemd/system/*.wants /etc/systemd/system/*.requires
			/etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly`},
		{"packages put settings of their own there", `/etc/alternatives /etc/apt /etc/dpkg /etc/skel
			/etc/ld.so.conf.d /etc/logrotate.d /etc/profile.d /etc/modprobe.d /etc/modules-load.d /etc/sysctl.d
			/etc/tmpfiles.d /etc/udev /etc/udev/rules.d`},
		{"a host can no longer be reached without what lies there", `/etc/ssh /etc/sudoers.d /etc/pam.d /etc/security
			/etc/network /etc/netplan /etc/iproute2 /etc/ssl /etc/ssl/certs /etc/ssl/private`},
	}
}

// whyShared says why a directory is shared; "" for one that is not.
func whyShared(dir string) string {
	for _, s := range sharedDirectories() {
		for _, glob := range strings.Fields(s.paths) {
			if ok, err := path.Match(glob, dir); ok && err == nil {
				return s.why
			}
		}
	}
	return ""
}

// checkPurges refuses to purge a directory that a role shares with the system.
func checkPurges(m *mesh.Mesh, l *loader) {
	for _, r := range m.Resources {
		if !r.Purge {
			continue
		}
		if why := whyShared(r.Addr.Name); why != "" {
			l.errs.add(Error{
				Pos: l.madeAt(r, "purge"), Rule: "shared-directory",
				Msg:  fmt.Sprintf("role %s purges %s, but %s", r.Role, r.Addr.Name, why),
				Hint: "all that git does not name would be deleted: leave purge out, or use a directory of the role's own",
			})
		}
	}
}
