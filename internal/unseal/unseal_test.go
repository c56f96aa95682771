package unseal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/unseal"
)

// sealed is a text for an identity, as age --armor prints it.
func sealed(t testing.TB, id *age.X25519Identity, text string) string {
	t.Helper()
	var b bytes.Buffer
	a := armor.NewWriter(&b)
	w, err := age.Encrypt(a, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), a.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func identity(t testing.TB) (id *age.X25519Identity, file string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(file, []byte("# mine\n"+id.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return id, file
}

func TestEachSourceIsAskedOnceAndGivesItsBytes(t *testing.T) {
	t.Parallel()
	id, file := identity(t)
	_, other := identity(t)
	asked := 0
	r := unseal.New(unseal.Options{
		Identities: []string{other, file},
		Getenv:     func(name string) string { asked++; return map[string]string{"X": "of the variable"}[name] },
		Run: func(_ context.Context, argv []string) ([]byte, error) {
			asked++
			return []byte(strings.Join(argv, "|") + "\n"), nil
		},
	})
	for want, s := range map[string]mesh.SecretSource{
		"\x00'\"$(x)\n": {Age: sealed(t, id, "\x00'\"$(x)\n")}, "of the variable": {Env: "X"}, "pass|show\n": {Command: []string{"pass", "show"}},
	} {
		for range 2 {
			if err := r.Resolve(context.Background(), s); err != nil {
				t.Fatal(err)
			}
		}
		v, err := r.Value(s)
		if err != nil || v.Reveal() != want {
			t.Errorf("%s: %v, %q", s, err, v.Reveal())
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", r, r, r); strings.Contains(text, "AGE-SECRET") || strings.Contains(text, id.String()) || strings.Contains(text, "of the variable") {
		t.Error("a resolver prints what it knows: " + text)
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestErrorsSayWhatIsWrongAndNothingOfASecret(t *testing.T) {
	t.Parallel()
	const canary = "canary-value"
	id, file := identity(t)
	stranger, _ := identity(t)
	text := sealed(t, id, canary)
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("AGE-SECRET-KEY-1canary-value\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(out string, err error) func(context.Context, []string) ([]byte, error) {
		return func(context.Context, []string) ([]byte, error) { return []byte(out), err }
	}
	ciphertext := mesh.SecretSource{Age: text}
	for want, x := range map[string]struct {
		o unseal.Options
		s mesh.SecretSource
	}{
		"no age identity was given":                {unseal.Options{}, ciphertext},
		"for none of the identities in " + file:    {unseal.Options{Identities: []string{file}}, mesh.SecretSource{Age: sealed(t, stranger, canary)}},
		"the age ciphertext is damaged":            {unseal.Options{Identities: []string{file}}, mesh.SecretSource{Age: text[:len(text)/2] + "canary-value" + text[len(text)/2:]}},
		"no such file or directory":                {unseal.Options{Identities: []string{filepath.Join(dir, "none")}}, ciphertext},
		"broken is no file of identities":          {unseal.Options{Identities: []string{broken}}, ciphertext},
		"is an identity itself":                    {unseal.Options{Identities: []string{"AGE-SECRET-KEY-1canary-value"}}, ciphertext},
		"the environment variable X is not set":    {unseal.Options{Getenv: func(string) string { return "" }}, mesh.SecretSource{Env: "X"}},
		"the command pass: it ended with 1; what":  {unseal.Options{Run: run(canary, errors.New("it ended with 1"))}, mesh.SecretSource{Command: []string{"pass"}}},
		"the command pass prints nothing":          {unseal.Options{Run: run("", nil)}, mesh.SecretSource{Command: []string{"pass"}}},
		"the command pass gives more than 16 MiB,": {unseal.Options{Run: run(strings.Repeat(canary, unseal.MaxSize/8), nil)}, mesh.SecretSource{Command: []string{"pass"}}},
		"the age ciphertext holds nothing":         {unseal.Options{Identities: []string{file}}, mesh.SecretSource{Age: sealed(t, id, "")}},
	} {
		r := unseal.New(x.o)
		err := r.Resolve(context.Background(), x.s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary) {
			t.Errorf("%s: %s", want, text)
		}
		if _, err := r.Value(x.s); err == nil {
			t.Errorf("%s: there is a value", want)
		}
	}
}

// No text that git could hold makes it panic, or gets into an error.
func FuzzNoCiphertextIsQuoted(f *testing.F) {
	id, file := identity(f)
	f.Add(sealed(f, id, "x"))
	f.Add("-----BEGIN AGE ENCRYPTED FILE-----\naHVudGVyMg==\n-----END AGE ENCRYPTED FILE-----\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		r := unseal.New(unseal.Options{Identities: []string{file}})
		err := r.Resolve(context.Background(), mesh.SecretSource{Age: text})
		if err != nil && len(text) > 12 && strings.Contains(err.Error(), text) {
			t.Error(err)
		}
	})
}
