package main

// script is what the floor asks of a host, and never changes: the state and the content
// of the files that the example's roles keep there, and one question to the init system.
// Like the program's own it is one function that its last line calls, reads nothing of
// its own input, and starts three processes, whatever the number of files. R is the root
// of a sandbox host and empty on a real one.
const script = `floor() {
	cd "$R/etc" || exit 1
	set -- zookeeper/conf_meshsync/* mesos/* mesos-master/* mesos-slave/*
	n=$#
	while [ "$n" -gt 0 ]; do
		n=$((n - 1)) f=$1
		shift
		[ -f "$f" ] && set -- "$@" "$f"
	done
	[ "$#" -gt 0 ] || { echo "no file of the example is there; apply the mesh first" >&2; exit 3; }
	stat -c '%n %F %a %U %G %s %Z' -- "$@" || exit 1
	cat -- "$@" || exit 1
	systemctl show -p Id,LoadState,ActiveState,UnitFileState,MainPID,ActiveEnterTimestampMonotonic \
		zookeeper.service mesos-master.service mesos-slave.service || exit 1
}
floor </dev/null
`
