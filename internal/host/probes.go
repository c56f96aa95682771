package host

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// probesPart asks services at 127.0.0.1, and reads the record, when the host was booted and what ms_facts
// tells, in one process: a POSIX sh reads byte by byte, and of /proc/stat that may be 20,000 of them.
// perl does it, which is on every Debian, else bash, and the shell the facts; without both, cat reads the record and
// curl asks what speaks HTTP. The reply to a probe stands between two lines of the
// script's; the second says how it ended: the HTTP status by curl, else the exit status that curl
// would have (0, 7 refused, 28 too slow; 2 is a client that failed), or no_client. The arguments are the token,
// the record's path, which is empty when neither it nor the facts are wanted, the processes in ps, and for each probe its number,
// http or tcp, the port, what to send, and the path that curl wants.
//
// Where perl is, it tells root as well what is at the paths in st, which saves the process of stat. Its
// first argument is how many others come before those paths. Who is not root asks stat: in a sandbox without
// namespaces nothing else knows the owners.
const probesPart = perlPart + bashPart + `ms_without_both() {
  if [ -n "$2" ]; then
    while read -r k v; do if [ "$k" = btime ]; then printf '%s btime %s\n' "$T" "$v"; break; fi; done </proc/stat
    printf '%s record\n' "$T"
    [ ! -f "$2" ] || cat -- "$2"
    printf '\n%s recordend\n' "$T"
  fi
  shift 3
  while [ $# -gt 0 ]; do
    printf '%s probe %s\n' "$T" "$1"
    r=no_client
    if [ "$2" = http ] && command -v curl >/dev/null 2>&1; then
      case $3 in
      /*) s=$(curl -s -m 3 -o - -w '\nms_status:%{http_code}' --unix-socket "$3" -- "http://127.0.0.1$5" 2>/dev/null; printf ' %s' "$?");;
      *) s=$(curl -s -m 3 -o - -w '\nms_status:%{http_code}' -- "http://127.0.0.1:$3$5" 2>/dev/null; printf ' %s' "$?");;
      esac
      r=${s##* } s=${s% *}
      c=${s##*ms_status:}
      printf '%s' "${s%"$nl"ms_status:*}"
      case $r in 0) r="0 $c";; 7) r=refused;; 28) r=timeout;; *) r="error";; esac
    fi
    printf '\n%s probeend %s %s\n' "$T" "$1" "$r"
    shift 5
  done
}
ms_probes() {
  [ -O / ] || ms_stat
  if command -v perl >/dev/null 2>&1; then
    eval "perl -e \"\$ms_perl\" $# \"\$@\" $st" 2>/dev/null
    return
  fi
  ms_stat
  [ -z "$2" ] || ms_facts
  if command -v bash >/dev/null 2>&1; then bash -c "$ms_bash" bash "$@" 2>/dev/null
  else ms_without_both "$@"; fi
  [ -z "$2" ] || ms_since_boot
}
`

// perlPart loads no module, which would take longer than all the probes: 2, 1 and 6 are
// AF_INET, SOCK_STREAM and TCP, and the other 1 is AF_UNIX; 111 is ECONNREFUSED (Linux, but not on MIPS),
// 2 ENOENT, where no socket is, and 13 EACCES. The kernel takes paths of up to 107 bytes.
const perlPart = `ms_perl='
my $n = shift;
my ($t, $f, $ps, @probe) = splice @ARGV, 0, $n;
my $root = $ENV{MESHSYNC_ROOT} // "";
binmode STDOUT;
sub lines { open my $h, "<", $_[0] or return; map { s/^\s+|\s+$//g; $_ } <$h> }
$SIG{PIPE} = "IGNORE";
my (%u, %g);
printf "%s stat %d\n", $t, scalar @ARGV;
for (@ARGV) {
  my @s = lstat or next;
  my $leads = -l _ ? "//$_ -> " . readlink() . "//$t" : "";
  $u{$s[4]} //= getpwuid($s[4]) // "UNKNOWN";
  $g{$s[5]} //= getgrgid($s[5]) // "UNKNOWN";
  printf "%x %s %s %d %d %s%s\n", $s[2], $u{$s[4]}, $g{$s[5]}, $s[7], $s[10], $_, $leads;
}
if ($f ne "") {
  printf "%s boot %s\n", $t, (lines "/proc/sys/kernel/random/boot_id")[0] // "";
  printf "%s machine %s\n", $t, (lines "$root/etc/machine-id")[0] // "";
  print "$t os $_\n" for grep { /^(VERSION_)?ID=/ } lines "$root/etc/os-release";
  print "$t process $_\n" for map { lines "/proc/$_/stat" } split " ", $ps;
  if (open my $h, "<", "/proc/stat") { while (<$h>) { if (/^btime (\d+)/) { print "$t btime $1\n"; last } } }
  my $record = "";
  if (-f $f) { open my $h, "<", $f or exit 2; binmode $h; local $/; $record = <$h> }
  print "$t record\n$record\n$t recordend\n";
}
while (my ($n, $kind, $port, $send) = splice @probe, 0, 5) {
  my ($how, $reply) = (28, "");
  eval {
    local $SIG{ALRM} = sub { die };
    alarm 3;
    my $at = $port =~ m{^/};
    if (length $port > 107 || !socket my $s, $at ? 1 : 2, 1, $at ? 0 : 6) { $how = 2 }
    elsif (!connect $s, $at ? pack("S a108", 1, $port) : pack "S n C4 x8", 2, $port, 127, 0, 0, 1) { $how = $! == 111 || $at && $! == 2 ? 7 : $! == 13 ? 13 : 2 }
    else {
      if ($send ne "") {
        syswrite $s, $send;
        1 while length $reply < 66000 and sysread $s, $reply, 8192, length $reply;
      }
      $how = 0;
    }
    alarm 0;
  };
  print "$t probe $n\n$reply\n$t probeend $n $kind $how\n";
}
if ($f ne "") {
  my ($up) = split " ", (lines "/proc/uptime")[0] // "";
  printf "%s uptime %s %s\n", $t, $up, (lines "/proc/" . getppid() . "/stat")[0] // "" if defined $up;
}'
`

// bashPart connects in a process of its own, which costs a fork, because bash has no
// limit on the time that a connection takes: a service that hangs with a full queue
// would hang the script. A reply is read by its size: up to a delimiter, bash reads byte by byte. Where
// that fails, it leaves the variable as it was, which is the reply to the probe before.
const bashPart = `ms_bash='T=$1 f=$2
shift 3
if [ -n "$f" ]; then
  IFS= read -r -d "" l </proc/stat
  l=${l#*btime }
  printf "%s btime %s\n%s record\n" "$T" "${l%%[!0-9]*}" "$T"
  [ ! -f "$f" ] || { IFS= read -r -d "" l <"$f"; printf "%s" "$l"; }
  printf "\n%s recordend\n" "$T"
fi
while [ $# -gt 0 ]; do
  case $3 in /*) printf "%s probe %s\n\n%s probeend %s no_client\n" "$T" "$1" "$T" "$1"; shift 5; continue;; esac
  IFS= read -r -N 70000 -t 4 l < <(exec 3<>"/dev/tcp/127.0.0.1/$3" || exit
    printf "ok "
    [ -n "$4" ] || exit
    printf "%s" "$4" >&3
    l=""
    IFS= read -r -N 66000 l <&3
    printf "%s" "$l")
  r=$? s=7
  case $l in "ok "*) s=0;; esac
  [ "$r" != 2 ] || s=2 # a bash before 4.1 has no read -N: nothing is known
  if [ "$r" -gt 128 ]; then s=28; kill "$!"; fi
  printf "%s probe %s\n%s\n%s probeend %s %s %s\n" "$T" "$1" "${l#ok }" "$T" "$1" "$2" "$s"
  shift 5
done'
`

// nothing is the record's path where it is not wanted.
const nothing = "''"

// writeProbes writes the probes, the boot time and the record. The record is its path as
// a shell word. Where only systemd is asked, there is nothing else to start. Lives are the services that
// came up under this run's hands, by unit.
func writeProbes(b *strings.Builder, record string, checks []mesh.Check, lives map[string]mesh.ServiceRecord) {
	if record != nothing || slices.ContainsFunc(checks, func(c mesh.Check) bool { return !c.OfUnit() }) {
		fmt.Fprintf(b, "%sms_probes \"$T\" %s \"${ps-}\"", probesPart, record)
		for i, c := range checks {
			if !c.OfUnit() {
				b.WriteString(" " + probeArguments(i, c))
			}
		}
		b.WriteString("\n")
	}
	if slices.ContainsFunc(checks, mesh.Check.OfUnit) {
		b.WriteString(livesPart)
	}
	for i, c := range checks {
		if c.OfUnit() {
			// To say that it is active takes systemd less than to describe it.
			fmt.Fprintf(b, "printf '%%s probe %[1]d\n' \"$T\"; if %[3]ssystemctl is-active -q -- %[2]s 2>/dev/null; then printf 'ActiveState=active\n'; else systemctl show -p ActiveState,Result -- %[2]s 2>/dev/null; fi; printf '\n%%s probeend %[1]d unit\n' \"$T\"\n", i, quote(primitive.UnitFile(c.Path)), livesOr(lives, c.Path))
		}
	}
}

// livesPart has ms_lives BOOT PID TICKS: whether the process that began then is still there. Of a service that
// systemd said was up with it, that is enough, and it takes no process, where systemctl is the dearest one.
const livesPart = `ms_lives() {
  { read -r x </proc/sys/kernel/random/boot_id && [ "$x" = "$1" ] && read -r x <"/proc/$2/stat"; } 2>/dev/null || return 1
  t=$3
  set -f
  # shellcheck disable=SC2086 # the fields are wanted one by one
  set -- ${x##*) }
  set +f
  case $1 in Z|X) return 1;; esac
  [ $# -ge 20 ] && [ "${20}" = "$t" ]
}
`

// livesOr is the shell condition of a unit that is known by its process, with the operator behind it.
func livesOr(lives map[string]mesh.ServiceRecord, unit string) string {
	r, known := lives[unit]
	if !known || r.PID == 0 {
		return ""
	}
	return fmt.Sprintf("ms_lives %s %d %d || ", quote(r.BootID), r.PID, r.StartTicks)
}

// probeArguments are the five arguments of a probe, as shell words.
func probeArguments(i int, c mesh.Check) string {
	kind, send, path, at := "tcp", "", "", strconv.Itoa(c.Port)
	switch c.Kind {
	case "zookeeper.ensemble":
		send = "srvr"
	case "zookeeper.conf":
		send = "conf"
	case "mesos.masters", "mesos.agent":
		kind, path = "http", "/metrics/snapshot"
	case "mesos.flags":
		kind, path = "http", "/flags"
	case "marathon":
		kind, path = "http", "/ping"
	case "consul":
		kind, path = "http", "/v1/status/leader"
	case "docker":
		kind, path = "http", "/_ping"
	case "haproxy":
		send = "show info\n"
	case "http":
		kind, path = "http", c.Path
	}
	if c.OfSocket() {
		at = rooted(c.Path)
	}
	if kind == "http" {
		send = "GET " + path + " HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
	}
	return fmt.Sprintf("%d %s %s %s %s", i, kind, at, quote(send), quote(path))
}
