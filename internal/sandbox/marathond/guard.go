package marathond

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// Accounts are who may ask a Marathon.
type Accounts struct {
	Users map[string]Account // basic auth, by --http_credentials or a plugin
	Token string             // DC/OS: "Authorization: token=…"
}

// Account is what one user may do.
type Account struct {
	Password string
	ReadOnly bool
	Sees     []string // only apps whose ids begin with one of them; none: all
}

// Guard puts a Marathon behind accounts, on all paths, as Jetty's basic auth and the plugins for
// authorization do: lists hold what the account may see, and say nothing of the rest.
func Guard(h http.Handler, accounts Accounts) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := accounts.of(r)
		switch {
		case !ok:
			w.Header().Set("WWW-Authenticate", `Basic realm="Mesosphere"`)
			text(w, http.StatusUnauthorized, "<html><head><title>Error 401 Unauthorized</title></head><body><h2>HTTP ERROR 401</h2></body></html>\n")
		case a.ReadOnly && r.Method != http.MethodGet && r.Method != http.MethodHead:
			fail(http.StatusForbidden, "Not Authorized to perform this action!").send(w, false)
		case strings.HasPrefix(r.URL.Path, "/v2/apps/") && !a.sees(strings.TrimPrefix(r.URL.Path, "/v2/apps")):
			hide(w, r, h)
		case a.Sees != nil && r.URL.Path == "/v2/apps" && r.Method == http.MethodGet:
			a.filter(w, r, h)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

func (a Accounts) of(r *http.Request) (Account, bool) {
	if a.Token != "" && r.Header.Get("Authorization") == "token="+a.Token {
		return Account{}, true
	}
	name, password, _ := r.BasicAuth()
	user, ok := a.Users[name]
	return user, ok && user.Password == password
}

func (a Account) sees(id string) bool {
	return a.Sees == nil || slices.ContainsFunc(a.Sees, func(prefix string) bool { return strings.HasPrefix(id, prefix) })
}

// hide refuses what is there; what is not there may be known.
func hide(w http.ResponseWriter, r *http.Request, h http.Handler) {
	rec := newRecorder()
	look := r.Clone(r.Context())
	look.Method, look.Body, look.ContentLength = http.MethodGet, http.NoBody, 0
	h.ServeHTTP(rec, look)
	if rec.status == http.StatusNotFound {
		h.ServeHTTP(w, r)
		return
	}
	fail(http.StatusForbidden, "Not Authorized to perform this action!").send(w, false)
}

func (a Account) filter(w http.ResponseWriter, r *http.Request, h http.Handler) {
	rec := newRecorder()
	h.ServeHTTP(rec, r)
	var list struct {
		Apps []json.RawMessage `json:"apps"`
	}
	_ = json.Unmarshal(rec.body, &list)
	list.Apps = slices.DeleteFunc(list.Apps, func(raw json.RawMessage) bool {
		var app struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(raw, &app)
		return !a.sees(app.ID)
	})
	body, _ := json.Marshal(list) //nolint:errchkjson // what was read a moment before
	for k, v := range rec.header {
		w.Header()[k] = v
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(rec.status)
	_, _ = w.Write(body)
}
