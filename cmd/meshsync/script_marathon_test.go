package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// guardKey is under which a script keeps what stands before its Marathon.
type guardKey struct{}

// guard is a front that notes what comes by.
type guard struct {
	mu    sync.Mutex
	asked []string
}

func (g *guard) note(r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	user, _, ok := r.BasicAuth()
	if !ok {
		user = "-"
	}
	g.asked = append(g.asked, r.Method+" "+r.URL.Path+" "+user)
}

func (g *guard) take() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := g.asked
	g.asked = nil
	return out
}

// marathonCommands are the verbs about the ways to a Marathon:
//
//	guard          put the sandbox's Marathon behind accounts with the secret of $DB_PASSWORD: ops,
//	               watch, which may only read, and team, which sees /team/ only; and robot with that in
//	               $WORK/vault; its URL is in $GUARD
//	proxy          start a proxy that leads to the guard whatever the name is; its URL is in $PROXY
//	asked EXPR     what the guard was asked since is something, and each is METHOD PATH USER that matches
func marathonCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){"guard": cmdGuard, "proxy": cmdProxy, "asked": cmdAsked}
}

func cmdProxy(ts *testscript.TestScript, _ bool, _ []string) {
	to, err := url.Parse(ts.Getenv("GUARD"))
	ts.Check(err)
	s := httptest.NewServer(httputil.NewSingleHostReverseProxy(to))
	ts.Defer(s.Close)
	ts.Setenv("PROXY", s.URL)
}

func cmdGuard(ts *testscript.TestScript, _ bool, _ []string) {
	to, err := url.Parse(boxOf(ts).MarathonURL("main"))
	ts.Check(err)
	password := canariesOf(ts).now["env"]
	accounts := marathond.Guard(httputil.NewSingleHostReverseProxy(to), marathond.Accounts{Users: map[string]marathond.Account{
		"ops": {Password: password}, "watch": {Password: password, ReadOnly: true}, "team": {Password: password, ReadOnly: true, Sees: []string{"/team/", "/meshsync/"}},
		"robot": {Password: canariesOf(ts).now["command"]},
	}})
	g, _ := ts.Value(guardKey{}).(*guard)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.note(r)
		accounts.ServeHTTP(w, r)
	}))
	ts.Defer(s.Close)
	ts.Setenv("GUARD", s.URL)
}

func cmdAsked(ts *testscript.TestScript, neg bool, args []string) {
	g, _ := ts.Value(guardKey{}).(*guard)
	all := g.take()
	if neg {
		if len(all) > 0 {
			ts.Fatalf("it was asked %v", all)
		}
		return
	}
	expr := regexp.MustCompile(args[0])
	if other := slices.DeleteFunc(slices.Clone(all), expr.MatchString); len(all) == 0 || len(other) > 0 {
		ts.Fatalf("of %d requests are others: %v", len(all), other)
	}
}
