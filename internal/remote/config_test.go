package remote

import (
	"os"
	"path/filepath"
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
