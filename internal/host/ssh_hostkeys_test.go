package host

import (
	"fmt"
	"path/filepath"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// certified is a server with a host certificate, and the line of its authority's key.
type certified struct {
	*openSSH
	ca string
}

func newCertified(t *testing.T, how ...string) certified {
	t.Helper()
	dir := t.TempDir()
	ca, key := filepath.Join(dir, "ca"), filepath.Join(dir, "host")
	line := pair(t, ca, "")
	pair(t, key, "")
	keygen(t, append(append([]string{"-s", ca, "-I", "a host", "-h"}, how...), key+".pub")...)
	s := newOpenSSH(t, newBox(t), "HostKey "+key, "HostCertificate "+key+"-cert.pub")
	s.hostKey = read(t, key+".pub")
	return certified{s, line}
}

// knowing connects with the lines of known_hosts only.
func (s *openSSH) knowing(t *testing.T, lines string) error {
	t.Helper()
	o, h := s.options(), s.spec()
	h.HostKeys, o.KnownHosts = nil, []string{written(t, "known_hosts", lines)}
	return connects(t, o, h)
}

func hostKeySituations() []situation {
	return []situation{
		{"a host that known_hosts has", mesh.OK, nil, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			return s.knowing(t, s.known())
		}},
		{"a hashed known_hosts", mesh.OK, nil, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			file := written(t, "known_hosts", s.known())
			keygen(t, "-H", "-f", file)
			return s.knowing(t, read(t, file)+"\n")
		}},
		{"a host that nobody knows", mesh.UnknownHostKey, []string{"is not known", "add to known_hosts: [127.0.0.1]:"}, func(t *testing.T) error {
			return newOpenSSH(t, newBox(t)).knowing(t, "# nothing\n")
		}},
		{"a host with another key than the known one", mesh.WrongHostKey, []string{"known_hosts has another key for it"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			s.hostKey = newKey(t, filepath.Join(t.TempDir(), "k"))
			return s.knowing(t, s.known())
		}},
		{"a host certificate", mesh.OK, nil, func(t *testing.T) error {
			x := newCertified(t, "-n", "127.0.0.1")
			return x.knowing(t, fmt.Sprintf("@cert-authority * %s\n", x.ca))
		}},
		{"a host certificate, and a port in @cert-authority", mesh.OK, nil, func(t *testing.T) error {
			x := newCertified(t, "-n", "127.0.0.1")
			return x.knowing(t, fmt.Sprintf("@cert-authority [127.0.0.1]:%d %s\n", x.port, x.ca))
		}},
		{"a host certificate that expired", mesh.WrongHostKey, []string{"certificate", "cert has expired"}, func(t *testing.T) error {
			x := newCertified(t, "-n", "127.0.0.1", "-V", "20200101:20200102")
			return x.knowing(t, fmt.Sprintf("@cert-authority * %s\n", x.ca))
		}},
		{"a host certificate for another name", mesh.WrongHostKey, []string{"certificate", "m7.example.com"}, func(t *testing.T) error {
			x := newCertified(t, "-n", "m7.example.com")
			return x.knowing(t, fmt.Sprintf("@cert-authority * %s\n", x.ca))
		}},
		{"a host certificate that expired, and its key is known by itself", mesh.OK, nil, func(t *testing.T) error {
			x := newCertified(t, "-n", "127.0.0.1", "-V", "20200101:20200102")
			return x.knowing(t, x.known())
		}},
		{"a host without the certificate that @cert-authority asks for", mesh.WrongHostKey, []string{"no host certificate", "@cert-authority"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			return s.knowing(t, fmt.Sprintf("@cert-authority * %s\n", pair(t, filepath.Join(s.dir, "ca"), "")))
		}},
		{"a host certificate by an authority that nobody knows", mesh.UnknownHostKey, []string{"is not known", "add to known_hosts: [127.0.0.1]:"}, func(t *testing.T) error {
			return newCertified(t, "-n", "127.0.0.1").knowing(t, "# nothing\n")
		}},
		{"a host key that is @revoked", mesh.WrongHostKey, []string{"revokes", "known_hosts:2"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			return s.knowing(t, s.known()+"@revoked * "+s.hostKey+"\n")
		}},
		{"a host key that is @revoked, and the mesh pins it", mesh.WrongHostKey, []string{"revokes", "known_hosts:1"}, func(t *testing.T) error {
			s := newOpenSSH(t, newBox(t))
			o := s.options()
			o.KnownHosts = []string{written(t, "known_hosts", "@revoked * "+s.hostKey+"\n")}
			return connects(t, o, s.spec())
		}},
		{"an authority that is @revoked", mesh.WrongHostKey, []string{"authority", "revokes"}, func(t *testing.T) error {
			x := newCertified(t, "-n", "127.0.0.1")
			return x.knowing(t, fmt.Sprintf("@cert-authority * %s\n@revoked * %s\n", x.ca, x.ca))
		}},
		{"a certified host key that is @revoked", mesh.WrongHostKey, []string{"revokes"}, func(t *testing.T) error {
			x := newCertified(t, "-n", "127.0.0.1")
			return x.knowing(t, fmt.Sprintf("@cert-authority * %s\n@revoked * %s\n", x.ca, x.hostKey))
		}},
	}
}
