package remote

import (
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestAHopIsReadAsSSHReadsIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]mesh.HostSpec{
		"bastion":                      {Address: "bastion"},
		" ops@bastion:2222":            {Address: "bastion", User: "ops", Port: 2222},
		"ssh://ops@bastion:2222/":      {Address: "bastion", User: "ops", Port: 2222},
		"ops@corp@bastion":             {Address: "bastion", User: "ops@corp"},
		"::1":                          {Address: "::1"},
		"[::1]":                        {Address: "::1"},
		"ops@[fe80::1%eth0]:22":        {Address: "fe80::1%eth0", User: "ops", Port: 22},
		"ssh://[2001:db8::7]:2200":     {Address: "2001:db8::7", Port: 2200},
		"bastion.example.com:notaport": {Address: "bastion.example.com"},
	} {
		got := parseHop(text)
		if got.Address != want.Address || got.User != want.User || got.Port != want.Port {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
