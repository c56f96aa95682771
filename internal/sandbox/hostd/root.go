package hostd

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	securejoin "github.com/cyphar/filepath-securejoin"
)

// Users of a host, as its /etc/passwd has them.
const (
	opsID       = 1000
	zookeeperID = 105
)

// An entry is one file, folder or symlink of a fresh host.
type entry struct {
	path string      // from the root, without leading slash
	mode fs.FileMode // of a file or folder
	text string      // of a file; the target of a symlink
	kind fs.FileMode // 0: file; fs.ModeDir; fs.ModeSymlink
	uid  int
}

func file(path, text string) entry { return entry{path: path, mode: 0o644, text: text} }
func link(path, to string) entry   { return entry{path: path, text: to, kind: fs.ModeSymlink} }
func dir(path string) entry        { return entry{path: path, mode: 0o755, kind: fs.ModeDir} }

// layRoot makes a host's root as a fresh installation leaves it: the base system, and the
// packages of its units with their example settings. A root that is there already stays. It
// is laid beside and moved in, etc last: a root that has an etc is whole. Into one that has
// none comes what it lacks.
func (h *Host) layRoot() error {
	root, o := h.root, h.options
	if _, err := os.Lstat(filepath.Join(root, "etc")); err == nil {
		return nil
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	all := baseSystem(o.Name, hex.EncodeToString(id))
	installed, units := fresh(h.catalog, o)
	status := map[string]*pkg{}
	for _, name := range installed {
		of := h.catalog[name]
		p := newPkg(name, of.versions[0])
		p.status, p.depends = pkgInstalled, of.dependencies(p.version)
		status[name] = p
		all = append(all, of.entries...)
		var files []string
		for _, e := range of.all(p.version) {
			unit, service := strings.CutPrefix(e.path, "usr/lib/systemd/system/")
			doc := strings.HasPrefix(e.path, "usr/share/doc/")
			if !service && !doc || slices.ContainsFunc(units, func(u UnitOptions) bool { return u.Name+".service" == unit }) {
				files = append(files, "/"+e.path)
			}
		}
		if len(files) > 0 {
			slices.Sort(files)
			all = append(all, file(strings.TrimPrefix(listFile(name), "/"), strings.Join(files, "\n")+"\n"))
		}
	}
	all = append(all, file(strings.TrimPrefix(statusFile, "/"), statusText(status)))
	for _, u := range units {
		all = append(all, file("usr/lib/systemd/system/"+u.Name+".service", unitFile(u)))
	}
	if err := h.layAll(all); err != nil {
		return fmt.Errorf("host %s: lay its root: %w", o.Name, err)
	}
	return nil
}

func (h *Host) layAll(all []entry) error {
	fresh := h.root + ".new" // no host has a dot in its name
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	for _, e := range all {
		if err := h.lay(fresh, e); err != nil {
			return err
		}
	}
	if err := complete(fresh, h.root, "etc"); err != nil {
		return err
	}
	return os.RemoveAll(fresh)
}

// agentUnit is the unit of the agent, whose name its settings folder carries.
func agentUnit(o HostOptions) string {
	i := slices.IndexFunc(o.Units, func(u UnitOptions) bool { return u.Kind == KindMesosAgent })
	if i < 0 {
		return "mesos-slave"
	}
	return o.Units[i].Name
}

// complete moves what is in a folder to another of the same file system unless something
// of that name is there. What last names is moved last.
func complete(from, to, last string) error {
	list, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range list {
		if e.Name() != last {
			names = append(names, e.Name())
		}
	}
	if len(names) < len(list) {
		names = append(names, last)
	}
	for _, n := range names {
		source, target := filepath.Join(from, n), filepath.Join(to, n)
		there, err := os.Lstat(target)
		if errors.Is(err, fs.ErrNotExist) {
			err = os.Rename(source, target)
		} else if err == nil && there.IsDir() {
			if info, lerr := os.Lstat(source); lerr == nil && info.IsDir() {
				err = complete(source, target, "")
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) lay(root string, e entry) error {
	name := filepath.Join(root, e.path)
	var err error
	switch e.kind {
	case fs.ModeDir:
		err = os.MkdirAll(name, e.mode)
	case fs.ModeSymlink:
		err = os.Symlink(e.text, name)
	default:
		if err = os.MkdirAll(filepath.Dir(name), 0o755); err == nil {
			err = os.WriteFile(name, []byte(e.text), e.mode)
		}
	}
	if err == nil && e.kind != fs.ModeSymlink {
		err = os.Chmod(name, e.mode) // whatever the umask
	}
	if err != nil || e.uid == 0 {
		return err
	}
	return h.own(name, e.uid)
}

func baseSystem(name, machineID string) []entry {
	return []entry{
		dir("usr/bin"), dir("usr/sbin"), dir("usr/lib/systemd/system"), dir("root"), dir("tmp"), dir("srv"),
		link("bin", "usr/bin"), link("sbin", "usr/sbin"), link("lib", "usr/lib"),
		dir("etc/default"), dir("etc/alternatives"), dir("etc/systemd/system/multi-user.target.wants"),
		dir("var/lib"), dir("var/log"), dir("var/tmp"), dir("run/lock"), dir("run/systemd/system"), link("var/run", "/run"),
		file("etc/os-release", osRelease), file("etc/debian_version", "12.11\n"),
		file("etc/machine-id", machineID+"\n"), file("etc/hostname", name+"\n"),
		file("etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\t"+name+"\n"),
		file("etc/passwd", passwd), file("etc/group", group),
		{path: "etc/shadow", mode: 0o640, text: shadow()},
		dir("etc/apt/sources.list.d"), file("etc/apt/sources.list", "deb "+archive+" bookworm main\n"), dir("var/lib/apt/lists"),
		dir("var/cache/debconf"), dir("etc/modules-load.d"), dir("etc/sysctl.d"), dir("home"),
	}
}

const osRelease = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
`

const passwd = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
zookeeper:x:105:105:ZooKeeper:/var/lib/zookeeper:/bin/false
haproxy:x:106:106::/var/lib/haproxy:/usr/sbin/nologin
ops:x:1000:1000:Operations:/:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`

const group = `root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
mail:x:8:
sudo:x:27:ops
www-data:x:33:
shadow:x:42:
users:x:100:
docker:x:104:
zookeeper:x:105:
haproxy:x:106:
ops:x:1000:
nogroup:x:65534:
`

// shadow has no password for anybody: who logs in has a key.
func shadow() string {
	var b strings.Builder
	for line := range strings.Lines(passwd) {
		name, _, _ := strings.Cut(line, ":")
		b.WriteString(name + ":*:20000:0:99999:7:::\n")
	}
	return b.String()
}

func unitFile(u UnitOptions) string {
	reload := ""
	if u.Reload {
		reload = execReload + "/bin/kill -HUP $MAINPID\n"
	}
	return "[Unit]\nDescription=" + u.Name + "\nAfter=network-online.target\n\n[Service]\nExecStart=/usr/sbin/" + u.Name + "\n" + reload +
		"\n[Install]\nWantedBy=multi-user.target\n"
}

// zooKeeperPackage is what Debian's zookeeper and zookeeperd leave: an example as the
// registered alternative, whose myid is a sentence.
func zooKeeperPackage() []entry {
	return []entry{
		dir("etc/zookeeper/conf_example"),
		link("etc/alternatives/zookeeper-conf", "/etc/zookeeper/conf_example"),
		link("etc/zookeeper/conf", "/etc/alternatives/zookeeper-conf"),
		file("etc/zookeeper/conf_example/zoo.cfg", "# The number of milliseconds of each tick\ntickTime=2000\n"+
			"initLimit=10\nsyncLimit=5\ndataDir=/tmp/zookeeper\nclientPort=2181\n"),
		file("etc/zookeeper/conf_example/myid", "replace this text with the cluster-unique zookeeper's instance id (1-255)\n"),
		file("etc/zookeeper/conf_example/environment", "NAME=zookeeper\nZOOCFGDIR=/etc/$NAME/conf\nZOOCFG=\"$ZOOCFGDIR/zoo.cfg\"\n"+
			"ZOO_LOG_DIR=/var/log/$NAME\nUSER=$NAME\nGROUP=$NAME\nJAVA=/usr/bin/java\n"),
		file("etc/zookeeper/conf_example/log4j.properties", "log4j.rootLogger=${zookeeper.root.logger}\n"),
		file("etc/default/zookeeper", "#JMXLOCALONLY=\n#JAVA_OPTS=\"\"\n"),
		{path: "var/lib/zookeeper", mode: 0o750, kind: fs.ModeDir, uid: zookeeperID},
		link("var/lib/zookeeper/myid", "/etc/zookeeper/conf/myid"),
		{path: "var/log/zookeeper", mode: 0o755, kind: fs.ModeDir, uid: zookeeperID},
	}
}

// mesosPackage is what the mesos package leaves on masters and agents alike.
func mesosPackage(agent string) []entry {
	return []entry{
		dir("etc/mesos"), dir("etc/mesos-master"), dir("etc/" + agent), dir("var/lib/mesos"), dir("var/log/mesos"),
		file("etc/mesos/zk", "zk://localhost:2181/mesos\n"),
		file("etc/default/mesos", "LOGS=/var/log/mesos\nULIMIT=\"-n 8192\"\n"),
		file("etc/default/mesos-master", "PORT=5050\nZK=`cat /etc/mesos/zk`\n"),
		file("etc/default/"+agent, "MASTER=`cat /etc/mesos/zk`\n"),
		file("etc/mesos-master/quorum", "1\n"), file("etc/mesos-master/work_dir", "/var/lib/mesos\n"),
		file("etc/"+agent+"/work_dir", "/var/lib/mesos\n"),
	}
}

// inRoot is the file that a path of the host means: symlinks, absolute ones too, are
// followed inside the root.
func (h *Host) inRoot(path string) (string, error) { return securejoin.SecureJoin(h.seen(), path) }

// read returns a file of the host as its programs see it.
func (h *Host) read(path string) ([]byte, error) {
	name, err := h.inRoot(path)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}
