package mesh

import "strings"

// HostKey is the public key that a host showed, as its type and fingerprint: "ssh-ed25519
// SHA256:…", as ssh-keygen -lf prints it. "" is none that anybody knows. A host has a key of each
// type, and which of them it shows depends on what is known of it where it is reached from.
type HostKey string

// Fingerprint is the key without its type.
func (k HostKey) Fingerprint() string {
	_, fingerprint, _ := strings.Cut(string(k), " ")
	return fingerprint
}

// Comparable reports whether the two tell anything of each other: they are of one type.
func (k HostKey) Comparable(other HostKey) bool {
	mine, _, _ := strings.Cut(string(k), " ")
	its, _, _ := strings.Cut(string(other), " ")
	return mine != "" && mine == its
}
