package plan

import (
	"fmt"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/diff"
	"meshsync.dev/meshsync/internal/mesh"
)

// aMove is a plan of a mesh in which /old moves to /new.
type aMove struct {
	live   map[string]int64            // id → instances
	record map[string]mesh.RecordEntry // id → what the record says, but for digests
	filter *Filter
	owned  []mesh.Owned
	unsaid bool // git does not say that it moves
	port   int
}

func moveTree(id string, n int64, port int) mesh.Tree {
	return mesh.MustTree(map[string]any{"id": id, "cmd": "x", "instances": n, "portDefinitions": []any{map[string]any{"port": port}}})
}

func (m aMove) plan() Plan {
	target := mesh.Marathon("main")
	at := func(id string) mesh.Address { return mesh.Address{Target: target, Kind: mesh.App, Name: id} }
	s := mesh.TargetState{Target: target, Outcome: mesh.OK, RecordState: mesh.RecordOK, Record: mesh.Record{Entries: map[string]mesh.RecordEntry{}}, Marathon: &mesh.MarathonFacts{}}
	for id, n := range m.live {
		tree := moveTree(id, n, m.port)
		s.Resources = append(s.Resources, mesh.Resource{Addr: at(id), Attrs: tree, App: &mesh.AppState{TasksRunning: int(n)}})
	}
	for id, e := range m.record {
		if e.Digest == "" {
			e.Digest = mesh.Digest(moveTree(id, 4, m.port))
		}
		s.Record.Entries[at(id).String()] = e
	}
	x := &mesh.Mesh{
		Name: "prod", Marathons: []mesh.MarathonSpec{{Name: "main"}}, Apps: []mesh.AppSpec{{Marathon: "main", ID: "/new"}}, Owned: m.owned,
		Moved: []mesh.Move{{Marathon: "main", From: "/old", To: "/new", Origin: mesh.Pos{File: "a.cue", Line: 3, Col: 8}}},
	}
	if m.unsaid {
		x.Moved = nil
	}
	return Build(Input{
		Mesh: x, Filter: m.filter, Apps: []mesh.Resource{{Addr: at("/new"), Attrs: moveTree("/new", 4, m.port)}},
		Seen: mesh.Observed{Targets: []mesh.TargetState{s}},
	})
}

// steps are the actions of a plan in their order, with its refusals.
func steps(p Plan) string {
	var out []string
	for _, s := range p.Stages {
		for _, b := range s.Batches {
			for _, c := range b.Changes {
				out = append(out, fmt.Sprintf("%s %s", c.Action, c.Addr.Name))
			}
		}
	}
	for _, r := range p.Refusals {
		out = append(out, "refused "+r.Code)
	}
	return strings.Join(out, ", ")
}

func TestAnAppThatMovesIsMadeBeforeTheOldOneGoes(t *testing.T) {
	t.Parallel()
	created := mesh.RecordEntry{State: mesh.Holds, Origin: mesh.Created}
	adopted := mesh.RecordEntry{State: mesh.Holds, Origin: mesh.Adopted}
	toBeMade := mesh.RecordEntry{State: mesh.Intends, Origin: mesh.Created, Was: mesh.AbsentDigest}
	toGo := mesh.RecordEntry{State: mesh.Intends, Origin: mesh.Created, Digest: mesh.AbsentDigest, Was: mesh.Digest(moveTree("/old", 4, 0))}
	adoptedToGo := toGo
	adoptedToGo.Origin = mesh.Adopted
	old, both, none := map[string]int64{"/old": 4}, map[string]int64{"/old": 4, "/new": 4}, map[string]int64{"/new": 4}
	type record = map[string]mesh.RecordEntry
	for name, x := range map[string]struct {
		move       aMove
		want, note string
	}{
		"the move":                      {aMove{live: old, record: record{"/old": created}}, "create /new, delete /old", ""},
		"of an adopted app":             {aMove{live: old, record: record{"/old": adopted}}, "create /new, delete /old", ""},
		"killed before the new one":     {aMove{live: old, record: record{"/old": toGo, "/new": toBeMade}}, "create /new, delete /old", ""},
		"killed while it came up":       {aMove{live: both, record: record{"/old": toGo, "/new": toBeMade}}, "finish /new, delete /old", ""},
		"killed behind the new one":     {aMove{live: both, record: record{"/old": toGo, "/new": created}}, "finish /new, delete /old", ""},
		"killed, of an adopted app":     {aMove{live: both, record: record{"/old": adoptedToGo, "/new": created}}, "finish /new, delete /old", ""},
		"killed and the new one scaled": {aMove{live: map[string]int64{"/old": 4, "/new": 1}, record: record{"/old": toGo, "/new": created}}, "update /new, delete /old", ""},
		"killed behind all":             {aMove{live: none, record: record{"/old": toGo, "/new": created}}, "release /old", ""},
		"done":                          {aMove{live: none, record: record{"/new": created}}, "", ""},
		"done, and an old one again":    {aMove{live: both, record: record{"/new": created}}, "", ""},
		"nothing there":                 {aMove{}, "create /new", ""},
		"the new one is somebody's":     {aMove{live: both, record: record{"/old": created}}, "refused moved.taken", ""},
		"the old one is somebody's":     {aMove{live: old}, "create /new", "/old, which it was before (a.cue:3:8), stays"},
		"an old one that never was":     {aMove{live: map[string]int64{"/old": 9}, record: record{"/old": toBeMade}}, "create /new, release /old", ""},
		"only the old one": {
			aMove{live: old, record: record{"/old": created}, filter: &Filter{Only: []string{"*/app:/old"}}}, "", "/old is not deleted: /new, which takes its place, is not in this plan",
		},
		"without the old one": {aMove{live: both, record: record{"/old": toGo, "/new": created}, filter: &Filter{Exclude: []string{"*/app:/old"}}}, "", ""},
		"one service port":    {aMove{live: old, record: record{"/old": created}, port: 10000}, "create /new, delete /old", "service port 10000 is of /old and /new until the old one is deleted"},
		"unsaid":              {aMove{live: old, record: record{"/old": created}, unsaid: true}, "create /new, delete /old", `write beside apps moved: {"/old": "/new"}`},
	} {
		p := x.move.plan()
		if got := steps(p); got != x.want {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
		notes := strings.Join(p.Notes, "\n")
		if !strings.Contains(notes, x.note) || x.note == "" && notes != "" {
			t.Errorf("%s: the notes are %q", name, notes)
		}
		for _, c := range p.changes(func(diff.Class) bool { return true }) {
			if c.Class.Moved() && name != "killed and the new one scaled" && name != "an old one that never was" {
				t.Errorf("%s: %s of %s counts as %s", name, c.Action, c.Addr, c.Class)
			}
		}
	}
}

func TestAnAppThatMovesTakesAlongWhatOthersOwn(t *testing.T) {
	t.Parallel()
	m := aMove{
		live: map[string]int64{"/old": 40}, owned: []mesh.Owned{{Marathon: "main", App: "/new", Field: "instances"}},
		record: map[string]mesh.RecordEntry{"/old": {State: mesh.Holds, Origin: mesh.Created, Open: map[string]string{"instances": "any"}, Digest: diff.Found(
			mesh.Address{Kind: mesh.App}, moveTree("/old", 4, 0), map[string]string{"instances": "any"})}},
	}
	p := m.plan()
	changes := p.changes(func(diff.Class) bool { return true })
	if steps(p) != "create /new, delete /old" || changes[0].After["instances"] != int64(40) || changes[1].Open["instances"] != "any" || p.Moved() {
		t.Errorf("%s: %+v", steps(p), changes)
	}
	if len(p.NotCompared) != 1 || !strings.Contains(p.NotCompared[0].Reason, "40 live, 4 in git") {
		t.Errorf("%+v", p.NotCompared)
	}
}
