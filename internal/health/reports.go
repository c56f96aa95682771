package health

import (
	"encoding/json"
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// reports is the closed set of ways in which a process tells its own settings. How each is
// asked is listed in package host, under the same names.
func reports() map[string]func(body string) map[string]string {
	return map[string]func(string) map[string]string{
		"mesos.flags":    mesosFlags,
		"zookeeper.conf": zooKeeperConf,
	}
}

// IsReport reports whether an answer tells settings, and is no health check's.
func IsReport(a mesh.Answer) bool { return reports()[a.Check.Kind] != nil }

// Reported are the settings that an answer tells; ok is false when it tells none, because
// there was no answer, or one that is none.
func Reported(a mesh.Answer) (settings map[string]string, ok bool) {
	read := reports()[a.Check.Kind]
	if read == nil || a.Err != "" || a.Status != 0 && a.Status != 200 {
		return nil, false
	}
	settings = read(a.Body)
	return settings, len(settings) > 0
}

// mesosFlags reads GET /flags of Mesos 1.x: {"flags":{"quorum":"2",…}}. All values are texts.
func mesosFlags(body string) map[string]string {
	var doc struct {
		Flags map[string]any `json:"flags"`
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		return nil
	}
	out := map[string]string{}
	for k, v := range doc.Flags {
		out[k] = fmt.Sprint(v)
	}
	return out
}

// zooKeeperConf reads the four-letter word conf, KEY=VALUE lines. Where the whitelist does
// not have it, it is one sentence.
func zooKeeperConf(body string) map[string]string {
	out := map[string]string{}
	for l := range strings.Lines(body) {
		if k, v, ok := strings.Cut(strings.TrimSpace(l), "="); ok && !strings.ContainsAny(k, " .") {
			out[k] = v
		}
	}
	return out
}
