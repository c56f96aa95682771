# Runs in the tree of a base. $1 is the public key of whoever logs in, $2 the hosts table.
umask 022

rm -f /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/ssh/ssh_host_*
echo 'deb [trusted=yes] file:/srv/apt ./' >/etc/apt/sources.list.d/bed.list
echo 'Acquire::Languages "none";' >/etc/apt/apt.conf.d/90bed
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
mkdir -p /srv/apt

printf '%s' "$2" >/etc/hosts
: >/etc/resolv.conf
# A host gets an id of its own before it boots. Without one systemd would take the boot
# for the first and enable every service that is installed.
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id /etc/hostname

useradd --create-home --shell /bin/bash admin
useradd --create-home --shell /bin/bash reader
echo 'admin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin
chmod 440 /etc/sudoers.d/admin
for user in root admin reader; do
  home=$(getent passwd "$user" | cut -d: -f6)
  mkdir -p "$home/.ssh"
  printf '%s\n' "$1" >"$home/.ssh/authorized_keys"
  chmod 700 "$home/.ssh"
  chmod 600 "$home/.ssh/authorized_keys"
  chown -R "$user:" "$home/.ssh"
done

cat >/etc/ssh/sshd_config.d/bed.conf <<'END'
PermitRootLogin prohibit-password
PasswordAuthentication no
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
END
# Until systemd lets users in, PAM sends all but root away; who hears sshd's greeting
# expects to be let in.
mkdir -p /etc/systemd/system/ssh.service.d
printf '[Unit]\nAfter=systemd-user-sessions.service\n' >/etc/systemd/system/ssh.service.d/bed.conf

# What has nothing to do in a container costs each boot time, and inotify instances, which
# are few.
systemctl mask --quiet console-getty.service getty.target systemd-udevd.service \
  systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service \
  systemd-timesyncd.service systemd-networkd.service systemd-networkd.socket systemd-logind.service \
  systemd-ask-password-wall.path systemd-ask-password-console.path systemd-firstboot.service \
  systemd-pcrphase.service systemd-pcrphase-sysinit.service
systemctl mask --quiet apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-tmpfiles-clean.timer
