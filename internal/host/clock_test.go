package host

import (
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// A host that was booted at 1,000,000 by its clock, and a unit that began 500 s later.
func TestAClockThatWasSetIsToldFromSystemdsTwoTimes(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name    string
		btime   int64
		wall    int64
		elapsed uint64 // in seconds
		ticks   uint64
		want    int64 // in seconds
	}{
		{"not set", 1_000_000, 1_000_500, 500, 50_000, 0},
		{"not set, and rounded otherwise", 999_999, 1_000_500, 500, 50_000, 0},
		{"forward", 1_000_090, 1_000_500, 500, 50_000, 90},
		{"back", 999_910, 1_000_500, 500, 50_000, -90},
		{"the machine slept for 90 s before it began", 1_000_000, 1_000_590, 500, 59_000, 0},
		{"the machine slept, and the clock was set", 1_000_600, 1_000_590, 500, 59_000, 510},
		{"the process of a unit that took 40 s to start", 1_000_000, 1_000_500, 500, 54_000, 0},
		{"that, and set back", 999_910, 1_000_500, 500, 54_000, -90},
		{"without a process", 1_000_090, 1_000_500, 500, 0, 90},
		{"systemd tells no time that can be read", 1_000_090, 0, 500, 50_000, 0},
		{"systemd tells one time only", 1_000_090, 1_000_500, 0, 50_000, 0},
		{"the boot time is not known", 0, 1_000_500, 500, 50_000, 0},
	} {
		p := &parser{btime: x.btime}
		seen := primitive.Seen{Began: primitive.Moment{Wall: x.wall, Elapsed: x.elapsed * 1e6}, StartTicks: x.ticks}
		if got := p.setSince(seen); got != x.want*1e9 {
			t.Errorf("%s: %d ns, want %d s", x.name, got, x.want)
		}
	}
}

// A container of LXC is told when it was started, and the boot time of the machine, by which all its processes are.
func TestAnUptimeThatIsNoTimeSinceTheBootIsNone(t *testing.T) {
	t.Parallel()
	const shell = " 7 (a ) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 "
	for said, want := range map[string]float64{
		"100.50 99.00":               100.5, // no process says otherwise
		"100.50" + shell + "10049 0": 100.5,
		"100.50" + shell + "10060 0": 100.5, // each is rounded
		"100.50" + shell + "90000 0": 0,
		"":                           0,
	} {
		if got := uptimeOf(said); got != want {
			t.Errorf("%q: %v, want %v", said, got, want)
		}
	}
}

// What a host says of its services and itself becomes what the plan is told.
func TestAHostTellsItsTimeAndThatItsClockWasSet(t *testing.T) {
	t.Parallel()
	q := newQuery(Options{Mesh: "prod", Name: "h1", Resources: []mesh.Resource{{
		Addr: mesh.Address{Target: mesh.Host("h1"), Kind: mesh.Service, Name: "s"}, Attrs: mesh.MustTree(map[string]any{"enabled": false, "running": true, "masked": false}), Service: &mesh.ServiceSpec{},
	}}})
	unit := func(id, began, elapsed string) string {
		return "Id=" + id + "\nLoadState=loaded\nActiveState=active\nSubState=running\nInactiveExitTimestamp=" + began + "\nInactiveExitTimestampMonotonic=" + elapsed + "\n"
	}
	const start = " (s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 1 0 "
	const slice, service = "Thu 1970-01-01 00:00:51 UTC", "Thu 1970-01-01 00:01:40 UTC"
	out := "T begin\nT root \nT boot b\nT kind service\n" + unit("-.slice", slice, "1000000") + "\n" + unit("s.service", service, "50000000") +
		"\n\n--processes--\n1" + start + "0 0\n7" + start + "5001 0\n\n--enabled--\n\n--rc--\n\nT kindend service\nT uptime 100.50\nT btime 1000\nT record\n\nT recordend\nT contents\nT bytes\n\nT end\n"
	s, err := parseObservation([]byte(out), q, "T")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Resources) != 1 || len(s.Host.Processes) != 1 {
		t.Errorf("%+v, %+v", s.Resources, s.Host.Processes)
	}
	if h := s.Host; h.Now != 1100.5e9 || h.SetSinceBoot != 950e9 || h.Processes["s"].SetSince != 950e9 {
		t.Errorf("%+v", h)
	}
}

// A host without systemd is one whose services are unknown, however many there are.
func TestAHostWithoutSystemdHasUnknownServices(t *testing.T) {
	t.Parallel()
	look, _ := primitive.Of(mesh.Service)
	for _, says := range []string{"", "sh: 1: systemctl: not found", "System has not been booted with systemd as init system (PID 1). Can't operate.\nFailed to connect to bus: Host is down"} {
		seen := look.Named.Read(says+"\n\n--processes--\n-\n\n--enabled--\n\n--rc--\n", []string{"-.slice", "a", "b"})
		if len(seen) != 3 || seen[2].Unknown == "" {
			t.Errorf("%q: %+v", says, seen)
		}
	}
}
