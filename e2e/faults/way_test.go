//go:build linux

package faults

import (
	"fmt"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// TestWhatIsInTheWay has each failure named, the old state whole, and the next run right once
// somebody has mended it.
func TestWhatIsInTheWay(t *testing.T) {
	l := newLab(t)
	big := strings.Repeat("new", 400_000)
	for _, x := range []struct {
		name, fault, mend string
		says              string // in the message of what failed
		text              string
	}{
		{"full disk", "mount -t tmpfs -o size=64k,mode=755 none /srv/t; mkdir /srv/t/d; printf old >/srv/t/d/changed", "mount -o remount,size=8m /srv/t", "is the disk full?", big},
		{
			"full disk below the record", "mkdir -p /var/lib/meshsync/prod; mount -t tmpfs -o size=16k,mode=755 none /var/lib/meshsync/prod",
			"mount -o remount,size=8m /var/lib/meshsync/prod", "No space left on device", big,
		},
		{
			"read-only mount", "mount -t tmpfs -o size=1m,mode=755 none /srv/t; mkdir /srv/t/d; printf old >/srv/t/d/changed; mount -o remount,ro /srv/t",
			"mount -o remount,rw /srv/t", "Read-only file system", "new",
		},
		{
			"read-only mount below the record", "mkdir -p /var/lib/meshsync/prod; mount -t tmpfs -o size=1m,ro none /var/lib/meshsync/prod",
			"mount -o remount,rw /var/lib/meshsync/prod", "Read-only file system", "new",
		},
		{"immutable file", "chattr +i /srv/t/d/changed", "chattr -i /srv/t/d/changed", "Operation not permitted", "new"},
		{"immutable file on a tmpfs", "mount -t tmpfs -o size=1m,mode=755 none /srv/t; mkdir /srv/t/d; printf old >/srv/t/d/changed; chattr +i /srv/t/d/changed", "chattr -i /srv/t/d/changed", "Operation not permitted", "new"},
		{"immutable directory", "chattr +i /srv/t/d", "chattr -i /srv/t/d", "Operation not permitted", "new"},
		{"directory in the way", "mkdir -p /srv/t/d/created; echo x >/srv/t/d/created/it\\'s", "rm -r /srv/t/d/created", "the directory there is not empty", "new"},
		{"link of another user on the way", "chown -R reader /srv/t/d; mv /srv/t/d /srv/t/real; mkdir /srv/t/root; printf old >/srv/t/root/changed; ln -s root /srv/t/d; chown -h reader /srv/t/d", "rm /srv/t/d; mv /srv/t/real /srv/t/d", "is a symbolic link that another user owns", "new"},
	} {
		l.afterAFailure(t)
		t.Run(x.name, func(t *testing.T) {
			l.Must(t, `umount -q /srv/t /var/lib/meshsync/prod; chattr -i /srv/t/d /srv/t/d/changed 2>/dev/null
rm -rf /srv/t /var/lib/meshsync; mkdir -p /srv/t/d; printf old >/srv/t/d/changed`)
			if r := l.Exec(t, x.fault); r.Exit != 0 {
				if strings.Contains(x.fault, "chattr") {
					t.Skip("this file system or host has no immutable files: " + strings.TrimSpace(r.Stderr))
				}
				t.Fatal(r.Stderr)
			}
			want := []mesh.Resource{file("/srv/t/d/changed", x.text), file("/srv/t/d/created", x.text)}
			h := l.target(t, want)
			got, err := apply(t, h, planned(t, h, "first", want))
			said, failed := got.String(), false
			for _, o := range got {
				failed = failed || o.Result == plan.ResultFailed
			}
			if err != nil {
				said += err.Error()
			}
			if !failed || !strings.Contains(said, x.says) {
				t.Errorf("it says %q, not %q", said, x.says)
			}
			if text := l.Get(t, "/srv/t/d/changed"); text != "old" && text != x.text {
				t.Errorf("the file is neither old nor new: %d bytes", len(text))
			}
			l.Must(t, x.mend)
			l.settles(t, want)
		})
	}
}

// TestADirectoryThatAUserTurnsElsewhere has the user act at each third moment of a write.
func TestADirectoryThatAUserTurnsElsewhere(t *testing.T) {
	l := newLab(t)
	for n := 1; ; n += 3 {
		l.Must(t, `rm -rf /srv/u /srv/root /var/lib/meshsync; mkdir -p /srv/u/d /srv/root; chown -R reader /srv/u
for f in /srv/u/d/f /srv/root/f /srv/root/new; do printf old >$f; done`)
		want := []mesh.Resource{file("/srv/u/d/f", "new"), symlink("/srv/u/d/l", "/x"), directory("/srv/u/d/s/s", false)}
		h := l.target(t, want)
		w := l.ready(t, h, "first", want)
		l.hook(t, n, "tail", "mv", "chown", "chmod", "mkdir", "cp", "ln")
		stopped, ended := l.at(t, h, w, func() {
			l.Must(t, `setpriv --reuid=reader --clear-groups --inh-caps=-all sh -c 'mv /srv/u/d /srv/u/e; ln -s /srv/root /srv/u/d; cd /srv/u/e; for e in .mesh*; do mv "$e" x; ln -s /srv/root "$e"; done; true'`)
			l.let(t)
		})
		if err := <-ended; err != nil {
			t.Error(err)
		}
		l.unhook(t)
		if got := l.Must(t, "cd /srv/root; ls -A; cat f new; stat -c %U . f"); got != "f\nnew\noldoldroot\nroot\n" {
			t.Fatalf("call %d: what root owns was changed: %s", n, got)
		}
		if !stopped {
			t.Logf("%d moments", n/3)
			return
		}
		l.Must(t, "rm /srv/u/d; mv /srv/u/e /srv/u/d; cd /srv/u/d; find . -name '.mesh*' -type l -delete; [ ! -e x ] || rm -r x")
		l.settles(t, want)
		if t.Failed() {
			t.Fatalf("turned at call %d", n)
		}
	}
}

// TestNamesAreData has names that would be code if quoting were wrong, those of others too.
func TestNamesAreData(t *testing.T) {
	l := newLab(t)
	l.Must(t, `mkdir -p '/srv/t/a b'; cd '/srv/t/a b'; for f in 'it'\''s' '"q"' '$(touch canary)' '-rf' "$(printf '\377\376')" ' '; do echo stray >"./$f"; done`)
	want := []mesh.Resource{directory("/srv/t/a b", true)}
	for i, n := range []string{`$(touch canary)`, "it's", `a "b"`, "`touch canary`", "-n", "ä", `\`, "*"} {
		want = append(want, file("/srv/t/a b/"+n, fmt.Sprint(i, n)), symlink("/srv/t/a b/l"+n, n))
	}
	l.settles(t, want)
	if got := l.Must(t, "find / -xdev -name canary; ls -A '/srv/t/a b' | wc -l"); got != "16\n" {
		t.Errorf("canaries and entries: %s", got)
	}
	l.Must(t, `printf x >'/srv/t/a b/new
line'`)
	s := l.target(t, want).Observe(t.Context())
	if s.Outcome != mesh.OK || len(s.Unknown) != 1 || !strings.Contains(s.Unknown[0].Reason, "line break") {
		t.Errorf("a stray with a line break: %s %+v", s.Outcome, s.Unknown)
	}
}
