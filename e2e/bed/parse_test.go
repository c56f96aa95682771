//go:build linux

package bed

import (
	"slices"
	"testing"
)

func TestParseMounts(t *testing.T) {
	t.Parallel()
	got := parseMounts(`22 1 254:0 / / rw,relatime - ext4 /dev/root rw
35 22 0:31 / /sys/fs/cgroup/unified rw shared:5 master:1 - cgroup2 none rw
36 22 0:32 / /var/a\040b rw - overlay overlay rw,lowerdir=/x
torn line
`)
	want := []mounted{{"/", "ext4"}, {"/sys/fs/cgroup/unified", "cgroup2"}, {"/var/a b", "overlay"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzParseMounts(f *testing.F) {
	f.Add("22 1 254:0 / / rw - ext4 /dev/root rw\n")
	f.Add("- - - - - -\n")
	f.Fuzz(func(_ *testing.T, text string) { parseMounts(text) })
}

func TestDebianOf(t *testing.T) {
	t.Parallel()
	got := debianOf("Debian|deb http://b/ bookworm main\nOther|deb http://x/ y z\n|deb http://n/ o p\n" +
		"Debian|deb http://a/ bookworm main\nDebian|deb http://b/ bookworm main\n")
	if want := []string{"deb http://a/ bookworm main", "deb http://b/ bookworm main"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
