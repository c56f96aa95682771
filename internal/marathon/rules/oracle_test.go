package rules

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// The sandbox's Marathon was written from the same facts, and shares no code with these rules:
// where the two disagree about a definition, one of them has misread them.
func TestChecksAndVolumesAgreeWithTheSandbox(t *testing.T) {
	t.Parallel()
	sandbox := appdef.New(appdef.Settings{Features: []string{"secrets", "external_volumes", "gpu_resources"}})
	roles := func(string, string) ([]string, string) { return []string{"*", "db"}, "db" }
	r := rand.New(rand.NewPCG(1, 2))
	g := generator{r}
	taken, refused, apart := 0, 0, 0
	for range 2000 {
		body, err := json.Marshal(g.definition())
		if err != nil {
			t.Fatal(err)
		}
		def := decoded(t, body)
		found, warned := checksAndVolumes(def)
		found = withoutHarmful(found)
		_, refusal := sandbox.Create(body, "/", roles)
		switch {
		case refusal == nil && len(found) == 0:
			taken++
		case refusal != nil && len(found) > 0:
			refused++
		default:
			if apart++; apart <= 20 {
				t.Errorf("%s\n\tthese rules: %v\n\tthe sandbox: %v", body, texts(found), refusal)
			}
		}
		_, put := sandbox.Replace("/a", appdef.Existing{}, body, roles)
		if put != nil && refusal == nil && !hasRule(warned, "app-residency") {
			t.Errorf("%s\n\tis refused as PUT, of which nothing warns: %v", body, put)
		}
	}
	t.Logf("%d taken and %d refused by both, %d by one", taken, refused, apart)
}

// withoutHarmful leaves out what is refused although the sandbox accepts it.
func withoutHarmful(found []Finding) []Finding {
	return slices.DeleteFunc(found, func(f Finding) bool { return harmful(f) })
}

func hasRule(found []Finding, rule string) bool {
	for _, f := range found {
		if f.Rule == rule {
			return true
		}
	}
	return false
}

func texts(found []Finding) []string {
	var out []string
	for _, f := range found {
		out = append(out, fmt.Sprintf("%v %s", f.Path, f.Msg))
	}
	return out
}

// generator makes definitions of which checks and volumes may be wrong, and nothing else is.
type generator struct{ *rand.Rand }

func oneOf[T any](g generator, of ...T) T { return of[g.IntN(len(of))] }

// with sets a field in one of n cases.
func (g generator) with(o map[string]any, n int, name string, of ...any) {
	if g.IntN(n) == 0 {
		o[name] = oneOf(g, of...)
	}
}

func (g generator) definition() map[string]any {
	d := map[string]any{"id": "/a", "cmd": "run it"}
	g.with(d, 2, "instances", 0, 1, 2, 3)
	g.network(d)
	for range oneOf(g, 0, 0, 1, 1, 2) {
		list, _ := d["healthChecks"].([]any)
		d["healthChecks"] = append(list, g.healthCheck())
	}
	if g.IntN(6) == 0 {
		d["check"] = g.check()
	}
	for range oneOf(g, 0, 0, 0, 0, 0, 1, 1, 2) {
		list, _ := d["readinessChecks"].([]any)
		d["readinessChecks"] = append(list, g.readiness())
	}
	g.volumes(d)
	g.with(d, 20, "residency", map[string]any{}, map[string]any{"taskLostBehavior": "WAIT_FOREVER"})
	g.with(d, 6, "upgradeStrategy", map[string]any{"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0},
		map[string]any{"minimumHealthCapacity": 0, "maximumOverCapacity": 0.5}, map[string]any{"minimumHealthCapacity": 1, "maximumOverCapacity": 1})
	g.with(d, 6, "unreachableStrategy", "disabled", map[string]any{}, map[string]any{"inactiveAfterSeconds": 1, "expungeAfterSeconds": 2})
	g.with(d, 8, "role", "*", "db", "db")
	if d["role"] == "*" {
		g.with(d, 4, "acceptedResourceRoles", []any{"*"})
	} else {
		g.with(d, 8, "acceptedResourceRoles", []any{"*"}, []any{"db"}, []any{"*", "db"})
	}
	return d
}

func (g generator) network(d map[string]any) {
	kind := oneOf(g, "none", "host", "bridge", "net", "legacy-bridge", "legacy-host", "ip")
	docker := map[string]any{"image": "w:1"}
	c := map[string]any{}
	switch oneOf(g, "absent", "mesos", "docker", "untyped") {
	case "mesos":
		c["type"] = "MESOS"
	case "docker":
		c["type"], c["docker"] = "DOCKER", docker
	case "untyped":
		c["docker"] = docker
	default:
		c = nil
	}
	switch kind {
	case "host":
		d["networks"] = []any{map[string]any{"mode": "host"}}
	case "bridge":
		d["networks"] = []any{map[string]any{"mode": "container/bridge"}}
	case "net":
		d["networks"] = []any{map[string]any{"name": "n"}}
	case "legacy-bridge", "legacy-host":
		docker["network"] = map[string]any{"legacy-bridge": "BRIDGE", "legacy-host": "HOST"}[kind]
		c = map[string]any{"docker": docker}
		if kind == "legacy-bridge" && g.IntN(2) == 0 {
			docker["portMappings"] = g.ports("containerPort")
		}
	case "ip":
		d["ipAddress"] = oneOf(g, map[string]any{}, map[string]any{"networkName": "n"}, map[string]any{"networkName": "mesos-bridge"})
		if (c == nil || c["type"] == "MESOS") && g.IntN(2) == 0 {
			d["ipAddress"].(map[string]any)["discovery"] = map[string]any{"ports": oneOf(g, []any{}, []any{map[string]any{"number": 80, "name": "http", "protocol": "tcp"}})}
		}
		if d["ipAddress"].(map[string]any)["networkName"] == nil {
			d["ipAddress"].(map[string]any)["networkName"] = "m"
		}
	}
	discovery := asFields(d["ipAddress"]).has("discovery")
	if c != nil && docker["portMappings"] == nil && !discovery && g.IntN(2) == 0 {
		c["portMappings"] = g.ports("containerPort")
	}
	if c != nil {
		d["container"] = c
	}
	if kind == "ip" {
		return
	}
	switch g.IntN(4) {
	case 0:
		d["portDefinitions"] = g.ports("port")
	case 1:
		d["ports"] = oneOf(g, []any{}, []any{0}, []any{0, 0}, []any{80, 0, 81})
	}
}

func (g generator) ports(number string) []any {
	out := []any{}
	for i := range g.IntN(4) {
		p := map[string]any{number: 0}
		g.with(p, 2, "name", oneOf(g, "http", "admin", "http-api")+[]string{"", "1", "2"}[i])
		out = append(out, p)
	}
	return out
}

func (g generator) healthCheck() map[string]any {
	h := map[string]any{}
	g.with(h, 1, "protocol", "HTTP", "HTTPS", "TCP", "COMMAND", "COMMAND", "MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP")
	if g.IntN(8) == 0 {
		delete(h, "protocol")
	}
	command := 12
	if h["protocol"] == "COMMAND" {
		g.with(h, 8, "port", 80)
		command = 1
		if g.IntN(6) == 0 {
			command = 3
		}
	} else {
		g.with(h, 3, "port", 0, 80)
	}
	g.with(h, command, "command", map[string]any{"value": "true"}, map[string]any{"value": ""})
	g.with(h, 5, "path", "/", "", "x")
	g.with(h, 2, "portIndex", 0, 0, 0, 1, 2)
	g.with(h, 12, "ipProtocol", "IPv4", "IPv6")
	g.with(h, 6, "ignoreHttp1xx", true, false)
	for _, name := range []string{"gracePeriodSeconds", "intervalSeconds", "timeoutSeconds", "maxConsecutiveFailures", "delaySeconds"} {
		g.with(h, 6, name, 0, 1, 15, 20, json.Number("2.0"))
		g.with(h, 200, name, 2147483647, 2147483648, json.Number("1e12"))
	}
	return h
}

func (g generator) check() map[string]any {
	c := map[string]any{}
	kind := oneOf(g, "http", "tcp", "exec", "none")
	for _, k := range []string{"http", "tcp", "exec"} {
		if k != kind && g.IntN(12) != 0 {
			continue
		}
		o := map[string]any{}
		if k == "exec" {
			command := map[string]any{}
			g.with(command, 2, "shell", "true", "")
			g.with(command, 4, "argv", []any{"true"}, []any{})
			o["command"] = command
		} else {
			g.with(o, 3, "port", 0, 80)
			g.with(o, 2, "portIndex", 0, 0, 1)
		}
		if k == "http" {
			g.with(o, 3, "scheme", "HTTP", "HTTP", "HTTPS")
			g.with(o, 3, "path", "/")
		}
		c[k] = o
	}
	g.with(c, 4, "intervalSeconds", 0, 5, 3000000000)
	g.with(c, 4, "timeoutSeconds", 0, 5)
	g.with(c, 4, "delaySeconds", 0, 5)
	return c
}

func (g generator) readiness() map[string]any {
	c := map[string]any{}
	g.with(c, 2, "name", "r")
	g.with(c, 2, "protocol", "HTTP", "HTTPS")
	g.with(c, 2, "path", "/", "x")
	g.with(c, 1, "portName", "default", "default", "http", "admin", "http1", "admin2", "")
	if g.IntN(5) == 0 {
		delete(c, "portName")
	}
	g.with(c, 4, "intervalSeconds", 0, 10, 11, 60)
	g.with(c, 4, "timeoutSeconds", 1, 10, 30, 60)
	g.with(c, 4, "httpStatusCodesForReady", []any{}, []any{200}, []any{200, 204}, []any{-1, 100000})
	g.with(c, 40, "httpStatusCodesForReady", []any{3000000000})
	g.with(c, 4, "preserveLastResponse", true)
	return c
}

func (g generator) volumes(d map[string]any) {
	c, _ := d["container"].(map[string]any)
	if c == nil {
		return
	}
	list := []any{}
	for i := range oneOf(g, 0, 0, 1, 1, 1, 2) {
		list = append(list, g.volume([]string{"v", "w"}[i]))
	}
	c["volumes"] = list
	g.with(d, 2, "secrets", map[string]any{"k": map[string]any{"source": "s"}})
}

func (g generator) volume(name string) map[string]any {
	v := map[string]any{"containerPath": oneOf(g, "data", "data", "data", "/data", "a/b", ".", "..", ""), "mode": "RW"}
	g.with(v, 4, "mode", "RO")
	kind := oneOf(g, "host", "persistent", "persistent", "secret", "dvdi", "dvdi", "csi", "csi", "two")
	if kind != "two" && g.IntN(12) == 0 {
		delete(v, oneOf(g, "containerPath", "mode"))
	}
	switch kind {
	case "host":
		g.with(v, 1, "hostPath", "/h", "h", "")
		if g.IntN(6) == 0 {
			delete(v, "hostPath")
		}
	case "persistent":
		v["persistent"] = g.persistent()
	case "secret":
		v["secret"] = oneOf(g, "k", "k", "other", "")
	case "dvdi":
		v["external"] = g.dvdi(name)
	case "csi":
		v["external"] = g.csi()
	case "two":
		v["hostPath"], v["secret"] = "/h", "k"
		g.with(v, 2, "external", g.dvdi(name))
		g.with(v, 2, "persistent", g.persistent())
	}
	return v
}

func (g generator) persistent() map[string]any {
	p := map[string]any{"size": oneOf(g, 1, 10, 10)}
	g.with(p, 2, "type", "root", "path", "mount", "mount")
	g.with(p, 4, "maxSize", 1, 10, 11, 20, -1)
	g.with(p, 4, "profileName", "ssd", "ssd", "")
	g.with(p, 4, "constraints", []any{}, []any{[]any{"path", "LIKE", "a.*"}}, []any{[]any{"path", "UNLIKE", "a"}}, []any{[]any{"path", "like", "a"}},
		[]any{[]any{"disk", "LIKE", "a"}}, []any{[]any{"path", "LIKE"}}, []any{[]any{"path", "LIKE", "a", "b"}}, []any{[]any{}},
		[]any{[]any{"path", "LIKE", "["}}, []any{[]any{"path", "LIKE", ""}})
	return p
}

func (g generator) dvdi(name string) map[string]any {
	e := map[string]any{"name": name, "provider": oneOf(g, "dvdi", "dvdi", "dvdi", "dvdi", "dvdi", "dvdi", "DVDI", "")}
	g.with(e, 6, "shared", true, false)
	g.with(e, 4, "size", 1, 0)
	options := map[string]any{"dvdi/driver": oneOf(g, "rexray", "rexray", "rexray", "rexray", "Rex", "a-b", "-a", "")}
	g.with(options, 8, "dvdi/iops", "1", "0", "-1", "x", "05", "+5", "99999999999999999999", 5)
	g.with(options, 8, "dvdi/overwritefs", "true", "FALSE", "1", "", true)
	g.with(options, 8, "dvdi/newfstype", "xfs", "Xfs", "")
	g.with(options, 8, "dvdi/volumetype", "io1", "I")
	g.with(options, 8, oneOf(g, "dvdi/x", "a", "a/b", "A/b", "a/b.", "a-/b", "", "a/B._:c"), "1", "")
	if g.IntN(10) == 0 {
		delete(options, "dvdi/driver")
	}
	e["options"] = options
	if g.IntN(12) == 0 {
		delete(e, oneOf(g, "provider", "options"))
	}
	return e
}

func (g generator) csi() map[string]any {
	capability := map[string]any{
		"accessMode": oneOf(g, append(append(csiReading(), csiWriting()...), "SINGLE_NODE_WRITER", "SINGLE_NODE_WRITER", "x", "")...),
		"accessType": oneOf(g, "mount", "mount", "block", "block", "MOUNT", "x"),
		"fsType":     oneOf(g, "xfs", "xfs", ""),
	}
	g.with(capability, 4, "mountFlags", []any{}, []any{"a"})
	if g.IntN(6) == 0 {
		delete(capability, oneOf(g, "accessMode", "accessType", "fsType"))
	}
	options := map[string]any{"pluginName": "p", "capability": capability}
	g.with(options, 4, "volumeContext", map[string]any{"a": "b"}, map[string]any{})
	g.with(options, 4, "nodeStageSecret", map[string]any{"a": "b"}, map[string]any{})
	if g.IntN(10) == 0 {
		delete(options, "capability")
	}
	e := map[string]any{"name": "c", "provider": "csi", "options": options}
	g.with(e, 6, "shared", true, false)
	g.with(e, 4, "size", 1, 0, -1)
	if g.IntN(12) == 0 {
		delete(e, "options")
	}
	return e
}
