package route

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
)

// web is an app of one port whose tasks run on agents by these addresses.
func web(id string, at ...string) mesh.RunningApp {
	a := mesh.RunningApp{Marathon: "main", ID: id, Instances: len(at), Ports: []mesh.AppPort{{Protocol: "tcp"}}}
	for i, x := range at {
		addr := netip.MustParseAddrPort(x)
		a.Tasks = append(a.Tasks, mesh.Task{
			ID: fmt.Sprintf("%s.instance-%d", strings.Trim(id, "/"), i+1), Running: true, Host: addr.Addr().String(), Ports: []int{int(addr.Port())},
		})
	}
	return a
}

func labelled(a mesh.RunningApp, labels ...string) mesh.RunningApp {
	a.Labels = map[string]string{}
	for i := 0; i < len(labels); i += 2 {
		a.Labels[labels[i]] = labels[i+1]
	}
	return a
}

// told are the lines about what is left out.
func told(left []Left) []string {
	var out []string
	for _, l := range left {
		out = append(out, l.String())
	}
	return out
}

func TestTheSeedsAppIsReachedByItsName(t *testing.T) {
	t.Parallel()
	table, left := Make(Input{Apps: []mesh.RunningApp{web("/www", "10.0.0.21:31000", "10.0.0.21:31001", "10.0.0.22:31000", "10.0.0.22:31002")}})
	want := header + `
# name www
backend main_www_0
` + settings + `    server s1 10.0.0.21:31000 # www.instance-1
    server s2 10.0.0.21:31001 # www.instance-2
    server s3 10.0.0.22:31000 # www.instance-3
    server s4 10.0.0.22:31002 # www.instance-4
    server s5 127.0.0.1:1 disabled
    server s6 127.0.0.1:1 disabled
    server s7 127.0.0.1:1 disabled
    server s8 127.0.0.1:1 disabled
`
	if d := cmp.Diff(want, table.Text()); d != "" || len(left) > 0 {
		t.Errorf("left out %q\n%s", told(left), d)
	}
	if got := table.Names(); got != "www main_www_0\n" {
		t.Errorf("names: %q", got)
	}
}

// TestNames has what leads to an app, or why nothing does.
func TestNames(t *testing.T) {
	t.Parallel()
	at := "10.0.0.21:31000"
	twoPorts := func(a mesh.RunningApp) mesh.RunningApp {
		a.Ports = append(a.Ports, mesh.AppPort{Protocol: "tcp", Host: 1})
		a.Tasks[0].Ports = []int{31000, 31001}
		return a
	}
	tests := []struct {
		name string
		apps []mesh.RunningApp
		want string // the map
		left []string
	}{
		{"in a group", []mesh.RunningApp{web("/shop/web", at)}, "shop-web main_shop_web_0\n", nil},
		{
			"by a label",
			[]mesh.RunningApp{labelled(web("/www", at), "HAPROXY_0_VHOST", "WWW.Example.com, shop.example.com")},
			"shop.example.com main_www_0\nwww.example.com main_www_0\n", nil,
		},
		{
			"of its second port",
			[]mesh.RunningApp{labelled(twoPorts(web("/www", at)), "HAPROXY_1_VHOST", "admin.example.com")},
			"admin.example.com main_www_1\n", nil,
		},
		{"a second port without a label has none", []mesh.RunningApp{twoPorts(web("/www", at))}, "www main_www_0\n", nil},
		{"switched off", []mesh.RunningApp{labelled(web("/www", at), "HAPROXY_0_ENABLED", "False")}, "", nil},
		{"no port", []mesh.RunningApp{{Marathon: "main", ID: "/batch"}}, "", []string{`marathon/main/app:"/batch": it has no port`}},
		{
			"a label of a port that it has not",
			[]mesh.RunningApp{labelled(web("/www", at), "HAPROXY_3_VHOST", "x.example.com")},
			"",
			[]string{`marathon/main/app:"/www": the label HAPROXY_3_VHOST names hosts for a port that the app has not: it has 1`},
		},
		{
			"no host name",
			[]mesh.RunningApp{labelled(web("/www", at), "HAPROXY_0_VHOST", "ok.example.com,*.example.com,a b,x:80,-a,a..b,x\nbind :1")},
			"ok.example.com main_www_0\n",
			[]string{
				`marathon/main/app:"/www": "*.example.com" is no host name`, `marathon/main/app:"/www": "-a" is no host name`,
				`marathon/main/app:"/www": "a b" is no host name`, `marathon/main/app:"/www": "a..b" is no host name`,
				`marathon/main/app:"/www": "x:80" is no host name`, `marathon/main/app:"/www": "x\nbind :1" is no host name`,
			},
		},
		{"a dot in the id", []mesh.RunningApp{web("/v1.2", at)}, "", []string{
			`marathon/main/app:"/v1.2": an id with a dot is no first part of a host name: name one in the label HAPROXY_0_VHOST`,
		}},
		{"no id", []mesh.RunningApp{web("/a\nbackend x", at)}, "", []string{`marathon/main/app:"/a\nbackend x": that is no id that Marathon gives an app`}},
		{"one name, two apps", []mesh.RunningApp{web("/shop-web", at), web("/shop/web", at), web("/www", at)}, "www main_www_0\n", []string{
			`marathon/main/app:"/shop-web": the name shop-web is claimed by /shop/web, too, so nobody gets it: name others in the label HAPROXY_0_VHOST`,
			`marathon/main/app:"/shop/web": the name shop-web is claimed by /shop-web, too, so nobody gets it: name others in the label HAPROXY_0_VHOST`,
		}},
		{"the same app twice", []mesh.RunningApp{web("/www", at), web("/www", "10.0.0.9:9")}, "www main_www_0\n", []string{`marathon/main/app:"/www": the list of apps has it twice`}},
		{"udp", []mesh.RunningApp{{Marathon: "main", ID: "/dns", Ports: []mesh.AppPort{{Protocol: "udp"}}}}, "", []string{
			`marathon/main/app:"/dns": port 0 takes udp, and requests come over tcp`,
		}},
		{"meshsync's own", []mesh.RunningApp{{Marathon: "main", ID: "/meshsync/prod/record/1"}}, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			table, left := Make(Input{Apps: tt.apps})
			if d := cmp.Diff(tt.want, table.Names()); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.left, told(left)); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestANameStaysWithWhoHasIt: who may write an app cannot take what another one serves.
func TestANameStaysWithWhoHasIt(t *testing.T) {
	t.Parallel()
	shop := labelled(web("/shop", "10.0.0.21:31000"), "HAPROXY_0_VHOST", "shop.example.com")
	before, _ := Make(Input{Apps: []mesh.RunningApp{shop}})
	thief := labelled(web("/a", "10.0.0.22:31000"), "HAPROXY_0_VHOST", "shop.example.com")
	table, left := Make(Input{Apps: []mesh.RunningApp{thief, shop}, Before: before})
	if got := table.Names(); got != "shop.example.com main_shop_0\n" {
		t.Errorf("names: %q", got)
	}
	if d := cmp.Diff([]string{`marathon/main/app:"/a": the name shop.example.com stays with app /shop, which has it: name another one in the label HAPROXY_0_VHOST`}, told(left)); d != "" {
		t.Error(d)
	}
}

// addressesOf are the servers of the first backend.
func addressesOf(t Table) string {
	var out []string
	for _, b := range t.Backends[:min(1, len(t.Backends))] {
		for _, s := range b.Slots {
			if s.Addr.IsValid() {
				out = append(out, s.Addr.String())
			}
		}
	}
	return strings.Join(out, " ")
}

func TestWhereATaskIsAsked(t *testing.T) {
	t.Parallel()
	task := mesh.Task{ID: "t1", Running: true, Host: "a1", Ports: []int{31000, 31001}, Addresses: []string{"fd00::5", "192.168.0.5"}}
	tests := []struct {
		name string
		port mesh.AppPort
		edit func(*mesh.Task)
		want string
		left string
	}{
		{"at its agent", mesh.AppPort{}, nil, "10.0.0.21:31000", ""},
		{"by the index", mesh.AppPort{Host: 1}, nil, "10.0.0.21:31001", ""},
		{"at its own address", mesh.AppPort{Container: 8080, Host: -1}, nil, "192.168.0.5:8080", ""},
		{"at its own address of IPv6", mesh.AppPort{Container: 8080, Host: -1}, func(t *mesh.Task) { t.Addresses = []string{"fd00::5"} }, "[fd00::5]:8080", ""},
		{"without an address", mesh.AppPort{Container: 8080, Host: -1}, func(t *mesh.Task) { t.Addresses = nil }, "", "has no address of its own"},
		{"without a port", mesh.AppPort{Host: 2}, nil, "", "a task that runs has no port 0"},
		{"without a number", mesh.AppPort{Host: -1}, nil, "", "port 0 has no number"},
		{"a port that is none", mesh.AppPort{}, func(t *mesh.Task) { t.Ports[0] = 131000 }, "", "131000, which is none"},
		{"an agent that nobody knows", mesh.AppPort{}, func(t *mesh.Task) { t.Host = "a9 check" }, "", `the agent "a9 check" of a task has no address here`},
		{"everywhere", mesh.AppPort{}, func(t *mesh.Task) { t.Host = "0.0.0.0" }, "", "has no address here"},
		{"staged", mesh.AppPort{}, func(t *mesh.Task) { t.Running = false }, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := task
			x.Ports = slices.Clone(task.Ports)
			if tt.edit != nil {
				tt.edit(&x)
			}
			app := mesh.RunningApp{Marathon: "main", ID: "/www", Ports: []mesh.AppPort{tt.port}, Tasks: []mesh.Task{x}}
			table, left := Make(Input{Apps: []mesh.RunningApp{app}, Addresses: map[string]netip.Addr{"a1": netip.MustParseAddr("10.0.0.21")}})
			if got := addressesOf(table); got != tt.want {
				t.Errorf("asked at %q, want %q", got, tt.want)
			}
			if got := strings.Join(told(left), "\n"); tt.left == "" && got != "" || !strings.Contains(got, tt.left) {
				t.Errorf("left out: %q, want %q", got, tt.left)
			}
		})
	}
}

// TestOnlyHealthyTasksServe, and those that a Marathon which has just begun to lead knows nothing of do as before.
func TestOnlyHealthyTasksServe(t *testing.T) {
	t.Parallel()
	app := web("/www", "10.0.0.1:1", "10.0.0.2:2", "10.0.0.3:3", "10.0.0.4:4")
	app.Checked = true
	app.Tasks[0].Health = []bool{true}
	app.Tasks[1].Health = []bool{true, false}
	app.Tasks[2].Health = []bool{true, true}
	before, _ := Make(Input{Apps: []mesh.RunningApp{app}})
	if got := addressesOf(before); got != "10.0.0.1:1 10.0.0.3:3" {
		t.Fatalf("serving: %s", got)
	}
	for i := range app.Tasks {
		app.Tasks[i].Health = nil
	}
	if after, _ := Make(Input{Apps: []mesh.RunningApp{app}, Before: before}); after.Text() != before.Text() {
		t.Errorf("after a change of the leader: %s", cmp.Diff(before.Text(), after.Text()))
	}
}

func TestTasksKeepTheirSlots(t *testing.T) {
	t.Parallel()
	one := web("/www", "10.0.0.1:1", "10.0.0.2:2", "10.0.0.3:3")
	before, _ := Make(Input{Apps: []mesh.RunningApp{one}})
	two := web("/www", "10.0.0.9:9", "10.0.0.2:2", "10.0.0.3:3")
	two.Tasks[0].ID = "www.instance-0"
	after, _ := Make(Input{Apps: []mesh.RunningApp{two}, Before: before})
	slots := after.Backends[0].Slots
	if slots[0].Addr.IsValid() || slots[1].Task != "www.instance-2" || slots[2].Task != "www.instance-3" || slots[3].Task != "www.instance-0" {
		t.Errorf("the slot that is left is taken last, and the others stay: %v", slots)
	}
	if !after.SameShape(before) {
		t.Error("that needs no reload")
	}
	many, _ := Make(Input{Apps: []mesh.RunningApp{web("/www", "10.0.0.1:1", "10.0.0.2:2", "10.0.0.3:3", "10.0.0.4:4", "10.0.0.5:5", "10.0.0.6:6", "10.0.0.7:7", "10.0.0.8:8", "10.0.0.9:9")}, Before: before})
	if n := len(many.Backends[0].Slots); n != 32 {
		t.Errorf("%d slots for 9 tasks", n)
	}
}

func TestTheOrderOfTheAnswerMeansNothing(t *testing.T) {
	t.Parallel()
	apps := []mesh.RunningApp{web("/a", "10.0.0.1:1", "10.0.0.2:2"), web("/b", "10.0.0.3:3"), web("/c/d", "10.0.0.4:4")}
	one, _ := Make(Input{Apps: apps})
	slices.Reverse(apps)
	slices.Reverse(apps[2].Tasks)
	two, _ := Make(Input{Apps: apps})
	if d := cmp.Diff(one.Text(), two.Text()); d != "" {
		t.Error(d)
	}
}

func TestLosses(t *testing.T) {
	t.Parallel()
	of := func(apps ...mesh.RunningApp) Table {
		table, _ := Make(Input{Apps: apps})
		return table
	}
	four, idle := web("/www", "10.0.0.1:1", "10.0.0.2:2", "10.0.0.3:3", "10.0.0.4:4"), web("/www")
	stuck := idle
	stuck.Instances = 4
	before := of(four)
	tests := []struct {
		name string
		apps []mesh.RunningApp
		want Loss
	}{
		{"nothing", []mesh.RunningApp{four}, LossSmall},
		{"half", []mesh.RunningApp{web("/www", "10.0.0.1:1", "10.0.0.2:2")}, LossSmall},
		{"more than half", []mesh.RunningApp{web("/www", "10.0.0.1:1")}, LossLarge},
		{"scaled to nothing", []mesh.RunningApp{idle}, LossLarge},
		{"no task runs that should", []mesh.RunningApp{stuck}, LossAll},
		{"no app", nil, LossAll},
	}
	for _, tt := range tests {
		if got := LossOf(before, of(tt.apps...), tt.apps); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := LossOf(Table{}, Table{}, nil); got != LossSmall {
		t.Errorf("a first run: %v", got)
	}
}
