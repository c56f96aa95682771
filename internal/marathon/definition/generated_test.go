package definition

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// A generator mixes definitions from the members of recorded ones.
type generator struct {
	rnd    *rand.Rand
	bases  []map[string]any
	fields []string
	pool   map[string][]any
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func newGenerator(t testing.TB, seed uint64) *generator {
	t.Helper()
	g := &generator{rnd: newRand(seed), pool: map[string][]any{}}
	for _, c := range casesOf(t) {
		body, ok := c.Put.(map[string]any)
		if !ok {
			continue
		}
		if c.Get != nil {
			g.bases = append(g.bases, body)
		}
		for k, v := range body {
			g.pool[k] = append(g.pool[k], v)
		}
	}
	g.fields = slices.Sorted(maps.Keys(g.pool))
	return g
}

func pick[T any](g *generator, from []T) T { return from[g.rnd.IntN(len(from))] }

func (g *generator) definition(i int) map[string]any {
	def := maps.Clone(pick(g, g.bases))
	for range g.rnd.IntN(5) {
		f := pick(g, g.fields)
		def[f] = pick(g, g.pool[f])
	}
	def["id"] = fmt.Sprintf("/g%d/a%d", i%100, i)
	return def
}

// shuffled puts in another order what Marathon compares as sets.
func (g *generator) shuffled(echo map[string]any) {
	sets := []any{echo["constraints"], echo["healthChecks"], echo["dependencies"], echo["acceptedResourceRoles"]}
	for _, r := range list(echo["readinessChecks"]) {
		sets = append(sets, r.(map[string]any)["httpStatusCodesForReady"])
	}
	for _, s := range sets {
		l := list(s)
		g.rnd.Shuffle(len(l), func(i, j int) { l[i], l[j] = l[j], l[i] })
	}
}

// echoed is a definition as a Marathon shows it that made it: with numbers for the service
// ports that were 0, which no recorded definition names. ok is false where it refuses it.
func echoed(t *testing.T, r *appdef.Reader, def map[string]any, i int) (echo map[string]any, ok bool) {
	t.Helper()
	body, err := json.Marshal(def)
	if err != nil {
		t.Fatal(err)
	}
	roles := func(string, string) ([]string, string) { return []string{"*", fmt.Sprintf("g%d", i%100)}, "*" }
	made, refusal := r.Create(body, "/", roles)
	if i%2 == 1 {
		made, refusal = r.Replace(def["id"].(string), appdef.Existing{}, body, roles)
	}
	if refusal != nil {
		return nil, false
	}
	text, err := json.Marshal(made)
	if err != nil {
		return nil, false // 1e400, of which there is no form
	}
	echo = parsed(t, string(text))
	places, field := servicePorts(echo)
	for n, o := range places {
		if o[field] == json.Number("0") {
			o[field] = json.Number(fmt.Sprint(15000 + n))
		}
	}
	return echo, true
}

func TestTenThousandAppsAreAsTheirOwnEchoSays(t *testing.T) {
	t.Parallel()
	const apps = 10000
	info := submitted{}.info()
	info.DefaultNetworkName = "dcos"
	reader := appdef.New(appdef.Settings{DefaultNetwork: "dcos", Features: []string{"secrets", "vips", "task_killing", "external_volumes", "gpu_resources"}})
	g := newGenerator(t, 1)
	forms := NewForms(info, NewMasker(mesh.DefaultSecretNames()))
	for i, n := 0, 0; n < apps; i++ {
		def := g.definition(i)
		if _, foreign, err := Canonical(def, info); err != nil || len(foreign) > 0 {
			continue // the contract refuses it
		}
		echo, ok := echoed(t, reader, def, i)
		if !ok {
			continue
		}
		n++
		live := formed(t, forms, echo)
		g.shuffled(echo)
		if again := formed(t, forms, echo); mesh.Digest(live.Attrs) != mesh.Digest(again.Attrs) {
			t.Fatalf("the order of sets matters: %v\n%s", echo, cmp.Diff(map[string]any(live.Attrs), map[string]any(again.Attrs)))
		}
		spec := mesh.AppSpec{Marathon: "main", ID: live.Addr.Name, Definition: def}
		want, _, err := forms.Desired(spec, &live)
		if err != nil {
			t.Fatal(err)
		}
		if !mesh.EqualValues(want.Attrs, live.Attrs) {
			t.Fatalf("%v\n%s", def, cmp.Diff(map[string]any(want.Attrs), map[string]any(live.Attrs)))
		}
	}
}

func formed(t *testing.T, f *Forms, echo map[string]any) mesh.Resource {
	t.Helper()
	tree, err := mesh.NewTree(echo)
	if err != nil {
		t.Fatal(err)
	}
	return f.Live("main", tree)
}

// Whatever a Marathon sends has a form, and that form is its own.
func FuzzAFormIsItsOwnForm(f *testing.F) {
	f.Add([]byte(newerApp), "1.11.26")
	f.Add([]byte(`{"id":"a","uris":["http://x/a.zip"],"ports":[0],"ipAddress":{"discovery":{"ports":[null,1]}},"healthChecks":[5,null,{}]}`), "1.4.13")
	f.Add([]byte(`{"container":{"docker":{"network":"USER","portMappings":[1]},"volumes":[null]},"networks":{},"check":{"http":1},"env":[]}`), "1.8.0")
	f.Add([]byte(`{"id":"../b","dependencies":["a","../c",1,null],"unreachableStrategy":[],"upgradeStrategy":1,"readinessChecks":[[]]}`), "")
	f.Fuzz(func(t *testing.T, text []byte, version string) {
		var def map[string]any
		if json.Unmarshal(text, &def) != nil || def == nil {
			t.Skip("no object")
		}
		info := mesh.MarathonInfo{Version: version, MesosRole: "*"}
		before := mesh.MustTree(def)
		once, _, err := Canonical(def, info)
		if err != nil {
			t.Fatal(err)
		}
		if !mesh.EqualValues(before, mesh.MustTree(def)) {
			t.Fatal("the input was modified")
		}
		twice, foreign, err := Canonical(once, info)
		if err != nil || len(foreign) > 0 || !mesh.EqualValues(once, twice) {
			t.Fatalf("%v %v\n%s", err, foreign, cmp.Diff(map[string]any(once), map[string]any(twice)))
		}
	})
}
