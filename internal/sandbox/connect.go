package sandbox

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// ConnectSchema is the schema of the connect file.
const ConnectSchema = "meshsync.connect/v1"

// Connect says where the hosts and Marathons of a sandbox are.
type Connect struct {
	Schema    string             `json:"schema"`
	Hosts     map[string]Address `json:"hosts"`
	Identity  string             `json:"identity"`  // file with the user's private key
	Marathons map[string]string  `json:"marathons"` // name → base URL
}

// Address says how a host is reached.
type Address struct {
	Address string `json:"address"` // an IP address of loopback
	Port    int    `json:"port"`
	User    string `json:"user"`
	HostKey string `json:"host_key"` // as a line of authorized_keys
}

// ConnectFile is the name of the connect file in a sandbox's folder.
const ConnectFile = "connect.json"

// ReadConnect reads a connect file. It refuses a newer version, and addresses that are not
// of this machine: who says sandbox must not reach a real host.
func ReadConnect(file string) (Connect, error) {
	var c Connect
	text, err := os.ReadFile(file)
	if err != nil {
		return c, fmt.Errorf("read the connect file, which `meshsync sandbox up` writes: %w", err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("connect file %s: %w", file, err)
	}
	if c.Schema != ConnectSchema {
		return c, fmt.Errorf("connect file %s has schema %q, this program reads %q", file, c.Schema, ConnectSchema)
	}
	for name, h := range c.Hosts {
		if ip := net.ParseIP(h.Address); ip == nil || !ip.IsLoopback() {
			return c, fmt.Errorf("connect file %s: host %s has the address %q, which is not of this machine's loopback", file, name, h.Address)
		}
	}
	if c.Identity != "" && !filepath.IsAbs(c.Identity) {
		c.Identity = filepath.Join(filepath.Dir(file), c.Identity)
	}
	return c, nil
}

func (c Connect) write(file string) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(file, append(text, '\n'))
}
