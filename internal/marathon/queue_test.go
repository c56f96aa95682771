package marathon

import (
	"encoding/json"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestWhatTasksWaitForIsToldInWords(t *testing.T) {
	t.Parallel()
	want := mesh.MustTree(map[string]any{
		"instances": 12, "cpus": 0.5, "mem": 2048, "disk": 100, "gpus": 1,
		"constraints": []any{[]any{"hostname", "UNIQUE"}, []any{"rack", "GROUP_BY", "3"}},
	})
	for _, x := range []struct{ entry, text string }{
		{
			`{"count":3,"delay":{"overdue":true},"processedOffersSummary":{"rejectSummaryLastOffers":[
			  {"reason":"UnfulfilledRole","declined":0},{"reason":"UnfulfilledConstraint","declined":4},{"reason":"InsufficientMemory","declined":11}]}}`,
			"3 of 12 wait: 4 agents fail hostname UNIQUE and rack GROUP_BY 3, 11 lack 2 GB of memory",
		},
		{
			`{"count":1,"delay":{"overdue":true},"processedOffersSummary":{"rejectSummaryLastOffers":[
			  {"reason":"UnfulfilledRole","declined":1},{"reason":"NoCorrespondingReservationFound","declined":1},{"reason":"AgentMaintenance","declined":2},
			  {"reason":"InsufficientCpus","declined":1},{"reason":"InsufficientDisk","declined":2},{"reason":"InsufficientGpus","declined":1},
			  {"reason":"InsufficientPorts","declined":1},{"reason":"DeclinedScarceResources","declined":3},{"reason":"New\nOne","declined":1}]}}`,
			"1 of 12 wait: 1 agent offers nothing for its role, 1 has no reservation for its volumes, 2 are in maintenance, 1 lacks 0.5 cpus, " +
				"2 lack 100 MB of disk, 1 lacks 1 gpus, 1 lacks its ports, 3 keep their gpus for apps that want them, 1 is refused for New One",
		},
		{`{"count":2,"delay":{"overdue":true}}`, "2 of 12 wait for offers: no agent makes one"},
		{`{"count":2,"delay":{"timeLeftSeconds":7,"overdue":false}}`, "2 of 12 wait because tasks failed, the last one on a1: Command exited with status 1"},
	} {
		var e queued
		if err := json.Unmarshal([]byte(x.entry), &e); err != nil {
			t.Fatal(err)
		}
		live := map[string]any{"lastTaskFailure": map[string]any{"host": "a1", "message": "Command exited\nwith status 1"}}
		if got := e.text(nil, want, live); got != x.text {
			t.Errorf("got  %s\nwant %s", got, x.text)
		}
	}
}
