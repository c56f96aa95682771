package host

import (
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// probesPart asks a service at 127.0.0.1 with what the host has: bash, which is the
// quickest to start, else curl, else perl, which is on every Debian. One process for
// each probe. Each prints its reply between two lines of the script's; the second has
// how it ended: the HTTP status by curl, the exit status of bash or perl (7 refused, 28
// too slow), or no_client.
const probesPart = `ms_http() {
  printf '%s probe %s\n' "$T" "$1"
  if command -v bash >/dev/null 2>&1; then
    bash -c "$ms_bash" bash "$2" "GET $3 HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" 2>/dev/null; r="http $?"
  elif command -v curl >/dev/null 2>&1; then
    s=$(curl -s -m 3 -o - -w '\nms_status:%{http_code}' -- "http://127.0.0.1:$2$3" 2>/dev/null; printf ' %s' "$?")
    r=${s##* } s=${s% *}
    c=${s##*ms_status:}
    printf '%s' "${s%"$nl"ms_status:*}"
    case $r in 0) r="0 $c";; 7) r=refused;; 28) r=timeout;; *) r="error";; esac
  elif command -v perl >/dev/null 2>&1; then
    perl -MIO::Socket::INET -e "$ms_perl" "$2" "GET $3 HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"; r="http $?"
  else r=no_client; fi
  printf '\n%s probeend %s %s\n' "$T" "$1" "$r"
}
ms_tcp() {
  printf '%s probe %s\n' "$T" "$1"
  if command -v bash >/dev/null 2>&1; then bash -c "$ms_bash" bash "$2" "$3" 2>/dev/null; r="tcp $?"
  elif command -v perl >/dev/null 2>&1; then perl -MIO::Socket::INET -e "$ms_perl" "$2" "$3"; r="tcp $?"
  else r=no_client; fi
  printf '\n%s probeend %s %s\n' "$T" "$1" "$r"
}
ms_perl='alarm 3; $SIG{ALRM}=sub{exit 28}; my($p,$m)=@ARGV; $m=~s/\\r\\n/\r\n/g;
my $s=IO::Socket::INET->new(PeerAddr=>"127.0.0.1",PeerPort=>$p,Timeout=>3) or exit 7;
exit 0 if $m eq ""; print $s $m; $s->flush; my $n=0; while(sysread($s,my $b,8192)){print $b; $n+=length $b; last if $n>65536}'
ms_bash='exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 7
[ -n "$2" ] || exit 0
printf "%b" "$2" >&3
IFS= read -r -d "" -t 3 l <&3
r=$?
printf "%s" "$l"
[ "$r" -le 1 ] || exit 28'
`

func writeProbes(b *strings.Builder, checks []mesh.Check) {
	if len(checks) == 0 {
		return
	}
	b.WriteString(probesPart)
	for i, c := range checks {
		switch c.Kind {
		case "zookeeper.ensemble":
			fmt.Fprintf(b, "ms_tcp %d %d srvr\n", i, c.Port)
		case "mesos.masters", "mesos.agent":
			fmt.Fprintf(b, "ms_http %d %d /metrics/snapshot\n", i, c.Port)
		case "http":
			fmt.Fprintf(b, "ms_http %d %d %s\n", i, c.Port, quote(c.Path))
		case "tcp":
			fmt.Fprintf(b, "ms_tcp %d %d ''\n", i, c.Port)
		}
	}
}
