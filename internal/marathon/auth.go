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

// credential is a secret that is asked for when it is first needed, once, whatever comes of it: a command that asks a
// person is not run again and again.
type credential struct {
	of     string // the Marathon
	source *mesh.SecretSource
	ask    Credentials
	mu     sync.Mutex
	asked  bool
	value  secret.Value
	err    error
}

func (h *credential) get(ctx context.Context) (secret.Value, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.asked {
		h.value, h.err = h.askSource(ctx)
		h.asked = ctx.Err() == nil
	}
	return h.value, h.err
}

func (h *credential) askSource(ctx context.Context) (secret.Value, error) {
	if h.source == nil || h.ask == nil {
		return secret.Value{}, h.failed("nobody can be asked for them")
	}
	v, err := h.ask(ctx, *h.source)
	if err != nil {
		return secret.Value{}, h.failed(err.Error())
	}
	return v, nil
}

// failed is why there is no such secret.
func (h *credential) failed(why string) error {
	return &credentialError{fmt.Sprintf("no credentials for the Marathon %s, so it was not asked: %s", h.of, why)}
}

// known is the secret if it was asked for, else empty.
func (h *credential) known() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.value.Reveal()
}

// credentialError says that there is nothing to ask a Marathon with: it was sent nothing.
type credentialError struct{ msg string }

func (e *credentialError) Error() string { return e.msg }

// account is who meshsync is to a Marathon.
type account struct {
	name   string
	auth   *mesh.MarathonAuth // nil: nobody in particular
	secret *credential        // the password or token
}

func newAccount(o Options) *account {
	a := &account{name: o.Spec.Name, auth: o.Spec.Auth, secret: &credential{of: o.Spec.Name, ask: o.Credentials}}
	if a.auth != nil {
		a.secret.source = cmp.Or(a.auth.Token, a.auth.Password)
	}
	return a
}

// sign adds the account to a request.
func (a *account) sign(r *http.Request) error {
	if a.auth == nil {
		return nil
	}
	v, err := a.secret.get(r.Context())
	if err != nil {
		return err
	}
	text := unended(v.Reveal())
	switch {
	case text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return a.secret.failed(fmt.Sprintf("what %s gives is empty or has more than one line", a.secret.source))
	case a.auth.Token != nil:
		r.Header.Set("Authorization", "token="+text)
	default:
		r.SetBasicAuth(a.auth.User, text)
	}
	return nil
}

// unended drops the line feed in which what a command or a ciphertext gives mostly ends, and which no header can hold.
func unended(text string) string { return strings.TrimRight(text, "\r\n") }

// withhold takes the secret out of an error: a server or a proxy may quote what it was sent.
func (a *account) withhold(err error) {
	text := unended(a.secret.known())
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
	if n := (*noEvents)(nil); errors.As(err, &n) {
		n.why = without.Replace(n.why)
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
	case api.status == http.StatusProxyAuthRequired:
		api.hint = proxyAccount
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
