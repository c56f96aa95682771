package remote

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestWhatSSHConfigSaysOfAHost(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config")
	text := `Host six
  HostName fe80::1
  Port 2222
Host keys
  IdentityFile "~/.ssh/my key"
  IdentityFile %d/.ssh/%r@%h
  CertificateFile ~/.ssh/my-cert.pub
  IdentitiesOnly yes
  IdentityAgent "~/Library/Group Containers/agent.sock"
Host none
  IdentityFile none
  IdentityAgent none
  ProxyJump none
Host same
  IdentityAgent $SSH_AUTH_SOCK
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := NewPool(Options{ConfigFile: file, Home: "/h", AgentSocket: "/a", User: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	at := func(name string) endpoint { return p.resolve(mesh.HostSpec{Name: "h", Address: name}) }
	if got := at("six").addr; got != "[fe80::1]:2222" {
		t.Error(got)
	}
	if got := p.resolve(mesh.HostSpec{Address: "fe80::1%h"}).addr; got != "[fe80::1%h]:22" {
		t.Error(got)
	}
	keys := at("keys")
	if len(keys.identities) != 2 || keys.identities[0] != "/h/.ssh/my key" || keys.identities[1] != "/h/.ssh/ops@keys" ||
		len(keys.certs) != 1 || keys.certs[0] != "/h/.ssh/my-cert.pub" || !keys.only || keys.agent != "/h/Library/Group Containers/agent.sock" {
		t.Errorf("%+v", keys)
	}
	if none := at("none"); none.agent != "" || none.jump != "" || len(none.identities) != 0 || !none.named {
		t.Errorf("%+v", none)
	}
	if at("same").agent != "/a" || at("other").agent != "/a" || at("other").named {
		t.Errorf("%+v", at("same"))
	}
}

// What OpenSSH takes for a name and the library for something else is named, and not passed over.
func TestWhatOfSSHConfigIsReadInAnotherWayIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	inner := write("inner.conf", "# fine\nHost \"10.0.0.1\"\n  User ops\n")
	for text, says := range map[string]string{
		"Host \"10.213.0.11\"\n  User ops\n":      ":1: host with quotes",
		"Host a\nHost b \"c\"\n":                  ":2: host with quotes",
		"host=\"a\"\n":                            ":1: host with quotes",
		"Match host \"a\"\n":                      ":1: match with quotes",
		"Match host a,b\n":                        ":1: match with more than one name",
		"Match host a user ops\n":                 ":1: match with more than one name or criterion",
		"Host a\tb\n":                             ":1: host with a tab",
		"Include \"~/.ssh/more\"\n":               ":1: include with quotes",
		"Include " + dir + "/inner*\n":            inner + ":2: host with quotes",
		"Match exec true\n":                       "Match Exec is not supported",
		"Host a b # \"c\"\n  User \"ops\"\n":      "",
		"\tHost\ta\n\tIdentityFile \"~/a b\"\n":   "",
		"Match host a\nMatch all\n# Host \"a\"\n": "",
	} {
		p, err := NewPool(Options{ConfigFile: write("config", text)})
		switch {
		case says == "" && err != nil, says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%q: %v", text, err)
		case err == nil:
			_ = p.Close()
		}
	}
}
