package primitive

import (
	"path"
	"strings"
)

// UnitFile is a unit's full name. Only the words of systemd.unit(5) are types of units: the
// dot of php8.2-fpm belongs to its name.
func UnitFile(unit string) string {
	switch path.Ext(unit) {
	case ".service", ".socket", ".timer", ".path", ".target", ".mount", ".automount", ".swap", ".slice", ".scope", ".device":
		return unit
	}
	return unit + ".service"
}

// Where units lie, in the order in which systemd takes them: a host's own, those that programs
// make until the next boot, and those that packages bring, which Debian's /usr/lib names as well.
const (
	unitsOfHost     = "/etc/systemd/system/"
	unitsOfBoot     = "/run/systemd/system/"
	unitsOfPackages = "/lib/systemd/system/"
)

// UnitFiles are the places of a unit's file, the first that is there is the one; an instance
// has them of its template behind its own.
func UnitFiles(unit string) []string {
	var out []string
	for _, name := range unitNames(unit) {
		out = append(out, unitsOfHost+name, unitsOfBoot+name, unitsOfPackages+name)
	}
	return out
}

// unitNames are the file names that define a unit: its own, and of NAME@INSTANCE that of NAME@.
func unitNames(unit string) []string {
	file := UnitFile(unit)
	name, instance, is := strings.Cut(file, "@")
	if template := name + "@" + path.Ext(file); is && instance != path.Ext(file) {
		return []string{file, template}
	}
	return []string{file}
}

// UnitReads is where a unit's file and its drop-ins lie: every service reads them. systemd tells
// that a file it has loaded is another one now (NeedDaemonReload), but not of a drop-in folder
// that is new (seen with systemd 252), and of nothing any more once somebody had it load all anew,
// as each package does that brings a unit.
func UnitReads(unit string) []string {
	var out []string
	for _, file := range unitNames(unit) {
		out = append(out, UnitPlaces(file)...)
	}
	return out
}

// UnitPlaces are those of one unit file, by its full name.
func UnitPlaces(file string) []string {
	var out []string
	for _, folder := range []string{unitsOfHost, unitsOfBoot, unitsOfPackages} {
		out = append(out, folder+file, folder+file+".d/")
	}
	return out
}

// UnitOfHost is the full name of the unit of which a read is the host's own file.
func UnitOfHost(read string) (file string, is bool) {
	file, is = strings.CutPrefix(read, unitsOfHost)
	return file, is && !strings.Contains(file, "/") && UnitFile(file) == file
}

// InUnits reports whether a path is one by which systemd may know a unit.
func InUnits(name string) bool {
	name = ReadName(name)
	return strings.HasPrefix(name, unitsOfHost) || strings.HasPrefix(name, unitsOfBoot) || OfPackages(name)
}

// OfPackages reports whether what a service reads is a unit, or its drop-ins, that packages bring.
func OfPackages(read string) bool { return strings.HasPrefix(read, unitsOfPackages) }

// ReadName is a path as it is read: Debian's /usr/lib is /lib, and units are read by that.
func ReadName(name string) string {
	if rest, ok := strings.CutPrefix(name, "/usr"+unitsOfPackages); ok {
		return unitsOfPackages + rest
	}
	return name
}

// UnitProcess has two shell functions: ms_unit_pid puts the number of the process of a unit into pid, by what
// systemctl show says of it, in $1, and ms_unit_process the line of /proc/PID/stat into s as well, or "-" where there is none.
//
// Of a SysV script systemd knows no main process: the unit is "active (exited)" for ever,
// be its daemon alive or not. But the daemon is in the unit's control group, where it stands
// first, since it was there before its children. All are in the root slice, which began with systemd.
const UnitProcess = `ms_unit_pid() {
  pid=''
  case $1 in *MainPID=*) pid=${1#*MainPID=} pid=${pid%%"$nl"*};; *Id=-.slice*) pid=1;; esac
  case $1 in
  *ControlGroup=/*)
    if [ "$pid" = 0 ]; then
      g=${1#*ControlGroup=} g=${g%%"$nl"*}
      for f in "/sys/fs/cgroup$g" "/sys/fs/cgroup/unified$g" "/sys/fs/cgroup/systemd$g"; do
        if [ -r "$f/cgroup.procs" ] && read -r pid <"$f/cgroup.procs"; then break; fi
      done
    fi;;
  esac
}
ms_unit_process() {
  s=-
  ms_unit_pid "$1"
  case $pid in
  ''|0|*[!0-9]*) ;;
  *) if [ ! -r "/proc/$pid/stat" ] || ! read -r s <"/proc/$pid/stat"; then s=-; fi;;
  esac
}
`
