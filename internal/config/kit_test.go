package config

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"meshsync.dev/meshsync/internal/mesh"
)

// publicKey makes a key and returns it armored, with its fingerprint.
func publicKey(t *testing.T) (armored, fingerprint string) {
	t.Helper()
	e, err := openpgp.NewEntity("t", "", "t@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err == nil {
		err = e.Serialize(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), fmt.Sprintf("%X", e.PrimaryKey.Fingerprint)
}

const kitRole = `package roles

import "meshsync.dev/kit"

#LogShipper: kit.#Role & {
	uses: []
	let key = kit.#AptKey & {name: "site", armored: #"""
@KEY@
"""#, fingerprint: "@FINGERPRINT@"}
	yield: {
		rollout: layer: 30
		key.yield
		(kit.#AptSource & {name: "site", uris: ["https://deb.example.com/debian"], suites: ["bookworm"], components: ["main"], "key": key.path}).yield
		(kit.#CronJob & {name: "report", when: "*/5 * * * *", user: "root", run: "date +%s >/run/report"}).yield
		(kit.#Sysctl & {name: "vm.swappiness", value: "1"}).yield
		(kit.#Module & {name: "br_netfilter"}).yield
		(kit.#Unit & {name: "own", content: "[Service]\nExecStart=/bin/own\n", reads: ["/etc/own"], service: {enabled: true, running: true, on: "restart"}}).yield
	}
}
`

func TestWhatTheKitYields(t *testing.T) {
	t.Parallel()
	key, fingerprint := publicKey(t)
	load := func(fingerprint string) (*mesh.Mesh, error) {
		files := maps.Clone(example(t))
		files["roles/logshipper.cue"] = []byte(strings.NewReplacer("@KEY@", strings.TrimSpace(key), "@FINGERPRINT@", fingerprint).Replace(kitRole))
		return Load(files, "prod")
	}
	m, err := load(fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range m.ResourcesOf(mesh.Host("m1")) {
		if r.Role != "logshipper" {
			continue
		}
		text := fmt.Sprint(r.Attrs)
		switch {
		case r.Text != nil:
			text = *r.Text
		case r.Service != nil:
			text = fmt.Sprint(r.Service.Reads)
		}
		got[string(r.Addr.Kind)+" "+r.Addr.Name] = text
	}
	want := map[string]string{
		"directory /etc/apt/keyrings":                "map[group:root mode:0755 owner:root]",
		"file /etc/apt/keyrings/site.asc":            strings.TrimSpace(key),
		"file /etc/apt/sources.list.d/site.sources":  "Types: deb\nURIs: https://deb.example.com/debian\nSuites: bookworm\nComponents: main\nSigned-By: /etc/apt/keyrings/site.asc\n",
		"file /etc/cron.d/report":                    "*/5 * * * * root date +\\%s >/run/report\n",
		"file /etc/sysctl.d/60-vm.swappiness.conf":   "vm.swappiness = 1\n",
		"sysctl vm.swappiness":                       "map[value:1]",
		"file /etc/modules-load.d/br_netfilter.conf": "br_netfilter\n",
		"module br_netfilter":                        "map[loaded:yes]",
		"file /etc/systemd/system/own.service":       "[Service]\nExecStart=/bin/own\n",
		"service own": "[/etc/own /etc/systemd/system/own.service /etc/systemd/system/own.service.d/ " +
			"/lib/systemd/system/own.service /lib/systemd/system/own.service.d/ /run/systemd/system/own.service /run/systemd/system/own.service.d/]",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	_, err = load(strings.Repeat("A", 40))
	if err == nil || !strings.Contains(err.Error(), "has the fingerprint "+fingerprint+", and "+strings.Repeat("A", 40)+" is declared") {
		t.Errorf("a wrong fingerprint: %v", err)
	}
}
