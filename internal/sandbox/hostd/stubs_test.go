package hostd

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestStubsPassShellcheck checks each program that stands in a host's PATH.
func TestStubsPassShellcheck(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is not installed")
	}
	for name, text := range allStubs(ModePlain) {
		cmd := exec.Command("shellcheck", "-")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("the stub of %s: %v\n%s", name, err, out)
		}
	}
}

// TestVersionsAreOrdered compares with what dpkg --compare-versions says of each pair.
func TestVersionsAreOrdered(t *testing.T) {
	t.Parallel()
	ascending := []string{"1.0~rc1-1", "1.0~rc2-1", "1.0", "1.0-1", "1.0-1+b1", "1.0-1+deb12u1", "1.0a", "1.0+x", "1.2", "1.10", "1.010.1", "2", "1:0.1"}
	_, err := exec.LookPath("dpkg")
	for i, a := range ascending {
		for j, b := range ascending {
			got := compareVersions(a, b)
			if (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("compare %s with %s: %d", a, b, got)
			}
			if err == nil && (exec.Command("dpkg", "--compare-versions", a, "lt", b).Run() == nil) != (got < 0) {
				t.Errorf("dpkg orders %s and %s in another way", a, b)
			}
		}
	}
}

func TestAPlausibleVersionFitsThePattern(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]string{
		"": "1.0-1", "any": "1.0-1", "*": "1.0-1", "1.11.*": "1.11.0-1", "2:*": "2:1.0-1", "1*": "1.0-1", "3.8-*": "3.8-1", "1.?": "1.0", "1.2-3": "1.2-3", "1.*-2": "1.-2",
	} {
		if got := plausible(asked, nil); got != want {
			t.Errorf("%q gets %q, want %q", asked, got, want)
		}
	}
	if got := plausible("2.6.*", []string{"3.0-1", "2.6.12-1"}); got != "2.6.12-1" {
		t.Errorf("a version that is known and fits was passed over for %q", got)
	}
}

// TestUnitsComeWithTheirPackages tells what a fresh host has and what apt brings.
func TestUnitsComeWithTheirPackages(t *testing.T) {
	t.Parallel()
	o := HostOptions{Name: "m1", Units: []UnitOptions{
		{Name: "zookeeper", Kind: KindZooKeeper}, {Name: "mesos-agent", Kind: KindMesosAgent}, {Name: "haproxy"}, {Name: "docker"}, {Name: "marathon"}, {Name: "own"}, {Name: "tool"},
	}}
	all := func(names ...string) (out []PackageOptions) {
		for _, n := range names {
			out = append(out, PackageOptions{Name: n})
		}
		return out
	}
	left := func(o HostOptions) string {
		_, units := fresh(makeCatalog(o), o)
		var names []string
		for _, u := range units {
			names = append(names, u.Name)
		}
		return strings.Join(names, " ")
	}
	if got := left(o); got != "zookeeper mesos-agent haproxy docker marathon own tool" {
		t.Errorf("where the mesh names no package, a fresh host has %q", got)
	}
	o.Packages = all("zookeeperd", "mesos", "haproxy", "docker.io", "marathon", "tool")
	if got := left(o); got != "own" {
		t.Errorf("where the mesh names packages, a fresh host has %q", got)
	}
	o.Packages[0].Installed = true
	installed, _ := fresh(makeCatalog(o), o)
	if got := left(o); got != "zookeeper own" || !slices.Contains(installed, "zookeeper") {
		t.Errorf("an installed package brings %q, and what it needs is missing from %q", got, installed)
	}
}
