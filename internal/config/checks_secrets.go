package config

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// checkSecrets holds files to one source of their content, and secrets to what keeps them
// secret. Nothing is decrypted, asked or run.
func checkSecrets(m *mesh.Mesh, l *loader) {
	for _, r := range m.Resources {
		if r.Addr.Kind != mesh.File {
			continue
		}
		file := fmt.Sprintf("role %s yields the file %s", r.Role, r.Addr.Name)
		switch {
		case r.Text != nil && r.Secret != nil:
			l.errs.add(Error{
				Pos: l.madeAt(r, "secret"), Rule: "content-and-secret", Msg: file + " with both a content and a secret",
				Hint: "keep the secret only, and take what stood in content out of git's history if it was one",
			})
		case r.Text == nil && r.Secret == nil:
			l.errs.add(Error{
				Pos: l.madeAt(r), Rule: "no-content", Msg: file + " without a content",
				Hint: `write content: "…", or secret: {age: "…"}, {env: "NAME"} or {command: ["program"]}`,
			})
		case r.Secret != nil:
			l.checkSecret(r, file)
		}
	}
}

func (l *loader) checkSecret(r mesh.Resource, file string) {
	if !l.checkSource(*r.Secret, file+" as a secret", func(part ...string) mesh.Pos { return l.madeAt(r, append([]string{"secret"}, part...)...) }) {
		return
	}
	if mode, _ := r.Attrs["mode"].(string); strings.TrimRight(mode, "0") == mode {
		l.errs.add(Error{
			Pos: l.madeAt(r, "mode"), Rule: "secret-mode", Msg: fmt.Sprintf("%s as a secret with the mode %s: everybody on the host could use it", file, mode),
			Hint: `the last digit must be 0, such as "0600", or "0640" for a group`,
		})
	}
}

// checkSource holds a secret to one source; what is whose secret it is, and at the line of a part of it.
func (l *loader) checkSource(s mesh.SecretSource, what string, at func(part ...string) mesh.Pos) bool {
	named := 0
	for _, there := range []bool{s.Age != "", s.Env != "", len(s.Command) > 0} {
		if there {
			named++
		}
	}
	if named != 1 {
		l.errs.add(Error{
			Pos: at(), Rule: "secret-source", Msg: fmt.Sprintf("%s from %d sources: want one of age, env and command", what, named),
		})
		return false
	}
	if s.Age != "" && !armored(s.Age) {
		l.errs.add(Error{
			Pos: at("age"), Rule: "age", Msg: what + " of age, and what stands there is no armored age ciphertext",
			Hint: "age --armor -r RECIPIENT <file prints one; it begins with " + ageBegin,
		})
	}
	return true
}

// The first line of an armored ciphertext, and how what is in the armor begins: the header
// of the format, age-encryption.org/v1.
const (
	ageType   = "AGE ENCRYPTED FILE"
	ageBegin  = "-----BEGIN " + ageType + "-----"
	ageHeader = "age-encryption.org/v1\n"
)

func armored(text string) bool {
	text = strings.TrimSpace(text)
	block, rest := pem.Decode([]byte(text))
	return strings.HasPrefix(text, ageBegin) && block != nil && block.Type == ageType && len(block.Headers) == 0 &&
		len(bytes.TrimSpace(rest)) == 0 && bytes.HasPrefix(block.Bytes, []byte(ageHeader))
}
