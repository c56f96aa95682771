package host

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/primitive"
)

// batch is one work turned into a script and its payload.
type batch struct {
	mesh, token string
	work        plan.Work
	starts      []*serviceStart
	record      recordPlan
	lease       mesh.Lease
	// leaseIsFresh: it was taken or renewed a moment ago.
	leaseIsFresh bool
	last         mesh.TargetState
	parts        []part
	size         int              // of the payload, which is the parts one after another that the script does not hold
	early        map[int]bool     // changes that are checked before packages are installed
	slices       map[string]slice // file path, or "record" → where in the payload
	secrets      []int            // of work.Changes, those whose content is a secret
}

// part is the content of a file, by its path, or of the "record".
type part struct {
	name, text string
	secret     bool
}

// slice is where a part is in the payload. One that the script holds has a number below 0 in place of an offset.
type slice struct{ off, size int }

func (s slice) inline() bool { return s.off < 0 }

func newBatch(meshName, token string, w plan.Work, last mesh.TargetState, secrets Secrets) (*batch, error) {
	b := &batch{mesh: meshName, token: token, work: w, last: last, slices: map[string]slice{}}
	b.derive()
	for i, c := range w.Changes {
		if _, file := c.After["content"]; !file {
			continue
		}
		if c.Secret != nil {
			v, err := secretOf(c, secrets)
			if err != nil {
				return nil, err
			}
			b.secrets = append(b.secrets, i)
			b.parts = append(b.parts, part{c.Addr.Name, v.Reveal(), true})
			continue
		}
		if c.AfterText == nil {
			return nil, fmt.Errorf("%s: its content is not known", c.Addr)
		}
		b.add(c.Addr.Name, *c.AfterText)
	}
	b.add(recordPart, strings.Join(b.record.static, ",\n"))
	b.lay()
	return b, nil
}

// derive works out what follows from the changes.
func (b *batch) derive() {
	b.starts = startsOf(b.work, b.last)
	b.record = planRecord(b.last, b.mesh, b.work, b.starts)
}

func (b *batch) add(name, text string) { b.parts = append(b.parts, part{name, text, false}) }

// script carries out the batch. Like observeScript it is one function, called by its
// last line with no input; contents are not in it. It holds a lock for its life. Each
// action is announced before it starts and reported when it ended, as lines that begin
// with the token.
func (b *batch) script() string {
	var s strings.Builder
	fmt.Fprintf(&s, "ms_batch() {\nT=%s\n%s", quote(b.token), observePrelude)
	fmt.Fprintf(&s, "B=%s RUN=%s M=%s PAYLOAD=%d\n", rooted(stateDir(b.mesh)), quote(b.work.Run), quote(b.mesh), b.size)
	s.WriteString(lockFunction + changePrelude + b.payloadPart() + leftPart + slowPart + placePart + b.holdsLease() + settledPart + b.sameRecord() + b.sweep() + secretPart + digestPart + noteFunctions + nowFunction() + processPart)
	s.WriteString(b.functions())
	s.WriteString(b.watch())
	b.recordState(&s)
	s.WriteString("ms_write_record || { printf '%s broken %s\\n' \"$T\" 'the record cannot be written'; return 1; }\n")
	b.noteSecrets(&s)
	b.changes(&s)
	s.WriteString("ms_out\n")
	s.WriteString(b.reloadUnits())
	for j, st := range b.work.Services {
		b.step(&s, j, st)
	}
	for i, c := range b.work.Changes {
		if c.Addr.Kind == mesh.Service {
			s.WriteString(b.serviceChange(i, c))
		}
	}
	s.WriteString("D=''; ms_write_record && { [ -z \"$FAILED\" ] || ms_recorded; } && printf '%s record %s\\n' \"$T\" \"$D\" || printf '%s broken %s\\n' \"$T\" 'the record cannot be written'\n")
	s.WriteString(b.keepsLease() + `[ ! -f "$B/unfinished" ] || true >"$B/unfinished"
true >"$B/lock"
printf '%s end\n' "$T"
}
{ ms_batch </dev/null; r=$?; [ ! -e "$B/staging/$RUN" ] || rm -f -- "$B/staging/$RUN"; exit "$r"; }
`)
	return s.String()
}

// holdsLease ends the script when the lease is no longer the run's own, and renews one that
// was not taken or renewed just now.
func (b *batch) holdsLease() string {
	if b.lease.Run == "" {
		return ""
	}
	held := leaseFunctions + leaseState(b.lease) + `ms_holder
if [ "$l_run" != "$RUN" ]; then printf '%s lost %s\n' "$T" "$l_run"; return 0; fi
ms_uptime
begun=$up
`
	if b.leaseIsFresh {
		return held
	}
	return held + `ms_clock
ms_renew || { printf '%s broken %s\n' "$T" "$W"; return 0; }
`
}

// keepsLease renews the lease at the end of a batch that took long, while nobody else can
// take it: a batch may last longer than a lease.
func (b *batch) keepsLease() string {
	if b.lease.Run == "" {
		return ""
	}
	return fmt.Sprintf("ms_uptime\n[ $((up-begun)) -lt %d ] || { ms_clock; ms_renew; }\n", int(mesh.LeaseTime/time.Second)/5)
}

// sameRecord ends the script when the record is no longer the one that was observed:
// another run worked here since, and a record made from the older one would undo its
// entries. A corrupt record is nobody's, and some shells cannot even read it exactly.
func (b *batch) sameRecord() string {
	if b.last.RecordState == mesh.RecordCorrupt {
		return ""
	}
	seen := cmp.Or(b.last.RecordDigest, mesh.DigestBytes(nil))
	return fmt.Sprintf("ms_recorded; if [ \"$D\" != %s ]; then printf '%%s moved\\n' \"$T\"; return 0; fi\n", quote(strings.TrimPrefix(seen, "sha256:")))
}

// changePrelude takes the lock and defines the operations. Each returns 1 with the
// reason in W when it fails.
const changePrelude = changeVariables + `[ -d "$B/staging" ] || W=$({ mkdir -p -- "$B" && umask 077 && mkdir -p -- "$B/staging"; } 2>&1) || { printf '%s broken %s\n' "$T" "cannot make $B: ${W##*: }"; return 1; }
# A lock that cannot be opened would end the shell without a word.
{ umask 077; true >>"$B/lock"; } 2>/dev/null || { printf '%s broken %s\n' "$T" "cannot write into $B: $({ true >>"$B/lock"; } 2>&1)"; return 1; }
ms_lock || { printf '%s busy %s\n' "$T" "$h"; return 0; }
# $$ is the shell that waits for scripts, of which this is a subshell.
me=$$
{ read -r me x </proc/self/stat; } 2>/dev/null
ms_ticks "$me"
printf 'run %s pid %s\n%s\n' "$RUN" "$me" "$ticks" >"$B/lock"
` + operations

// changeVariables are what the functions of a batch go by.
const changeVariables = `umask 022
W='' FAILED='' NOTED='' SAID='' AT='' BESIDE='' Z=0 TEMP=.meshsync-$M.$RUN HOME_DIR=$PWD
`

// operations are the functions that every batch has.
const operations = `# ms_recorded: the digest of the record as it is, into D.
ms_recorded() {
  r=$B/record.json
  [ -f "$r" ] || r=/dev/null
  D=$(sha256sum <"$r")
  D=${D%% *}
}
ms_fail() { FAILED=1; printf '%s failed %s %s\n' "$T" "$1" "$(printf '%s' "$2" | tr '\n' ' ')"; }
ms_done() { printf '%s done %s\n' "$T" "$1${2:+ $2}"; }
# ms_try CMD…: keeps what a failing command says. What it leaves running holds neither lock nor payload.
ms_try() { W=$("$@" 2>&1 7<&- 9>&-) || { W=${W:-"$1 failed"}; return 1; }; }
# ms_run CMD…: ms_try for what others wrote. It waits for the command, and not for what that leaves
# running with its output open, which goes to a file without a name, for root alone.
ms_run() {
  if [ -z "$SAID" ]; then
    (umask 077; true >"$B/staging/said-$RUN") && exec 6<>"$B/staging/said-$RUN" && rm -f -- "$B/staging/said-$RUN" || { W="cannot write into $B/staging"; return 1; }
    SAID=1
  fi
  "$@" >/proc/self/fd/6 2>&1 </dev/null 6<&- 7<&- 9>&- || { W=$(tail -c 4096 /proc/self/fd/6); W=${W:-"it says nothing"}; return 1; }
}
# ms_check I EXPECTED: N, which says how it is now, must be as it was planned on; else
# nothing is written. Of a secret that was seen without a key, the content is not known.
ms_check() {
  case $2 in
  *' keyed:') [ "${N% keyed:*} keyed:" = "$2" ] && return 0;;
  *) [ "$N" = "$2" ] && return 0;;
  esac
  FAILED=1
  printf '%s conflict %s %s\n' "$T" "$1" "${N%%"$nl"*}"
  return 1
}
# ms_sync PATH…: files, and directories for their entries, are on the disk.
ms_sync() { sync -- "$@" 2>/dev/null || sync; }
`

// serviceChange reports on a service's own resource: its steps did the work.
func (b *batch) serviceChange(i int, c diff.Change) string {
	done := fmt.Sprintf("E%d=%s; ms_done %d", i, quote(b.record.changes[i].holds), i)
	if c.Action == diff.Release {
		return done + "\n"
	}
	return fmt.Sprintf("printf '%%s start %[1]d\\n' \"$T\"\nif [ -z \"$FAILED\" ]; then %[2]s; else ms_fail %[1]d 'something before it failed'; fi\n", i, done)
}

// recordState sets the shell variables that the record is assembled from: E0… for the
// entries of this work's changes, K for service records that stay, S0… for those of steps.
func (b *batch) recordState(s *strings.Builder) {
	var entries, services []string
	for i, e := range b.record.changes {
		fmt.Fprintf(s, "E%d=%s\n", i, quote(e.intends))
		entries = append(entries, fmt.Sprintf("\"$E%d\"", i))
	}
	for i, k := range b.record.kept {
		fmt.Fprintf(s, "K%d=%s\n", i, quote(k))
		services = append(services, fmt.Sprintf("\"$K%d\"", i))
	}
	for j, t := range b.record.steps {
		fmt.Fprintf(s, "S%d=%s\n", j, quote(t.was))
		services = append(services, fmt.Sprintf("\"$S%d\"", j))
	}
	s.WriteString(b.static())
	fmt.Fprintf(s, `ms_list() { for x do if [ -n "$x" ]; then printf '%%s%%s' "$sep" "$x" || return 1; sep=",$nl"; fi; done; }
ms_write_record() {
  t="$B/.record" sep=''
  { printf '%%s' %s && ms_list "$STATIC" %s && printf '%%s' %s && sep='' && ms_list %s && printf '%%s' %s; } >"$t" || { rm -f -- "$t"; return 1; }
  ms_sync "$t" ${NOTED:+"$NOTED"} && mv -f -T -- "$t" "$B/record.json" && ms_sync "$B" "${B%%/*}" "${B%%/*/*}" || return 1
}
`, quote(b.record.head+beforeEntries), strings.Join(entries, " "), quote(beforeServices), strings.Join(services, " "), quote(recordEnd))
}

// reloadUnits has systemd read its units anew when the batch wrote one, of whatever unit, and when one
// of those that are to be touched is another on disk than what it has loaded. That takes
// some seconds on a busy host, so it is not done for nothing.
func (b *batch) reloadUnits() string {
	switch {
	case b.writesUnits():
		return "ms_reread\n"
	case len(b.work.Services) == 0:
		return ""
	}
	var units, fragments, dropIns []string
	for _, s := range b.work.Services {
		units = append(units, quote(primitive.UnitFile(s.Unit)))
		var places []string
		for _, file := range primitive.UnitFiles(s.Unit) {
			places = append(places, rooted(file))
			dropIns = append(dropIns, rooted(file)+".d/*.conf")
		}
		fragments = append(fragments, "ms_fragment "+strings.Join(places, " "))
	}
	known := "false"
	if !b.unitsMayMove() {
		known = "true"
	}
	return fmt.Sprintf(loadedPart, known, strings.Join(units, " "), strings.Join(fragments, " && "), strings.Join(dropIns, " "))
}

// writesUnits reports whether a change is one of a unit's files.
func (b *batch) writesUnits() bool {
	return slices.ContainsFunc(b.work.Changes, func(c diff.Change) bool { return c.Action != diff.Release && primitive.InUnits(c.Addr.Name) })
}

// bringsUnits reports whether systemd may go by other units behind the changes than when it was observed: packages
// bring some and have it read them, and so may commands.
func (b *batch) bringsUnits() bool {
	return b.writesUnits() || changesPackages(b.work.Changes) || slices.ContainsFunc(b.work.Changes, func(c diff.Change) bool {
		p, _ := primitive.Of(c.Addr.Kind)
		return p.Recorded != nil
	})
}

// unitsMayMove reports whether systemd may have to read a unit anew though its files are as they
// were: it said so when it was observed, or packages change, which bring units.
func (b *batch) unitsMayMove() bool {
	return slices.ContainsFunc(b.work.Services, func(s plan.ServiceStep) bool {
		return b.last.Host == nil || slices.Contains(b.last.Host.Reload, s.Unit)
	}) ||
		slices.ContainsFunc(b.work.Changes, func(c diff.Change) bool { return c.Addr.Kind == mesh.Package })
}

// loadedPart asks what systemd has loaded. Of a file that it has and that is another now it
// says NeedDaemonReload, but not of a unit that now stands before the one that it has, nor
// of the first drop-in in a new folder (systemd 252). ms_fragment goes through the places of a unit's file.
// Where there is nothing but what packages brought, nobody is asked.
const loadedPart = `u=''
ms_fragment() {
  for f do
    if [ -e "$f" ] || [ -L "$f" ]; then
      case $f in "$R/lib/"*) return 0;; esac
      case $u in *"FragmentPath=${f#"$R"}$nl"*) return 0;; *) return 1;; esac
    fi
  done
}
ms_drop_ins() {
  for f do
    [ -e "$f" ] || continue
    case $u in *[=\ ]"${f#"$R"}"[\ "$nl"]*) ;; *[=\ ]"/usr${f#"$R"}"[\ "$nl"]*) ;; *) return 1;; esac
  done
}
ms_loaded() {
  if %[1]s && %[3]s && ms_drop_ins %[4]s; then return 0; fi
  u="$nl$(systemctl show -p NeedDaemonReload,FragmentPath,DropInPaths -- %[2]s 2>/dev/null)$nl"
  case $u in *NeedDaemonReload=yes*) return 1;; esac
  %[3]s && ms_drop_ins %[4]s
}
ms_loaded || ms_reread
`

// step is the shell code of one service step. None is taken after a failure or
// conflict. After a start the process is put into the record only when what it reads
// was the same right before and right after: otherwise nobody knows what it took in. Until
// then its record stays: it is of the process as it was, and of no other.
func (b *batch) step(s *strings.Builder, j int, st plan.ServiceStep) {
	n := len(b.work.Changes) + j
	same := b.sameReads(b.starts[j])
	fmt.Fprintf(s, "if [ -z \"$FAILED\" ]; then\nprintf '%%s start %d\\n' \"$T\"\n", n)
	if same != "" {
		fmt.Fprintf(s, "ok='' KEPT=''; if %s; then ok=1; fi\n", same)
	}
	fmt.Fprintf(s, "if %s; then S%d=''; ms_done %d\n", b.operation(j, st), j, n)
	if same != "" {
		fmt.Fprintf(s, "if [ -n \"$ok\" ] && %[1]s && %[2]s; then S%[3]d=%[4]s; printf '%%s service %[3]d %%s\n' \"$T\" \"$S%[3]d\"; fi\n",
			same, process(st), j, substituted(b.record.steps[j].starts))
	}
	fmt.Fprintf(s, "else ms_fail %d \"$W\"; fi\nelse printf '%%s skipped %d\\n' \"$T\"; fi\n", n, n)
}

// operation is the shell command of a service step.
func (b *batch) operation(j int, st plan.ServiceStep) string {
	unit := quote(primitive.UnitFile(st.Unit))
	switch {
	case st.Op != plan.OpReload:
		tidy := ""
		if b.last.Host != nil && slices.Contains(b.last.Host.Tidy, st.Unit) && !b.bringsUnits() {
			tidy = " tidy"
		}
		return fmt.Sprintf("old=''; ms_unit %s %s%s", st.Op, unit, tidy)
	case b.starts[j].renew:
		return "ms_reload " + unit + " && ms_renewed " + unit
	default:
		return "ms_reload " + unit
	}
}

// process is the shell command that finds out which process runs after a step.
func process(st plan.ServiceStep) string {
	command := "ms_process " + quote(primitive.UnitFile(st.Unit))
	if st.Spec.On == mesh.OnReload {
		command += " && ms_new_worker"
	}
	return command
}

// substituted is a shell word of a service record with the process's numbers in place.
func substituted(text string) string {
	q := quote(text)
	q = strings.Replace(q, bootHere, `'"$boot"'`, 1)
	q = strings.Replace(q, pidHere, `'"$pid"'`, 1)
	q = strings.Replace(q, ticksHere, `'"$ticks"'`, 1)
	q = strings.Replace(q, workerHere, `'"$worker"'`, 1)
	return foundHere.ReplaceAllString(q, `'"$$KEPT$1"'`)
}

// sameReads is a shell condition that holds when everything a service reads is as
// expected; "" when that cannot be told.
func (b *batch) sameReads(st *serviceStart) string {
	if st == nil || st.reads == nil {
		return ""
	}
	var files, sums, tests []string
	addFile := func(path, digest string) {
		if strings.HasPrefix(digest, mesh.KeyedPrefix) {
			tests = append(tests, fmt.Sprintf("ms_keyed_of %s && [ \"$D\" = %s ]", rooted(path), quote(digest)))
			return
		}
		files = append(files, rooted(path))
		sums = append(sums, quote(strings.TrimPrefix(digest, "sha256:")+"  ")+rooted(path))
	}
	for _, path := range sortedKeys(st.reads) {
		r := st.reads[path]
		dir, isDir := strings.CutSuffix(path, "/")
		name, isPackage := mesh.PackageRead(path)
		switch {
		case isPackage:
			version := strings.TrimPrefix(strings.TrimPrefix(r.Digest, mesh.VersionDigest("")), mesh.AbsentDigest)
			tests = append(tests, fmt.Sprintf("[ \"$(dpkg-query -W -f '${Version}' -- %s 2>/dev/null)\" = %s ]", quote(name), quote(version)))
		case r.Digest == asFound:
			tests = append(tests, fmt.Sprintf("ms_kept %d %s", slices.Index(st.found, path), rooted(path)))
		case r.Digest == mesh.AbsentDigest:
			tests = append(tests, "[ ! -e "+rooted(dir)+" ]")
		case !isDir:
			addFile(path, r.Digest)
		default:
			names := sortedKeys(r.Entries)
			tests = append(tests, fmt.Sprintf("[ \"$(ls -A -- %s | sort)\" = %s ]", rooted(dir), quote(strings.Join(names, "\n"))))
			for _, name := range names {
				if e := r.Entries[name]; strings.HasPrefix(e, "sha256:") || strings.HasPrefix(e, mesh.KeyedPrefix) {
					addFile(path+name, r.Entries[name])
				}
			}
		}
	}
	if len(files) > 0 {
		all := strings.Join(files, " ")
		tests = append(tests, fmt.Sprintf("ms_slow %s && [ \"$($slow sha256sum -- %s 2>/dev/null)\" = %s ]", all, all, strings.Join(sums, `"$nl"`)))
	}
	return strings.Join(tests, " && ")
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
