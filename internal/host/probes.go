package host

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// probesPart asks services at 127.0.0.1 with what the host has. bash asks them all, and
// reads the record and when the host was booted, in one process: a POSIX sh reads byte by
// byte, and of /proc/stat that may be 20,000 of them. Without it curl, else perl, which is on every
// Debian, asks one each. The reply to a probe stands between two lines of the script's;
// the second says how it ended: the HTTP status by curl, else the exit status (0, 7
// refused, 28 too slow), or no_client. The arguments of each probe are its number, http
// or tcp, the port, what to send, and for curl the path.
const probesPart = `ms_without_bash() {
  [ -n "$1" ] || return 0
  while read -r k v; do if [ "$k" = btime ]; then printf '%s btime %s\n' "$T" "$v"; break; fi; done </proc/stat
  printf '%s record\n' "$T"
  [ ! -f "$1" ] || cat -- "$1"
  printf '\n%s recordend\n' "$T"
}
ms_probe() {
  printf '%s probe %s\n' "$T" "$1"
  if [ "$2" = http ] && command -v curl >/dev/null 2>&1; then
    s=$(curl -s -m 3 -o - -w '\nms_status:%{http_code}' -- "http://127.0.0.1:$3$5" 2>/dev/null; printf ' %s' "$?")
    r=${s##* } s=${s% *}
    c=${s##*ms_status:}
    printf '%s' "${s%"$nl"ms_status:*}"
    case $r in 0) r="0 $c";; 7) r=refused;; 28) r=timeout;; *) r="error";; esac
  elif command -v perl >/dev/null 2>&1; then
    perl -MIO::Socket::INET -e "$ms_perl" "$3" "$4"; r="$2 $?"
  else r=no_client; fi
  printf '\n%s probeend %s %s\n' "$T" "$1" "$r"
}
ms_perl='alarm 3; $SIG{ALRM}=sub{exit 28}; my($p,$m)=@ARGV;
my $s=IO::Socket::INET->new(PeerAddr=>"127.0.0.1",PeerPort=>$p,Timeout=>3) or exit($!{ETIMEDOUT} ? 28 : 7);
exit 0 if $m eq ""; print $s $m; $s->flush; my $n=0; while(sysread($s,my $b,8192)){print $b; $n+=length $b; last if $n>65536}'
` + bashPart

// bashPart connects in a process of its own, which costs a fork, because bash has no
// limit on the time that a connection takes: a service that hangs with a full queue
// would hang the script. A reply is read by its size: up to a delimiter, bash reads byte by byte.
const bashPart = `ms_bash='T=$1 f=$2
shift 2
if [ -n "$f" ]; then
  IFS= read -r -d "" l </proc/stat
  l=${l#*btime }
  printf "%s btime %s\n%s record\n" "$T" "${l%%[!0-9]*}" "$T"
  [ ! -f "$f" ] || { IFS= read -r -d "" l <"$f"; printf "%s" "$l"; }
  printf "\n%s recordend\n" "$T"
fi
while [ $# -gt 0 ]; do
  IFS= read -r -N 70000 -t 4 l < <(exec 3<>"/dev/tcp/127.0.0.1/$3" || exit
    printf "ok "
    [ -n "$4" ] || exit
    printf "%s" "$4" >&3
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

// writeProbes writes the probes, the boot time and the record. The record is its path as
// a shell word, which is empty when it is not wanted.
func writeProbes(b *strings.Builder, record string, checks []mesh.Check) {
	b.WriteString(probesPart)
	if len(checks) == 0 {
		fmt.Fprintf(b, "ms_without_bash %s\n", record)
		return
	}
	fmt.Fprintf(b, "if command -v bash >/dev/null 2>&1; then bash -c \"$ms_bash\" bash \"$T\" %s", record)
	for i, c := range checks {
		b.WriteString(" " + probeArguments(i, c))
	}
	fmt.Fprintf(b, " 2>/dev/null\nelse\nms_without_bash %s\n", record)
	for i, c := range checks {
		b.WriteString("ms_probe " + probeArguments(i, c) + "\n")
	}
	b.WriteString("fi\n")
}

// probeArguments are the five arguments of a probe, as shell words.
func probeArguments(i int, c mesh.Check) string {
	kind, send, path := "tcp", "", ""
	switch c.Kind {
	case "zookeeper.ensemble":
		send = "srvr"
	case "mesos.masters", "mesos.agent":
		kind, path = "http", "/metrics/snapshot"
	case "http":
		kind, path = "http", c.Path
	}
	if kind == "http" {
		send = "GET " + path + " HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
	}
	return fmt.Sprintf("%d %s %d %s %s", i, kind, c.Port, quote(send), quote(path))
}
