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
	Sees     string // only apps whose ids begin so; "": all
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
		case a.ReadOnly && r.Method != http.MethodGet && r.Method != http.MethodHead, !a.sees(r.URL.Path):
			fail(http.StatusForbidden, "Not Authorized to perform this action!").send(w, false)
		case a.Sees != "" && r.URL.Path == "/v2/apps" && r.Method == http.MethodGet:
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

// sees reports whether a path is of no app, or of one that the account may see.
func (a Account) sees(path string) bool {
	id, ok := strings.CutPrefix(path, "/v2/apps/")
	return !ok || strings.HasPrefix("/"+id, a.Sees)
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
		return !strings.HasPrefix(app.ID, a.Sees)
	})
	body, _ := json.Marshal(list) //nolint:errchkjson // what was read a moment before
	for k, v := range rec.header {
		w.Header()[k] = v
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(rec.status)
	_, _ = w.Write(body)
}
