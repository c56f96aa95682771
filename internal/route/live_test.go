package route

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
)

// served is what HAProxy 2.6 answers about the four slots of a backend.
func served(slots ...string) (state, conn string) {
	state = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n"
	conn = "# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb safe_nb idle_lim idle_cur idle_per_thr[1]\n"
	for i, s := range slots {
		w := strings.Fields(s) // address, port, state, connections
		state += "4 main_www_0 " + w[0] + " " + slotName(i) + " " + w[0] + " 2 " + w[2] + " 1 1 5 6 3 4 6 0 0 0 - " + w[1] + " - 0 0 - - 0\n"
		conn += "main_www_0/" + slotName(i) + " 4/1 " + w[0] + " " + w[1] + " - 5000 " + w[3] + " 1 0 0 0 -1 0 0\n"
	}
	return state + "\n", conn + "\n"
}

func TestARunningHAProxyIsLedToTheTable(t *testing.T) {
	t.Parallel()
	two := web("/www", "10.0.0.1:80", "[fd00::1]:81")
	two.Instances = 1
	table, _ := Make(Input{Apps: []mesh.RunningApp{two}})
	tests := []struct {
		name  string
		slots []string
		want  []string
		shape bool
	}{
		{"served", []string{"10.0.0.1 80 0 3", "fd00::1 81 0 0", "127.0.0.1 1 5 0", "127.0.0.1 1 5 0"}, nil, true},
		{"as it started", []string{"127.0.0.1 1 5 0", "127.0.0.1 1 5 0", "127.0.0.1 1 5 0", "127.0.0.1 1 5 0"}, []string{
			"set server main_www_0/s1 addr 10.0.0.1 port 80", "set server main_www_0/s1 state ready",
			"set server main_www_0/s2 addr fd00::1 port 81", "set server main_www_0/s2 state ready",
		}, true},
		{"one that leaves", []string{"10.0.0.1 80 0 0", "fd00::1 81 0 0", "10.0.0.9 80 0 2", "127.0.0.1 1 5 0"}, []string{"set server main_www_0/s3 state drain"}, true},
		{"one that leaves, with requests", []string{"10.0.0.1 80 0 0", "fd00::1 81 0 0", "10.0.0.9 80 8 2", "127.0.0.1 1 5 0"}, nil, true},
		{"one that has left", []string{"10.0.0.1 80 0 0", "fd00::1 81 0 0", "10.0.0.9 80 8 0", "127.0.0.1 1 5 0"}, []string{"set server main_www_0/s3 state maint"}, true},
		{"stopped by hand", []string{"10.0.0.1 80 1 0", "fd00::1 81 8 0", "127.0.0.1 1 5 0", "127.0.0.1 1 5 0"}, []string{
			"set server main_www_0/s1 state ready", "set server main_www_0/s2 state ready",
		}, true},
		{"too few slots", []string{"10.0.0.1 80 0 0", "fd00::1 81 0 0"}, nil, false},
		{"another backend", nil, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			live, err := ParseLive(served(tt.slots...))
			if err != nil {
				t.Fatal(err)
			}
			steps, shape := table.Steps(live)
			if d := cmp.Diff(tt.want, steps); d != "" || shape != tt.shape {
				t.Errorf("shape %v\n%s", shape, d)
			}
		})
	}
}

func TestWhatIsNoHAProxyIsSaidToBeNone(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"", "Unknown command.\n", "1\n"} {
		if _, err := ParseLive(answer, answer); err == nil {
			t.Errorf("%q is taken", answer)
		}
	}
}
