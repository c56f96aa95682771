package main

import (
	"fmt"
	"io"
	"math/rand/v2"

	"golang.org/x/crypto/ssh"
)

// second is what is done by a second command on the same connection; nothing by default.
type second struct {
	restart string // unit
	put     int64  // bytes
}

// putFile takes what -put sends. It lies where meshsync has its own files: on a disk.
const putFile = "/var/lib/meshsync-floor"

func (s second) run(client *ssh.Client) error {
	if s.restart != "" {
		if _, err := execute(client, "systemctl restart "+s.restart, nil); err != nil {
			return err
		}
	}
	if s.put > 0 {
		// Random, since what is alike again and again costs some disks nothing.
		random := io.LimitReader(rand.NewChaCha8([32]byte{}), s.put)
		if _, err := execute(client, "cat >"+putFile+" && stat -c %s "+putFile, random); err != nil {
			return fmt.Errorf("send %d bytes: %w", s.put, err)
		}
	}
	return nil
}
