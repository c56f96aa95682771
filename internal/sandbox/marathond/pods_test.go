package marathond

import (
	"net/http"
	"strings"
	"testing"
)

func TestPodsAreListedAndHoldTheirPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	for _, id := range []string{"/shop/cache", "/shop/deep/queue", "/alone"} {
		if err := w.PutPod(id); err != nil {
			t.Fatal(err)
		}
	}
	groups := string(w.call(t, "GET", "/v2/groups?embed=group.groups&embed=group.pods", nil).raw)
	for _, want := range []string{`"pods":[{"id":"/alone"}]`, `"pods":[{"id":"/shop/cache"}]`, `"pods":[{"id":"/shop/deep/queue"}]`} {
		if !strings.Contains(groups, want) {
			t.Errorf("no %s in %s", want, groups)
		}
	}
	if got := string(w.call(t, "GET", "/v2/groups?embed=group.groups", nil).raw); strings.Contains(got, "queue") {
		t.Errorf("pods that were not asked for: %s", got)
	}
	if got := w.call(t, "GET", "/v2/pods/shop/cache::status", nil); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.raw)
	}
	if got := w.call(t, "GET", "/v2/apps", nil); string(got.raw) != `{"apps":[]}` {
		t.Errorf("a pod is no app: %s", got.raw)
	}
	for _, id := range []string{"/alone", "/shop"} {
		if got := w.call(t, "POST", "/v2/apps", object{"id": id, "cmd": "sleep 9"}); got.status != http.StatusUnprocessableEntity {
			t.Errorf("an app %s: %d %s", id, got.status, got.raw)
		}
	}
	if got := w.call(t, "PUT", "/v2/pods/alone", object{"id": "/alone"}); got.status != http.StatusNotImplemented {
		t.Errorf("%d %s", got.status, got.raw)
	}
	stored, err := w.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Restore(Options{Clock: NewManualClock(startTime())}, stored)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	if len(again.root.pods) != 3 {
		t.Errorf("%v came back", again.root.pods)
	}
	// What a group lists is what is left of its groups, with their pods; its own pods stay.
	if got := w.call(t, "PUT", "/v2/groups/shop", object{"groups": []any{}}); got.status != http.StatusOK || len(w.root.pods) != 2 {
		t.Errorf("%d, then %v", got.status, w.root.pods)
	}
}
