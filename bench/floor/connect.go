package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/crypto/ssh"
)

// connect is the file by which a sandbox says how its hosts are reached.
type connect struct {
	Schema   string          `json:"schema"`
	Hosts    map[string]host `json:"hosts"`
	Identity string          `json:"identity"` // file with the user's private key
}

type host struct {
	Address string `json:"address"`
	Port    int    `json:"port"`
	User    string `json:"user"`
	HostKey string `json:"host_key"` // as in an authorized_keys line
}

const connectSchema = "meshsync.connect/v1"

// endpoint is a host, ready to be dialled.
type endpoint struct {
	name, address, command string
	config                 *ssh.ClientConfig
}

// readEndpoints reads a connect file and returns its hosts, sorted by name, or the only one
// that is asked for. Every key must be ed25519, since the kind of key decides what a handshake costs.
func readEndpoints(file, only string) ([]endpoint, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the connect file, which `meshsync sandbox up` writes: %w", err)
	}
	var c connect
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if c.Schema != connectSchema || len(c.Hosts) == 0 {
		return nil, fmt.Errorf("%s: schema %q with %d hosts, want %q with hosts", file, c.Schema, len(c.Hosts), connectSchema)
	}
	identity := c.Identity
	if !filepath.IsAbs(identity) {
		identity = filepath.Join(filepath.Dir(file), identity)
	}
	signer, err := readSigner(identity)
	if err != nil {
		return nil, err
	}
	var out []endpoint
	for _, name := range slices.Sorted(maps.Keys(c.Hosts)) {
		if only != "" && name != only {
			continue
		}
		e, err := newEndpoint(name, c.Hosts[name], signer)
		if err != nil {
			return nil, fmt.Errorf("%s: host %s: %w", file, name, err)
		}
		out = append(out, e)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: it has no host %s", file, only)
	}
	return out, nil
}

func readSigner(file string) (ssh.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the user's key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("user's key %s: %w", file, err)
	}
	if kind := signer.PublicKey().Type(); kind != ssh.KeyAlgoED25519 {
		return nil, fmt.Errorf("user's key %s is %s, want %s", file, kind, ssh.KeyAlgoED25519)
	}
	return signer, nil
}

func newEndpoint(name string, h host, signer ssh.Signer) (endpoint, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(h.HostKey))
	if err != nil {
		return endpoint{}, fmt.Errorf("host key: %w", err)
	}
	if key.Type() != ssh.KeyAlgoED25519 {
		return endpoint{}, fmt.Errorf("host key is %s, want %s", key.Type(), ssh.KeyAlgoED25519)
	}
	command := "/bin/sh -s"
	if h.User != "root" {
		command = "sudo -n " + command
	}
	return endpoint{
		name: name, address: net.JoinHostPort(h.Address, strconv.Itoa(h.Port)), command: command,
		config: &ssh.ClientConfig{
			User: h.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
			HostKeyCallback: ssh.FixedHostKey(key), HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
			Timeout: dialTimeout,
		},
	}, nil
}
