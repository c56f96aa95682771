package mesh

import (
	"encoding/json"
	"strings"

	"meshsync.dev/meshsync/internal/secret"
)

// SecretSource says where the content of a secret file comes from when it is written; one
// of the three is set. It is no secret itself: git holds it.
type SecretSource struct {
	Age     string   `json:"age,omitempty"`     // armored ciphertext, to be decrypted
	Env     string   `json:"env,omitempty"`     // name of a variable of the applying process's environment
	Command []string `json:"command,omitempty"` // program with arguments; its output is the content
}

// The attribute content of a secret file is one of these and never a digest of the content
// alone, from which a short secret could be guessed.
const (
	// SourcePrefix begins SecretSource.ID: what the content will be made of, where nobody
	// knows yet what that comes to.
	SourcePrefix = "source:"
	// KeyedPrefix begins the digest of a content under a key that only root of its host can
	// read. Nothing behind it means that the host has no key yet.
	KeyedPrefix = "keyed:"
)

// ID identifies the source. Equal ones of a ciphertext have equal contents.
func (s SecretSource) ID() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("mesh: a source that JSON cannot hold: " + err.Error()) // strings only
	}
	return SourcePrefix + DigestBytes(b)
}

// Volatile reports whether the source may give another content without a change in git.
func (s SecretSource) Volatile() bool { return s.Age == "" }

// String is the source in words.
func (s SecretSource) String() string {
	switch {
	case s.Env != "":
		return "the environment variable " + s.Env
	case len(s.Command) > 0:
		return "the command " + s.Command[0]
	default:
		return "the age ciphertext"
	}
}

// SecretContent reports whether an attribute content is of a declared secret: known by its
// source or keyed digest, or already masked.
func SecretContent(v any) bool {
	switch v := v.(type) {
	case secret.Value:
		return true
	case string:
		return strings.HasPrefix(v, SourcePrefix) || strings.HasPrefix(v, KeyedPrefix)
	default:
		return false
	}
}
