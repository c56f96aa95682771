package marathond

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// recordedRace is how often several callers at the same moment were answered how.
type recordedRace struct {
	Rounds   int
	Outcomes map[string]int
	Wrong    []any `json:"winner_is_not_owner"`
}

// shot is one of the requests that are made at the same moment.
type shot struct{ method, path, body string }

// volley makes requests at the same moment and gives their answers in the order of the requests.
func (w *world) volley(t *testing.T, shots ...shot) []reply {
	t.Helper()
	out := make([]reply, len(shots))
	start := make(chan struct{})
	var wait sync.WaitGroup
	for i, s := range shots {
		wait.Go(func() {
			<-start
			out[i] = w.call(t, s.method, s.path, []byte(s.body))
		})
	}
	close(start)
	wait.Wait()
	return out
}

// statuses prints them as the recording does.
func statuses(l []reply, more ...string) string {
	var out []string
	for _, r := range l {
		out = append(out, fmt.Sprint(r.status))
	}
	return "(" + strings.Join(append(out, more...), ", ") + ")"
}

func sortedStatuses(l []reply) string {
	slices.SortFunc(l, func(a, b reply) int { return a.status - b.status })
	return statuses(l)
}

// presence is the recording's word for whether an app is there.
func (w *world) presence(t *testing.T, id string) string {
	t.Helper()
	w.settle()
	if w.call(t, "GET", "/v2/apps"+id, nil).status == 200 {
		return "'exists'"
	}
	return "'gone'"
}

func owned(id string, owner, n int) string {
	return plainApp(id, n, fmt.Sprintf(`, "labels": {"owner": "%d"}`, owner))
}

// racePost lets several POST one id: the stored app is that of the one that was told so.
func racePost(t *testing.T, w *world, id string, n int) string {
	t.Helper()
	var shots []shot
	for i := range n {
		shots = append(shots, shot{"POST", "/v2/apps", owned(id, i, 0)})
	}
	answers := w.volley(t, shots...)
	stored := appdef.Map(w.get(t, id)["labels"])["owner"]
	for i, r := range answers {
		if r.status == 201 && stored != fmt.Sprint(i) {
			t.Errorf("%v is stored, %d won", stored, i)
		}
		if want := "An app with id [" + id + "] already exists."; r.status == 409 && (r.object()["message"] != want || r.object()["deployments"] != nil) {
			t.Errorf("the one that lost was told %s", r.raw)
		}
	}
	return sortedStatuses(answers)
}

// races does one round of each recorded race, with an app that nobody used before.
func races() map[string]func(t *testing.T, w *world, id string) string {
	put := func(id string, owner int) shot {
		return shot{"PUT", "/v2/apps" + id + "?partialUpdate=false", owned(id, owner, 0)}
	}
	remove := func(id string) shot { return shot{method: "DELETE", path: "/v2/apps" + id} }
	create := func(t *testing.T, w *world, id string, n int) {
		t.Helper()
		w.call(t, "POST", "/v2/apps", []byte(plainApp(id, n, "")))
		w.settle()
	}
	return map[string]func(t *testing.T, w *world, id string) string{
		"post_race":   func(t *testing.T, w *world, id string) string { return racePost(t, w, id, 2) },
		"post_race_5": func(t *testing.T, w *world, id string) string { return racePost(t, w, id, 5) },
		"put_create_race": func(t *testing.T, w *world, id string) string {
			return sortedStatuses(w.volley(t, put(id, 1), put(id, 2)))
		},
		"put_race_existing": func(t *testing.T, w *world, id string) string {
			create(t, w, id, 0)
			return sortedStatuses(w.volley(t, put(id, 1), put(id, 2)))
		},
		"delete_then_post_at_once": func(t *testing.T, w *world, id string) string {
			create(t, w, id, 0)
			return statuses(append(w.volley(t, remove(id)), w.volley(t, shot{"POST", "/v2/apps", plainApp(id, 0, "")})...))
		},
		"delete_then_post_at_once_running_app": func(t *testing.T, w *world, id string) string {
			create(t, w, id, 1)
			out := statuses(append(w.volley(t, remove(id)), w.volley(t, shot{"POST", "/v2/apps", plainApp(id, 1, "")})...))
			if w.presence(t, id) != "'gone'" {
				t.Errorf("%s is there afterwards", id)
			}
			return out
		},
		"delete_and_post_simultaneous": func(t *testing.T, w *world, id string) string {
			create(t, w, id, 0)
			return statuses(w.volley(t, remove(id), shot{"POST", "/v2/apps", plainApp(id, 0, "")}), w.presence(t, id))
		},
		"delete_and_put_simultaneous": func(t *testing.T, w *world, id string) string {
			create(t, w, id, 0)
			return statuses(w.volley(t, remove(id), put(id, 1)), w.presence(t, id))
		},
		"parallel_put_8_apps": func(t *testing.T, w *world, id string) string {
			var shots []shot
			for i := range 8 {
				one := fmt.Sprintf("%s/%d", id, i)
				create(t, w, one, 0)
				shots = append(shots, put(one, 1))
			}
			return sortedStatuses(w.volley(t, shots...))
		},
	}
}

// noRaces are the parts of the recording that are no race, with where they are held.
func noRaces() map[string]string {
	return map[string]string{
		"post_race_409_bodies":           "racePost compares the body",
		"date_header_local_minus_date_s": "the clocks of two machines",
	}
}

// Callers at the same moment are answered as they were there, and in no other way.
func TestRecordedRacesEndTheSame(t *testing.T) {
	t.Parallel()
	var recorded map[string]any
	load(t, "races.json.gz", &recorded)
	var typed map[string]recordedRace
	rounds := races()
	for name := range noRaces() {
		delete(recorded, name)
	}
	retype(t, recorded, &typed)
	for name, want := range typed {
		run := rounds[name]
		if run == nil {
			t.Errorf("the race %s is not replayed", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{})
			for round := range want.Rounds {
				if got := run(t, w, fmt.Sprintf("/race/%d", round)); want.Outcomes[got] == 0 {
					t.Errorf("round %d: %s, there %v", round, got, want.Outcomes)
				}
			}
		})
	}
}
