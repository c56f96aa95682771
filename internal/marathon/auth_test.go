package marathon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
	"meshsync.dev/meshsync/internal/secret"
)

const canary = "canary/p@ss word+1"

// source is a way to a secret that counts how often it is asked.
type source struct {
	gives string
	err   error
	asked int
}

func (s *source) ask(context.Context, mesh.SecretSource) (secret.Value, error) {
	s.asked++
	return secret.New(s.gives), s.err
}

func as(m *Marathon, auth *mesh.MarathonAuth, from *source) *Marathon {
	o := m.o
	o.Spec.Auth, o.Credentials = auth, from.ask
	return New(o)
}

func basic() *mesh.MarathonAuth {
	return &mesh.MarathonAuth{User: "ops", Password: &mesh.SecretSource{Env: "MARATHON_PASSWORD"}}
}

func token() *mesh.MarathonAuth {
	return &mesh.MarathonAuth{Token: &mesh.SecretSource{Command: []string{"dcos-token"}}}
}

func guarded(t *testing.T, s *marathond.Server) *node {
	t.Helper()
	return newNode(t, func(*node) http.Handler {
		return marathond.Guard(s, marathond.Accounts{Token: canary, Users: map[string]marathond.Account{
			"ops": {Password: canary}, "watch": {Password: canary, ReadOnly: true}, "team": {Password: canary, ReadOnly: true, Sees: []string{"/team/", "/meshsync/"}},
		}})
	})
}

func TestAnAccountIsAskedForWithTheFirstRequestAndOnce(t *testing.T) {
	t.Parallel()
	for name, auth := range map[string]*mesh.MarathonAuth{"basic": basic(), "token": token()} {
		n := guarded(t, server(t))
		from := &source{gives: canary + "\n"}
		m := as(asking(n.URL), auth, from)
		if from.asked != 0 {
			t.Errorf("%s: it was asked before anything was sent", name)
		}
		out, _ := reach(t, m, map[string]map[string]any{"/a": {"cmd": "sleep 1"}})
		if last(out).Result != plan.ResultDone || from.asked != 1 {
			t.Errorf("%s: asked %d times, %+v", name, from.asked, out)
		}
	}
}

func TestWithoutCredentialsNothingIsSent(t *testing.T) {
	t.Parallel()
	for want, from := range map[string]*source{
		"so it was not asked: MARATHON_PASSWORD is not set":                                        {err: errors.New("MARATHON_PASSWORD is not set")},
		"what the environment variable MARATHON_PASSWORD gives is empty or has more than one line": {gives: canary + "\n" + canary},
		"gives is empty": {gives: "\n"},
	} {
		n := guarded(t, server(t))
		m := as(asking(n.URL, n.URL), basic(), from)
		for range 2 {
			s := m.Observe(context.Background())
			if s.Outcome != mesh.AuthRefused || !strings.Contains(s.Message, want) || strings.Contains(s.Message, "canary") {
				t.Errorf("%s: %s: %s", want, s.Outcome, s.Message)
			}
		}
		if len(n.requests()) != 0 || from.asked != 1 {
			t.Errorf("%s: it was sent %v, and the source was asked %d times", want, n.requests(), from.asked)
		}
	}
}

func TestARefusedAccountSaysWhichAndWhatToDo(t *testing.T) {
	t.Parallel()
	for want, auth := range map[string]*mesh.MarathonAuth{
		"Marathon answered 401 Unauthorized; it wants an account, and git names none: see marathons.main.auth": nil,
		"it does not take the user ops with the password of the environment variable MARATHON_PASSWORD":        basic(),
		"it does not take the token of the command dcos-token":                                                 token(),
	} {
		n := guarded(t, server(t))
		s := as(asking(n.URL), auth, &source{gives: "canary-wrong"}).Observe(context.Background())
		if s.Outcome != mesh.AuthRefused || !strings.Contains(s.Message, want) || strings.Contains(s.Message, "canary") {
			t.Errorf("%s: %s: %s", want, s.Outcome, s.Message)
		}
	}
}

// A server that quotes what it was sent does not get it into an error, in whatever place it does.
func TestASecretThatIsQuotedBackIsWithheld(t *testing.T) {
	t.Parallel()
	quotes := map[string]func(w http.ResponseWriter, said string){
		"message": func(w http.ResponseWriter, said string) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `{"message":"%s is wrong"}`, said)
		},
		"details": func(w http.ResponseWriter, said string) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = fmt.Fprintf(w, `{"message":"x","details":[{"path":"/%s","errors":["%s"]}]}`, said, said)
		},
		"redirect": func(w http.ResponseWriter, said string) {
			w.Header().Set("Location", "http://"+strings.Map(func(r rune) rune {
				if strings.ContainsRune(" /@+=", r) {
					return -1
				}
				return r
			}, said)+".example.com/")
			w.WriteHeader(http.StatusFound)
		},
		"garbage": func(w http.ResponseWriter, said string) { _, _ = fmt.Fprint(w, said) },
		"server error": func(w http.ResponseWriter, said string) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = fmt.Fprintf(w, `{"message":%q}`, said)
		},
	}
	for name, quote := range quotes {
		for kind, auth := range map[string]*mesh.MarathonAuth{"basic": basic(), "token": token()} {
			for _, decoded := range []bool{true, false} {
				n := newNode(t, func(*node) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						said := strings.TrimPrefix(strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "), "token=")
						if _, password, ok := r.BasicAuth(); ok && decoded {
							said = password
						}
						quote(w, said)
					})
				})
				s := as(asking(n.URL), auth, &source{gives: "canary-secret"}).Observe(context.Background())
				if s.Outcome == mesh.OK || strings.Contains(s.Message, "canary-secret") || strings.Contains(s.Message, "b3BzOmNhbmFyeS1zZWNyZXQ") {
					t.Errorf("%s, %s, %v: %s: %s", name, kind, decoded, s.Outcome, s.Message)
				}
			}
		}
	}
}

// What is said to a URL of the mesh is said to no other: not after a redirect, and not to a leader that
// a standby names.
func TestAnAccountIsForTheURLsOfTheMeshOnly(t *testing.T) {
	t.Parallel()
	var heard []string
	other := newNode(t, func(*node) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			heard = append(heard, r.URL.Path+" "+r.Header.Get("Authorization"))
		})
	})
	n := newNode(t, func(*node) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	})
	m := as(asking(n.URL), basic(), &source{gives: canary})
	if s := m.Observe(context.Background()); !strings.Contains(s.Message, "redirects to another host") || len(heard) != 0 {
		t.Errorf("%s, and the other heard %v", s.Message, heard)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, other.URL+"/v2/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := m.api.do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if !slices.Equal(heard, []string{"/v2/events "}) {
		t.Errorf("the other heard %q", heard)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v %#v", m.api.account, m.api.account, m.api.account, m.o), canary) {
		t.Error("an account prints its secret")
	}
}

func TestASecretInAPlaceThatEventsAreSentToIsWithheld(t *testing.T) {
	t.Parallel()
	n := newNode(t, func(*node) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, password, _ := r.BasicAuth()
			w.Header().Set("Location", "http://"+password+".example.com/v2/events")
			w.WriteHeader(http.StatusFound)
		})
	})
	m := as(asking(n.URL), basic(), &source{gives: "canary-secret"})
	_, err := m.api.events(context.Background(), []string{n.URL})
	if err == nil || !strings.Contains(err.Error(), "which the mesh does not name") || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}
