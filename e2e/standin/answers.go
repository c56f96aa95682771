package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// answers serves what master and agent answer alike. state adds to what /state says.
func (p *process) answers(metrics func() map[string]float64, state func() map[string]any) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("/version", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, map[string]string{"version": p.version}) })
	mux.HandleFunc("/flags", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, map[string]flagSet{"flags": p.flags}) })
	mux.HandleFunc("/metrics/snapshot", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, encodeMetrics(metrics())) // the other side may have gone
	})
	mux.HandleFunc("/state", func(w http.ResponseWriter, _ *http.Request) {
		out := map[string]any{
			"version": p.version, "flags": p.flags, "hostname": p.hostname(),
			"start_time": float64(p.started.UnixNano()) / 1e9,
		}
		maps.Copy(out, state())
		writeJSON(w, out)
	})
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the other side may have gone
}

// encodeMetrics writes names and numbers as Mesos does: {"master\/elected":1.0}.
func encodeMetrics(metrics map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		value := strconv.FormatFloat(metrics[name], 'f', -1, 64)
		if !strings.Contains(value, ".") {
			value += ".0"
		}
		parts = append(parts, `"`+strings.ReplaceAll(name, "/", `\/`)+`":`+value)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
