package marathon

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

func user(name string) *mesh.MarathonAuth {
	return &mesh.MarathonAuth{User: name, Password: &mesh.SecretSource{Env: "MARATHON_PASSWORD"}}
}

// Trap 34: what a list does not show to an account is not gone.
func TestAnAppThatTheAccountMayNotViewIsNotGone(t *testing.T) {
	t.Parallel()
	s := server(t)
	n := newNode(t, func(*node) http.Handler {
		return marathond.Guard(s, marathond.Accounts{Users: map[string]marathond.Account{
			"ops": {Password: canary}, "team": {Password: canary, Sees: []string{"/team/", "/meshsync/"}}, "alone": {Password: canary, Sees: []string{"/team/"}},
		}})
	})
	ops := as(asking(n.URL), user("ops"), &source{gives: canary})
	out, _ := reach(t, ops, map[string]map[string]any{"/a": {"cmd": "sleep 1"}, "/b": {"cmd": "sleep 1"}, "/team/c": {"cmd": "sleep 1"}})
	if last(out).Result != plan.ResultDone {
		t.Fatalf("%+v", out)
	}
	if _, err := ops.api.call(context.Background(), http.MethodDelete, "/v2/apps/b?force=false", nil, nil); err != nil {
		t.Fatal(err)
	}
	team := observed(t, as(asking(n.URL), user("team"), &source{gives: canary}))
	if len(team.Resources) != 1 || len(team.Unknown) != 1 || team.Unknown[0].Addr.Name != "/a" || !team.Unknown[0].Denied || !strings.Contains(team.Unknown[0].Reason, "may not view the app") {
		t.Errorf("%d apps, unknown %+v", len(team.Resources), team.Unknown)
	}
	alone := as(asking(n.URL), user("alone"), &source{gives: canary}).Observe(context.Background())
	if alone.Outcome != mesh.AuthRefused || !strings.HasPrefix(alone.Message, "the account may not view meshsync's record, the app /meshsync/prod/record/0: let it view all below /meshsync/") {
		t.Errorf("%s: %s", alone.Outcome, alone.Message)
	}
}

// Nor is one made that the account may not view: it is asked for by its name before it is written.
func TestAnAppThatTheAccountMayNotViewIsNotWritten(t *testing.T) {
	t.Parallel()
	s := server(t)
	n := newNode(t, func(*node) http.Handler {
		return marathond.Guard(s, marathond.Accounts{Users: map[string]marathond.Account{"team": {Password: canary, Sees: []string{"/team/", "/meshsync/"}}}})
	})
	reach(t, serve(t, s), map[string]map[string]any{"/a": {"cmd": "sleep 1"}})
	m := as(asking(n.URL), user("team"), &source{gives: canary})
	m.o.Mesh = "other"
	out, _ := reach(t, m, map[string]map[string]any{"/a": {"cmd": "sleep 2"}})
	if last(out).Result != plan.ResultFailed || !strings.Contains(last(out).Message, "nothing was written: Marathon answered 403: Not Authorized to perform this action!; the account is known, and may not do this") {
		t.Errorf("%+v", out)
	}
}

func TestWhetherAnAccountMayWrite(t *testing.T) {
	t.Parallel()
	s := server(t)
	n := guarded(t, s)
	for name, x := range map[string]struct {
		writes  bool
		refused string
	}{"ops": {writes: true}, "watch": {refused: "Marathon answered 403: Not Authorized to perform this action!"}} {
		m := as(asking(n.URL), user(name), &source{gives: canary})
		observed(t, m)
		if writes, refused := m.MayWrite(context.Background()); writes != x.writes || refused != x.refused {
			t.Errorf("%s: %v %q", name, writes, refused)
		}
	}
	if got := observed(t, serve(t, s)); len(got.Resources) != 0 {
		t.Errorf("there is %+v", got.Resources)
	}
}
