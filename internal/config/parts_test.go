package config

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"cuelang.org/go/cue"

	"meshsync.dev/meshsync/internal/mesh"
)

// crowd makes more hosts than one part has. A loop makes them, so that nobody can count them
// before they are evaluated.
const crowd = `package prod

import (
	"list"
	"strconv"
)

hosts: {for i in list.Range(100, 100+2*64+1, 1) {"a\(strconv.FormatInt(i, 10))": address: "10.1.0.\(i-99)"}}
policy: limits: hosts: 200
`

// outOf is how many hosts the value that a loader keeps has in out.
func outOf(l *loader) int { return len(fieldNames(l.value.LookupPath(cue.ParsePath("out")))) }

// TestAMeshInPartsIsTheSame compares a mesh that is evaluated in parts with the same one that is
// evaluated as a whole, for each reason that there is for the latter.
func TestAMeshInPartsIsTheSame(t *testing.T) {
	t.Parallel()
	const kit = "cue.mod/pkg/meshsync.dev/kit/kit.cue"
	files := example(t)
	files["prod/crowd.cue"] = []byte(crowd)
	without := strings.NewReplacer(" if hn >= #span.from if hn < #span.below", "", `#span: {from: *"" | string, below: *"~" | string}`, "")
	var parts *mesh.Mesh
	for _, x := range []struct {
		name, file, text string
		inParts          bool
	}{
		{"in parts", "prod/crowd.cue", crowd, true},
		{"a kit from before", kit, without.Replace(string(files[kit])), false},
		{"a mesh that reads out", "prod/reads.cue", "package prod\nout: _\n_n: len(out)\n", false},
	} {
		all := maps.Clone(files)
		all[x.file] = []byte(x.text)
		l := newLoader(all, "prod")
		if l.evaluate(); outOf(l) == 0 != x.inParts {
			t.Errorf("%s: the value has %d hosts in out", x.name, outOf(l))
		}
		m, err := Load(all, "prod")
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		if parts == nil {
			parts = m
		}
		if len(m.Hosts) < 2*partHosts || !reflect.DeepEqual(m, parts) {
			t.Errorf("%s: another mesh, of %d hosts", x.name, len(m.Hosts))
		}
	}
}

// TestWhatIsWrongInAPartIsToldAsEver: the errors of a mesh do not depend on its size.
func TestWhatIsWrongInAPartIsToldAsEver(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{
		"hosts: a1: roles: logshipper: level: \"loud\"\n",
		"hosts: a1: roles: zookeepr: {}\n",
		"settings: \"mesos-agent\": prot: 5051\n",
		"#roles: logshipper: yield: files: \"/etc/x\": mode: \"0644\"\n",
	} {
		files := example(t)
		files["prod/wrong.cue"] = []byte("package prod\n" + wrong)
		_, few := Load(files, "prod")
		files["prod/crowd.cue"] = []byte("package prod\nhosts: {for n in [\"a3\"] {(n): address: \"10.1.0.1\"}}\n")
		_, many := Load(files, "prod")
		if few == nil || many == nil || !strings.HasPrefix(strings.ReplaceAll(many.Error(), "2 more", "1 more"), strings.SplitN(few.Error(), "(and", 2)[0]) {
			t.Errorf("few hosts: %v\nmany hosts: %v", few, many)
		}
	}
}

func TestHostsThatAreWrittenOutAreCounted(t *testing.T) {
	t.Parallel()
	for text, few := range map[string]bool{
		"hosts: b1: address: \"10.0.9.1\"\n":                                         true,
		"hosts: {" + strings.Repeat("b: address: \"10.0.9.1\"\n", partHosts) + "}\n": false,
		"hosts: {for n in [\"b\"] {(n): address: \"x\"}}\n":                          false,
		"hosts: _more\n_more: {}\n":                                                  false,
	} {
		files := example(t)
		files["prod/more.cue"] = []byte("package prod\n" + text)
		if l := newLoader(files, "prod"); l.hasFewHosts() != few {
			t.Errorf("%q: %v", text, !few)
		}
	}
}
