package marathon

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/secret"
)

// Credentials asks the source of a secret for its value. Its errors quote nothing of that.
type Credentials func(context.Context, mesh.SecretSource) (secret.Value, error)

// account is who meshsync is to a Marathon. Its secret is asked for when the first request is sent, once,
// whatever comes of it: a command that asks a person is not run again and again.
type account struct {
	name   string
	auth   *mesh.MarathonAuth // nil: nobody in particular
	ask    Credentials
	mu     sync.Mutex
	asked  bool
	secret secret.Value // the password or token
	err    error
}

func newAccount(o Options) *account {
	return &account{name: o.Spec.Name, auth: o.Spec.Auth, ask: o.Credentials}
}

// credentialError says that there is nothing to ask a Marathon with: it was sent nothing.
type credentialError struct{ msg string }

func (e *credentialError) Error() string { return e.msg }

// sign adds the account to a request.
func (a *account) sign(r *http.Request) error {
	if a.auth == nil {
		return nil
	}
	v, err := a.value(r.Context())
	switch {
	case err != nil:
		return err
	case a.auth.Token != nil:
		r.Header.Set("Authorization", "token="+v.Reveal())
	default:
		r.SetBasicAuth(a.auth.User, v.Reveal())
	}
	return nil
}

// value is the password or token.
func (a *account) value(ctx context.Context) (secret.Value, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.asked {
		a.secret, a.err = a.askSource(ctx)
		a.asked = ctx.Err() == nil
	}
	return a.secret, a.err
}

func (a *account) askSource(ctx context.Context) (secret.Value, error) {
	source := cmp.Or(a.auth.Token, a.auth.Password)
	if source == nil || a.ask == nil {
		return secret.Value{}, &credentialError{"no credentials for the Marathon " + a.name + ": nobody can be asked for them"}
	}
	v, err := a.ask(ctx, *source)
	if err != nil {
		return v, &credentialError{fmt.Sprintf("no credentials for the Marathon %s, so it was not asked: %v", a.name, err)}
	}
	// A command and a ciphertext mostly end in a line feed, which no header can hold.
	text := strings.TrimRight(v.Reveal(), "\r\n")
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return secret.Value{}, &credentialError{fmt.Sprintf("no credentials for the Marathon %s, so it was not asked: what %s gives is empty or has more than one line", a.name, source)}
	}
	return secret.New(text), nil
}

// withhold takes the secret out of an error: a server or a proxy may quote what it was sent.
func (a *account) withhold(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	text := a.secret.Reveal()
	if text == "" || err == nil {
		return
	}
	var said []string
	for _, s := range []string{text, base64.RawStdEncoding.EncodeToString([]byte(a.auth.User + ":" + text))} {
		said = append(said, s, secret.Mask)
	}
	without := strings.NewReplacer(said...)
	if api := (*apiError)(nil); errors.As(err, &api) {
		api.message = without.Replace(api.message)
	}
	if r := (*reachError)(nil); errors.As(err, &r) {
		r.msg = without.Replace(r.msg)
	}
}

// explain says what a refusal of the account means.
func (a *account) explain(err error) {
	var api *apiError
	if !errors.As(err, &api) {
		return
	}
	switch {
	case api.status == http.StatusUnauthorized && a.auth == nil:
		api.hint = "it wants an account, and git names none: see marathons." + a.name + ".auth"
	case api.status == http.StatusUnauthorized && a.auth.Token != nil:
		api.hint = fmt.Sprintf("it does not take the token of %s: those of DC/OS end after some days, so log in anew for another one", a.auth.Token)
	case api.status == http.StatusUnauthorized:
		api.hint = fmt.Sprintf("it does not take the user %s with the password of %s: see whether that is still the right one", a.auth.User, a.auth.Password)
	case api.status == http.StatusForbidden && !api.full():
		api.hint = "the account is known, and may not do this: plan and drift need to view apps and groups, apply to create, update and delete those that git names and /meshsync"
	}
}

// full reports whether a 403 is not about the account, but about the limit of running deployments.
func (e *apiError) full() bool { return strings.Contains(e.message, "Max number") }

// signed sends requests in the name of an account: those to the URLs of the mesh, and no others.
type signed struct {
	account *account
	urls    []string
	next    http.RoundTripper
}

func (s signed) RoundTrip(r *http.Request) (*http.Response, error) {
	if slices.ContainsFunc(s.urls, func(u string) bool { return sameHost(u, r.URL.String()) }) {
		r = r.Clone(r.Context())
		if err := s.account.sign(r); err != nil {
			return nil, err
		}
	}
	return cmp.Or(s.next, http.DefaultTransport).RoundTrip(r)
}
