package rules

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// chance makes definitions of networks, ports and containers that have the contract's shape.
type chance struct{ *rand.Rand }

func (c chance) one(in int) bool { return c.IntN(in) == 0 }

func pick[T any](c chance, of ...T) T { return of[c.IntN(len(of))] }

// many is a list of up to n.
func (c chance) many(n int, one func() any) []any {
	out := []any{}
	for range c.IntN(n + 1) {
		out = append(out, one())
	}
	return out
}

// maybe writes a member one time in so many.
func (c chance) maybe(o map[string]any, in int, name string, v any) {
	if c.one(in) {
		o[name] = v
	}
}

func (c chance) labels() any { return pick[any](c, map[string]any{}, map[string]any{"a": "b"}, nil) }

func (c chance) networkName() string {
	return pick(c, "blue", "green", "blue", "green", "red_1", "mesos-bridge", "dcos", "Blue", "-x", "", strings.Repeat("n", 64), strings.Repeat("n", 63))
}

func (c chance) portName() string { return pick(c, "http", "admin", "x-1", "A_b", "", "x-", "default") }

func (c chance) network() any {
	o := map[string]any{}
	c.maybe(o, 2, "mode", pick(c, "container", "container", "container/bridge", "host", "HOST", "Container"))
	if mode := strings.ToLower(wordOf(o["mode"])); mode == "" || mode == "container" {
		if !c.one(6) {
			o["name"] = c.networkName()
		}
	} else {
		c.maybe(o, 6, "name", c.networkName())
	}
	c.maybe(o, 4, "labels", c.labels())
	return o
}

func wordOf(v any) string { s, _ := v.(string); return s }

func (c chance) port() json.Number {
	return json.Number(pick(c, "0", "0", "80", "8080", "31000", "1e1", "80.0"))
}

func (c chance) definition() any {
	o := map[string]any{}
	c.maybe(o, 2, "port", c.port())
	c.maybe(o, 3, "protocol", pick(c, "tcp", "udp", "udp,tcp", "TCP"))
	c.maybe(o, 2, "name", c.portName())
	c.maybe(o, 4, "labels", c.labels())
	return o
}

func (c chance) mapping() any {
	o := map[string]any{}
	for _, name := range []string{"containerPort", "hostPort", "servicePort"} {
		c.maybe(o, 2, name, c.port())
	}
	c.maybe(o, 4, "protocol", pick(c, "tcp", "udp", "udp,tcp", "TCP"))
	c.maybe(o, 3, "name", c.portName())
	c.maybe(o, 5, "networkNames", c.many(2, func() any { return pick(c, "blue", "green", "red_1", "dcos") }))
	c.maybe(o, 6, "hostPort", nil)
	return o
}

func (c chance) container() map[string]any {
	o := map[string]any{}
	c.maybe(o, 2, "type", pick(c, "DOCKER", "MESOS", "mesos", "Docker"))
	if !c.one(5) {
		o["docker"] = c.docker()
	}
	c.maybe(o, 3, "portMappings", c.many(3, c.mapping))
	c.maybe(o, 8, "linuxInfo", c.linuxInfo())
	c.maybe(o, 9, "volumes", []any{})
	return o
}

func (c chance) docker() map[string]any {
	o := map[string]any{"image": "web:1"}
	c.maybe(o, 8, "forcePullImage", c.one(2))
	c.maybe(o, 8, "privileged", c.one(2))
	c.maybe(o, 8, "parameters", c.many(1, func() any { return map[string]any{"key": "a", "value": ""} }))
	c.maybe(o, 10, "pullConfig", map[string]any{"secret": pick(c, "k", "other")})
	c.maybe(o, 16, "credential", pick[any](c, map[string]any{"principal": "p"}, nil))
	c.maybe(o, 4, "network", pick[any](c, "HOST", "BRIDGE", "USER", "bridge", "NONE", "x", nil))
	c.maybe(o, 6, "portMappings", pick[any](c, c.many(3, c.mapping), nil))
	return o
}

func (c chance) linuxInfo() any {
	seccomp, ipc := map[string]any{}, map[string]any{"mode": pick(c, "PRIVATE", "SHARE_PARENT", "Share_Parent")}
	c.maybe(seccomp, 2, "profileName", pick[any](c, "p", "", nil))
	c.maybe(seccomp, 2, "unconfined", c.one(2))
	c.maybe(ipc, 2, "shmSize", pick[any](c, json.Number("5"), nil))
	o := map[string]any{}
	c.maybe(o, 2, "seccomp", seccomp)
	c.maybe(o, 2, "ipcInfo", ipc)
	return o
}

func (c chance) ipAddress() any {
	o := map[string]any{}
	c.maybe(o, 2, "networkName", pick(c, "blue", "mesos-bridge", "red_1"))
	c.maybe(o, 9, "name", "blue")
	c.maybe(o, 3, "labels", c.labels())
	c.maybe(o, 9, "groups", []any{"a"})
	c.maybe(o, 3, "discovery", pick[any](c, nil, map[string]any{}, map[string]any{"ports": c.many(3, func() any {
		p := map[string]any{"name": c.portName()}
		c.maybe(p, 2, "number", json.Number(pick(c, "0", "80", "8e1")))
		c.maybe(p, 3, "protocol", pick(c, "tcp", "udp", "TCP", "udp,tcp"))
		c.maybe(p, 4, "labels", c.labels())
		return p
	})}))
	return pick[any](c, o, o, o, nil)
}

func (c chance) app() map[string]any {
	def := map[string]any{"id": "/a", "cmd": "run it", "instances": json.Number("0")}
	c.maybe(def, 2, "networks", c.many(2, c.network))
	if !c.one(3) {
		def["container"] = c.container()
	}
	c.maybe(def, 3, "portDefinitions", c.many(3, c.definition))
	c.maybe(def, 4, "requirePorts", c.one(2))
	c.maybe(def, 5, "ports", c.many(3, func() any {
		return json.Number(pick(c, "0", "0", "80", "8080", "-1", "70000", "3000000000", "8e1"))
	}))
	c.maybe(def, 6, "ipAddress", c.ipAddress())
	c.maybe(def, 8, "uris", c.many(2, func() any { return pick(c, "http://h/a.zip", "http://h/a.jar", "") }))
	c.maybe(def, 8, "fetch", c.many(2, func() any { return map[string]any{"uri": "http://h/a.zip"} }))
	c.maybe(def, 3, "secrets", map[string]any{"k": map[string]any{"source": "s"}})
	if c.one(20) { // the old pair agrees now and then
		def["ports"], def["portDefinitions"] = []any{json.Number("80")}, []any{map[string]any{"port": json.Number("80")}}
	}
	return def
}

// sandboxReaders are Marathons by their default network.
func sandboxReaders() map[string]*appdef.Reader {
	out := map[string]*appdef.Reader{}
	for _, name := range []string{"", "dcos"} {
		out[name] = appdef.New(appdef.Settings{DefaultNetwork: name, Features: []string{"secrets"}})
	}
	return out
}

func oneRole(string, string) ([]string, string) { return []string{"*"}, "*" }

// The sandbox's Marathon was written from the same facts by itself: what the two say of any
// definition is the same, or one of them is wrong.
func TestWiringIsJudgedAsTheSandboxJudgesIt(t *testing.T) {
	t.Parallel()
	judgeWiring(t, 1, 4000)
}

func judgeWiring(t *testing.T, seed uint64, n int) {
	t.Helper()
	c := chance{rand.New(rand.NewPCG(seed, 2))}
	readers, count := sandboxReaders(), map[bool]int{}
	rulesSeen := map[string]int{}
	for i := range n {
		m := Marathon{DefaultNetwork: pick(c, "", "dcos"), Asked: true, Features: []string{"secrets"}}
		reader := readers[m.DefaultNetwork]
		def := c.app()
		body := marshalled(t, def)
		got := wiringRefusals(def, m)
		_, posted := reader.Create(body, "/", oneRole)
		_, put := reader.Replace("/a", appdef.Existing{}, body, oneRole)
		if (posted == nil) != (put == nil) {
			t.Errorf("%d: the sandbox says %+v to POST and %+v to PUT of %s", i, posted, put, body)
		}
		if (posted == nil) != (len(got) == 0) {
			t.Errorf("%d: %+v\n got %q and the sandbox says %+v of %s", i, m, got, posted, body)
		}
		count[posted == nil]++
		slices.Sort(got)
		for _, r := range slices.Compact(got) {
			rulesSeen[r]++
		}
	}
	t.Logf("%d accepted, %d refused, by rule %v", count[true], count[false], rulesSeen)
}

// applied is a definition in its modern form.
func applied(def, fields map[string]any) map[string]any {
	out := maps.Clone(def)
	for name, v := range fields {
		out[name] = v
		if v == nil {
			delete(out, name)
		}
	}
	return out
}

// Where Marathon takes the deprecated forms, the modern one means the same to it, and there
// is nothing deprecated left in it.
func TestTheModernFormMeansTheSame(t *testing.T) {
	t.Parallel()
	holdModern(t, 3, 800)
}

func holdModern(t *testing.T, seed uint64, forms int) {
	t.Helper()
	c := chance{rand.New(rand.NewPCG(seed, 4))}
	readers, n := sandboxReaders(), 0
	for n < forms {
		reader := readers[pick(c, "", "dcos")]
		def := c.app()
		body := marshalled(t, def)
		before, refusal := reader.Create(body, "/", oneRole)
		fields, ok := Modern(def)
		if uris, _ := listIn(def, "uris"); refusal != nil || !ok || slices.Contains(uris, any("")) {
			continue // an empty URI is not fetched, and has no modern form
		}
		n++
		if string(marshalled(t, def)) != string(body) {
			t.Fatalf("the definition was changed: %s", body)
		}
		modern := applied(def, fields)
		if again, ok := Modern(modern); ok {
			t.Errorf("%s\nbecomes %s\nand then again %s", body, Written(fields), Written(again))
		}
		after, refusal := reader.Create(marshalled(t, modern), "/", oneRole)
		if refusal != nil && !strings.Contains(string(body), "70000") {
			t.Errorf("%s\nbecomes %s\nand then %+v", body, marshalled(t, modern), refusal)
		}
		if refusal == nil && !appdef.Equal(before, after) {
			t.Errorf("%s\nbecomes %s\nand means %s\nnot %s", body, marshalled(t, modern), marshalled(t, after), marshalled(t, before))
		}
	}
}

func marshalled(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
