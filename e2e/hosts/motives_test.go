//go:build linux

package hosts

import (
	"fmt"
	"slices"

	"meshsync.dev/meshsync/internal/plan"
)

// motives are the causes for which a service restarts, and what is none.
func motives() []motive {
	// conf is a service that reads one file, flags one that reads a folder.
	conf := func(content, mode string) []string {
		return slices.Concat(directory("/srv/@", false), file("/srv/@/conf", content, mode), service("@", `"/srv/@/conf"`, "restart"))
	}
	flags := func(names ...string) []string {
		out := directory("/srv/@", true)
		for _, n := range names {
			out = append(out, file("/srv/@/"+n, n, "0644")...)
		}
		return slices.Concat(out, service("@", `"/srv/@/"`, "restart"))
	}
	reloaded := func(content string) []string {
		return slices.Concat(directory("/srv/@", false), file("/srv/@/conf", content, "0644"), service("@", `"/srv/@/conf"`, "reload"))
	}
	version := func(v string) []string {
		return slices.Concat([]string{"packages", "daemon", `{"version": "` + v + `"}`}, service("daemon", `"package:daemon"`, "restart"))
	}
	own := func(seconds string) []string {
		return slices.Concat(file("/etc/systemd/system/@.service", `[Service]\nExecStart=/bin/sleep `+seconds+`\n[Install]\nWantedBy=multi-user.target`, "0644"), service("@", ``, "restart"))
	}
	unit, dropIn, alone := brings("@", install), "$R/etc/systemd/system/@.service.d", service("@", ``, "restart")
	return []motive{
		{name: "nothing", prepare: unit, want: conf("one", "0644")},
		{name: "a file that it reads", prepare: unit, want: conf("one", "0644"), git: conf("two", "0644"), op: plan.OpRestart, then: `grep -qx two $R/srv/@/conf`},
		{
			name: "a file that it reads, written by a run that was killed", prepare: unit, want: conf("one", "0644"), git: conf("two", "0644"), cut: true,
			op: plan.OpRestart, stale: "/conf is not what the process",
		},
		{name: "a mode is nothing that it reads", prepare: unit, want: conf("one", "0644"), git: conf("one", "0600"), then: `[ "$(stat -c %a $R/srv/@/conf)" = 600 ]`},
		{name: "what somebody wrote and it has not read", prepare: unit, want: conf("one", "0644"), by: `echo other >$R/srv/@/conf`, then: `grep -qx one $R/srv/@/conf`},
		{
			name: "what somebody wrote and restarted it with", prepare: unit, want: conf("one", "0644"), by: `echo other >$R/srv/@/conf; systemctl restart @`,
			op: plan.OpRestart, then: `grep -qx one $R/srv/@/conf`,
		},
		{name: "a flag that git dropped", prepare: unit, want: flags("a", "b"), git: flags("a"), op: plan.OpRestart, then: `[ "$(ls $R/srv/@)" = a ]`},
		{
			name: "a flag that git dropped, deleted by a run that was killed", prepare: unit, want: flags("a", "b"), git: flags("a"), cut: true,
			op: plan.OpRestart, stale: "/ is not what the process",
		},
		{
			name: "a flag that somebody added and restarted it with", prepare: unit, want: flags("a"), by: `touch $R/srv/@/c; systemctl restart @`,
			op: plan.OpRestart, then: `[ "$(ls $R/srv/@)" = a ]`,
		},
		{name: "a flag that somebody deleted and it still has", prepare: unit, want: flags("a", "b"), by: `rm $R/srv/@/b`, then: `[ -e $R/srv/@/b ]`},
		{name: "the version of a package", prepare: "apt-get update -qq", want: version("1"), git: version("2"), op: plan.OpRestart, then: installed("ii", "2")},
		{name: "its unit", want: own("1001"), git: own("1002"), op: plan.OpRestart, then: loaded("1002")},
		// Whoever has systemd load its units does it for all, so these are before those of which it still says something.
		{
			name: "its unit, which somebody edited and had systemd load", prepare: unit, want: alone, by: `sed -i s/1000/1006/ $R/usr/lib/systemd/system/@.service; systemctl daemon-reload`,
			op: plan.OpRestart, stale: "/lib/systemd/system/@.service is not what the process", then: loaded("1006"),
		},
		{
			name: "its unit's drop-in until the next boot", prepare: unit, want: alone,
			by: `d=$R/run/systemd/system/@.service.d; mkdir $d; printf '[Service]\nExecStart=\nExecStart=/bin/sleep 1007\n' >$d/x.conf; systemctl daemon-reload`,
			op: plan.OpRestart, stale: "/run/systemd/system/@.service.d/ is not what the process", then: loaded("1007"),
		},
		{
			name: "its unit, which somebody edited", prepare: unit, want: alone, by: `sed -i s/1000/1003/ $R/usr/lib/systemd/system/@.service`,
			op: plan.OpRestart, stale: "its unit on disk", then: loaded("1003"),
		},
		{name: "its unit, which is the same once more", prepare: unit, want: alone, by: `touch -d '+1 hour' $R/usr/lib/systemd/system/@.service`},
		{
			name: "its unit's first drop-in, of which systemd says nothing", prepare: unit, want: alone,
			by: `mkdir ` + dropIn + `; printf '[Service]\nExecStart=\nExecStart=/bin/sleep 1004\n' >` + dropIn + `/x.conf`,
			op: plan.OpRestart, stale: ".service.d/ is not what the process", then: loaded("1004"),
		},
		{
			name: "its unit's drop-in, which somebody edited", prepare: unit + "; mkdir " + dropIn + "; echo '[Service]' >" + dropIn + "/x.conf; systemctl daemon-reload", want: alone,
			by: `printf '[Service]\nExecStart=\nExecStart=/bin/sleep 1005\n' >` + dropIn + `/x.conf`,
			op: plan.OpRestart, stale: "its unit on disk", then: loaded("1005"),
		},
		{name: "its death", prepare: unit, want: alone, by: `kill -9 $(systemctl show -p MainPID --value @); while systemctl -q is-active @; do :; done`, op: plan.OpStart},
		{name: "that somebody stopped it", prepare: unit, want: alone, by: `systemctl stop @`, op: plan.OpStart},
		{
			name: "a file that it can be told to read again", prepare: unit, want: reloaded("one"), git: reloaded("two"), op: plan.OpReload, then: `grep -qx two $R/srv/@/conf`,
			nowhere: map[place]string{inSandbox: "none of its programs can be told to read its files again"},
		},
	}
}

func file(name, content, mode string) []string {
	return []string{"files", name, `{"content": "` + content + `\n", "mode": "` + mode + `", "owner": "root", "group": "root"}`}
}

func directory(name string, purge bool) []string {
	return []string{"directories", name, fmt.Sprintf(`{"mode": "0755", "owner": "root", "group": "root", "purge": %t}`, purge)}
}

func service(name, reads, on string) []string {
	return []string{"services", name, `{"enabled": true, "running": true, "reads": [` + reads + `], "on": "` + on + `"}`}
}

// loaded is a shell test that systemd has read the unit and its process runs by it. What a
// unit says to run is not run in the sandbox.
func loaded(seconds string) string {
	return `[ "$(systemctl show -p NeedDaemonReload --value @)" = no ] && { [ -n "$R" ] || grep -qz ` + seconds + ` "/proc/$(systemctl show -p MainPID --value @)/cmdline"; }`
}
