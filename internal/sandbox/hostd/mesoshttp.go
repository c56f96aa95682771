package hostd

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A metric is one number of /metrics/snapshot.
type metric struct {
	name  string
	value float64
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// mesosHandler answers what Mesos 1.11 answers on the paths that are used to judge it.
// leader is nil on an agent, which redirects nobody.
func mesosHandler(flags flagSet, metrics func() []metric, leader func() *master) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("/flags", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, map[string]flagSet{"flags": flags}) })
	mux.HandleFunc("/version", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, map[string]string{"version": mesosVersion}) })
	mux.HandleFunc("/metrics/snapshot", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, encodeMetrics(metrics()))
	})
	if leader != nil {
		mux.HandleFunc("/redirect", func(w http.ResponseWriter, _ *http.Request) { redirect(w, leader(), "") })
	}
	mux.HandleFunc("/state", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"version": mesosVersion, "flags": flags, "hostname": flags["hostname"]})
	})
	return mux
}

const mesosVersion = "1.11.0"

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// encodeMetrics writes slashes as Mesos does: {"master\/elected":1.0}.
func encodeMetrics(metrics []metric) string {
	parts := make([]string, len(metrics))
	for i, m := range metrics {
		value := strconv.FormatFloat(m.value, 'f', -1, 64)
		if !strings.Contains(value, ".") {
			value += ".0"
		}
		parts[i] = fmt.Sprintf(`"%s":%s`, strings.ReplaceAll(m.name, "/", `\/`), value)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// redirect sends to the leading master by an address without a scheme, as Mesos does.
func redirect(w http.ResponseWriter, m *master, path string) {
	if m == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "No leader elected")
		return
	}
	w.Header().Set("Location", "//"+m.advertised()+path)
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// advertised is the address that the master tells others.
func (m *master) advertised() string {
	name := m.unit.host.name
	for _, flag := range []string{"advertise_ip", "ip", "hostname"} {
		if v := m.flags[flag]; v != "" {
			name = v // the last one that is set wins
		}
	}
	return name + ":" + strconv.Itoa(m.port)
}

// redirectTarget is the leading master that this one knows of.
func (m *master) redirectTarget() *master {
	w := m.unit.host.world
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.settle(now)
	for _, o := range w.group(m) {
		if o.elected && !now.Before(o.leads) {
			return o
		}
	}
	return nil
}

func (m *master) metrics() []metric {
	w := m.unit.host.world
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.settle(now)
	leads := m.elected && !now.Before(m.leads)
	agents := 0
	for a := range w.agents {
		if leads && a.registered(now) && w.leader(a.unit.host, a.servers, a.path, now) == m {
			agents++
		}
	}
	uptime := 0.0
	if m.process != nil {
		uptime = now.Sub(m.process.started).Seconds()
	}
	return []metric{
		{"master/elected", number(leads)},
		{"master/frameworks_active", number(leads)},
		{"master/slaves_active", float64(agents)},
		{"master/slaves_connected", float64(agents)},
		{"master/slaves_disconnected", 0},
		{"master/slaves_unreachable", 0},
		{"master/tasks_lost", 0},
		{"master/uptime_secs", uptime},
		{"registrar/log/ensemble_size", float64(len(w.group(m)))},
		{"registrar/log/recovered", number(m.recovered && !m.unit.neverServes())},
	}
}
