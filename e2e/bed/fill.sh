# Runs in the tree of a full. No service starts while packages are installed: the script
# of an init.d service would start it even without systemd.
umask 022
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends zookeeperd default-jre-headless haproxy mesos
apt-get clean
rm -f /usr/sbin/policy-rc.d
systemctl disable zookeeper haproxy mesos-master mesos-slave
