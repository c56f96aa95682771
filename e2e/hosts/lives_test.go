//go:build linux

package hosts

// lives has one of each kind at least; a test holds it to that.
func lives() []life {
	return append([]life{
		{
			name: "file", rest: []string{"directories", "/srv/t", `{"mode": "0755", "owner": "root", "group": "root"}`},
			want:    []string{"files", "/srv/t/f", `{"content": "it's $HOME\n", "mode": "0640", "owner": "nobody", "group": "daemon"}`},
			is:      `[ "$(cat $R/srv/t/f)" = "it's \$HOME" ] && [ "$(stat -c %a:%U:%G $R/srv/t/f)" = 640:nobody:daemon ]`,
			changed: `{"content": "two\n", "mode": "0644", "owner": "root", "group": "root"}`,
			moved:   `echo other >$R/srv/t/f`, left: `grep -qx other $R/srv/t/f`, then: `grep -qx two $R/srv/t/f`, dropped: `[ ! -e $R/srv/t/f ]`,
		},
		{
			// The record names it before it is there: whoever is killed amid the write has not lost it.
			name: "file, recorded ahead", rest: []string{"directories", "/srv/a", `{"mode": "0755", "owner": "root", "group": "root"}`},
			want: []string{"files", "/srv/a/f", `{"content": "one\n", "mode": "0644", "owner": "root", "group": "root",
				"check": "test -s %s && test ! -e $R/srv/a/f && grep -q file:/srv/a/f $R/var/lib/meshsync/prod/record.json"}`},
			is: `grep -qx one $R/srv/a/f`, dropped: `[ ! -e $R/srv/a/f ]`,
		},
		{
			name:    "directory",
			want:    []string{"directories", "/srv/d", `{"mode": "0750", "owner": "nobody", "group": "root", "purge": true}`},
			is:      `[ "$(stat -c %a:%U $R/srv/d)" = 750:nobody ]`,
			changed: `{"mode": "0755", "owner": "root", "group": "root"}`,
			moved:   `chmod 700 $R/srv/d`, left: `[ "$(stat -c %a $R/srv/d)" = 700 ]`, then: `[ "$(stat -c %a:%U $R/srv/d)" = 755:root ]`,
			dropped: `[ ! -e $R/srv/d ]`,
		},
		{
			name:    "symlink",
			want:    []string{"symlinks", "/srv/l", `{"to": "/etc/no where"}`},
			is:      `[ "$(readlink $R/srv/l)" = "/etc/no where" ]`,
			changed: `{"to": "../etc"}`,
			moved:   `ln -sfn /elsewhere $R/srv/l`, left: `[ "$(readlink $R/srv/l)" = /elsewhere ]`, then: `[ "$(readlink $R/srv/l)" = ../etc ]`,
			dropped: `[ ! -L $R/srv/l ]`,
		},
		{
			name: "absent", prepare: `mkdir -p $R/srv/old; echo x >$R/srv/gone`,
			want: []string{"absent", "/srv/gone", `{}`}, is: `[ ! -e $R/srv/gone ]`, dropped: `[ ! -e $R/srv/gone ]`,
		},
		{
			name:    "group",
			want:    []string{"groups", "mesos", `{"gid": 4241}`},
			is:      `[ "$(getent group mesos | cut -d: -f3)" = 4241 ]`,
			changed: `{"gid": 4242}`,
			moved:   `groupmod -g 4300 mesos`, left: `[ "$(getent group mesos | cut -d: -f3)" = 4300 ]`, then: `[ "$(getent group mesos | cut -d: -f3)" = 4242 ]`,
			dropped: `! getent group mesos`,
		},
		{
			name: "group of the system",
			want: []string{"groups", "sys-x", `{"system": true}`}, is: `[ "$(getent group sys-x | cut -d: -f3)" -lt 1000 ]`, dropped: `! getent group sys-x`,
		},
		{
			name: "user", prepare: "groupadd -f extra; groupadd -f alpha", rest: []string{"groups", "svc", `{"gid": 4243}`},
			want:    []string{"users", "svc", `{"uid": 4243, "group": "svc", "groups": ["extra", "alpha"], "home": "/var/lib/svc", "shell": "/usr/sbin/nologin"}`},
			is:      `[ "$(getent passwd svc | cut -d: -f3-)" = 4243:4243::/var/lib/svc:/usr/sbin/nologin ] && getent group extra | grep -q ':svc$' && getent group alpha | grep -q ':svc$'`,
			changed: `{"uid": 4244, "group": "daemon", "groups": ["svc"], "home": "/srv/svc", "shell": "/bin/sh"}`,
			moved:   `usermod -s /bin/bash svc`, left: `getent passwd svc | grep -q /bin/bash`,
			then:    `[ "$(getent passwd svc | cut -d: -f3-)" = 4244:1::/srv/svc:/bin/sh ] && [ "$(getent group | grep -c '[:,]svc$')" = 1 ]`,
			dropped: `! getent passwd svc`,
		},
		{
			name:    "user of the system, whom no password lets in",
			want:    []string{"users", "sys-y", `{"system": true, "home": "/var/lib/y"}`},
			is:      `[ "$(getent passwd sys-y | cut -d: -f3)" -lt 1000 ] && getent group sys-y && grep -q '^sys-y:!' $R/etc/shadow`,
			dropped: `! getent passwd sys-y`,
		},
		{
			name: "debconf", prepare: `echo 'mesos mesos/cluster string a' | debconf-set-selections`,
			want:    []string{"debconf", "mesos mesos/cluster string", `{"value": "it's prod 1"}`},
			is:      answered("mesos/cluster", "it's prod 1"),
			changed: `{"value": "b"}`,
			moved:   `echo 'mesos mesos/cluster string other' | debconf-set-selections`, left: answered("mesos/cluster", "other"),
			then: answered("mesos/cluster", "b"), dropped: `true`,
		},
		{
			name: "sysctl", prepare: `sysctl -q -w net.ipv4.ip_local_port_range='32768 60999'`,
			want:    []string{"sysctls", "net.ipv4.ip_local_port_range", `{"value": "20000   50000"}`},
			is:      `[ "$(sysctl -n net.ipv4.ip_local_port_range | tr '\t' ' ')" = "20000 50000" ]`,
			changed: `{"value": "20000 60000"}`,
			moved:   `sysctl -q -w net.ipv4.ip_local_port_range='1024 2048'`, left: `sysctl -n net.ipv4.ip_local_port_range | grep -q 2048`,
			then: `sysctl -n net.ipv4.ip_local_port_range | grep -q 60000`, dropped: `true`,
		},
		{
			name: "module, built in", prepare: `f=$R/lib/modules/$(uname -r)/modules.builtin; mkdir -p "${f%/*}"; grep -qs built_in-x "$f" || echo kernel/net/built_in-x.ko >>"$f"`,
			want: []string{"modules", "built-in_x", `{}`}, is: `true`, dropped: `true`,
		},
		{
			name: "module, loaded", prepare: `modprobe -r dummy`,
			want: []string{"modules", "dummy", `{}`}, is: `[ -d $R/sys/module/dummy ]`, dropped: `[ -d $R/sys/module/dummy ]`,
			nowhere: map[place]string{onBed: "its hosts may load nothing into the kernel, which is the machine's"},
		},
		{
			name: "hosts-entry", prepare: `echo 10.213.0.98 last >>$R/etc/hosts`,
			want:    []string{"hostsEntries", "10.213.0.99", `{"names": ["m9.example.com", "m9"]}`},
			is:      `[ "$(getent hosts m9)" = "10.213.0.99     m9.example.com m9" ] && grep -q ' last$' $R/etc/hosts`,
			changed: `{"names": ["m9"]}`,
			moved:   `echo 10.213.0.99 late >>$R/etc/hosts`, left: `grep -q late $R/etc/hosts`, then: `! grep -q m9.example $R/etc/hosts && getent hosts m9`,
			dropped: `! grep -q 10.213.0.99 $R/etc/hosts && grep -q ' last$' $R/etc/hosts`,
		},
		{
			name: "archive", rest: []string{"directories", "/opt/x", `{"mode": "0755", "owner": "root", "group": "root"}`},
			prepare: `for v in 1 2; do mkdir -p $R/srv/pub/v$v; echo $v >$R/srv/pub/v$v/f; tar -C $R/srv/pub --mtime=@0 --owner=0 --group=0 --sort=name -cf $R/srv/pub/$v.tar v$v; done`,
			want:    []string{"archives", "x", `{"url": "file:///srv/pub/1.tar", "sha256": "@/srv/pub/1.tar@", "to": "/opt/x", "strip": 1}`},
			is:      `grep -qx 1 $R/opt/x/f`,
			changed: `{"url": "file:///srv/pub/2.tar", "sha256": "@/srv/pub/2.tar@", "to": "/opt/x", "strip": 1}`,
			moved:   `rm -r $R/opt/x`, left: `[ ! -e $R/opt/x ]`, then: `grep -qx 2 $R/opt/x/f`, dropped: `[ ! -e $R/opt/x ] || find $R/opt/x -mindepth 1 -delete`,
		},
		{
			name: "package", prepare: `apt-get update -qq`,
			want:    []string{"packages", "daemon", `{"version": "2*"}`},
			is:      installed("ii", "2"),
			changed: `{"version": "1", "hold": true}`,
			moved:   `apt-get purge -qq -y daemon`, left: `! dpkg-query -W daemon`, then: installed("hi", "1"),
			dropped: `! dpkg-query -W -f '${db:Status-Abbrev}' daemon | grep -q '^.i'`,
		},
		{
			name: "command", prepare: `rm -f $R/srv/once`, // nobody looks at it, so nothing can have moved
			want: []string{"commands", "once", `{"test": "[ -e $R/srv/once ]", "run": "echo 'a b' >$R/srv/once"}`},
			is:   `grep -qx 'a b' $R/srv/once`, changed: `{"test": "grep -q 2 $R/srv/once", "run": "echo 2 >$R/srv/once"}`,
			then: `grep -qx 2 $R/srv/once`, dropped: `[ -e $R/srv/once ]`,
		},
	}, livesOfServices()...)
}

// livesOfServices are those of units that a package could have brought, each of its own sort.
func livesOfServices() []life {
	return []life{
		{
			name: "service", prepare: brings("a", install),
			want:    []string{"services", "a", `{"enabled": true, "running": true, "reads": [], "on": "restart"}`},
			is:      `systemctl -q is-active a && systemctl -q is-enabled a`,
			changed: `{"enabled": false, "running": false, "reads": [], "on": "restart"}`, then: `! systemctl -q is-active a && ! systemctl -q is-enabled a`,
			dropped: `true`,
		},
		{
			name: "service, masked", prepare: brings("m", install),
			want:    []string{"services", "m", `{"enabled": false, "running": false, "masked": true, "reads": [], "on": "restart"}`},
			is:      `! systemctl start m && ! systemctl -q is-active m`,
			changed: `{"enabled": true, "running": true, "reads": [], "on": "restart"}`, then: `systemctl -q is-active m && systemctl -q is-enabled m`,
			dropped: `true`,
		},
		{
			name: "service, static", prepare: brings("st", ""),
			want:    []string{"services", "st", `{"enabled": false, "running": true, "reads": [], "on": "restart"}`},
			is:      `systemctl -q is-active st && [ "$(systemctl is-enabled st)" = static ]`,
			changed: `{"enabled": false, "running": false, "reads": [], "on": "restart"}`, then: `! systemctl -q is-active st`,
			dropped: `true`,
		},
	}
}

// install is the section of a unit that can be enabled.
const install = `[Install]\nWantedBy=multi-user.target\n`

// brings makes a unit that does nothing and runs not, where a package would lay it.
func brings(unit, more string) string {
	return `d=$R/usr/lib/systemd/system; printf '[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/true\n` + more + `' >$d/` + unit +
		`.service; systemctl daemon-reload; systemctl unmask -q ` + unit + ` 2>/dev/null; systemctl stop ` + unit + `; systemctl disable -q ` + unit + ` 2>/dev/null || :`
}

// answered is a shell test of what debconf holds for an answer.
func answered(question, value string) string {
	return `grep -A4 '^Name: ` + question + `$' $R/var/cache/debconf/config.dat | grep -qx "Value: ` + value + `"`
}

// installed is a shell test of the status and version of the package daemon.
func installed(status, version string) string {
	return `[ "$(dpkg-query -W -f '${db:Status-Abbrev}${Version}' daemon)" = "` + status + ` ` + version + `" ]`
}
