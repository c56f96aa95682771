package marathon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// ownGroup is where meshsync keeps apps of its own. They have no instances; labels
// carry what is recorded, and come with the same GET /v2/apps as everything else.
const ownGroup = "/meshsync/"

func recordGroup(meshName string) string { return ownGroup + meshName + "/record/" }

// shardSize bounds the record's text in one app.
const shardSize = 300 << 10

// The labels of a record app.
const (
	labelVersion = "meshsync.record.version"
	labelData    = "meshsync.record.data"
	labelShards  = "meshsync.record.shards"
	labelFrom    = "meshsync.record.from" // the number of the second one; the first is always 0
)

// record is the record with the numbers of the apps that hold it now, sorted.
type record struct {
	record mesh.Record
	state  mesh.RecordState
	shards []int
	text   string // of all shards, as it was read; not of one that this run wrote
	own    bool   // this run wrote it
}

// readRecord joins the shards, whose apps may come in any order. An app that has no number is somebody
// else's copy: were it part of the record, this could not be read as long as it is there.
func readRecord(apps []map[string]any, meshName string) record {
	parts := map[int]string{}
	want, from := 0, 1
	for _, a := range apps {
		id, _ := a["id"].(string)
		n, ok := shardNumber(id, meshName)
		if !ok {
			continue
		}
		labels, _ := a["labels"].(map[string]any)
		data, _ := labels[labelData].(string)
		version, _ := labels[labelVersion].(string)
		if v, verr := strconv.Atoi(version); verr == nil && v > mesh.RecordVersion {
			return record{state: mesh.RecordNewer}
		}
		parts[n] = data
		if s, ok := labels[labelShards].(string); ok && n == 0 {
			want, _ = strconv.Atoi(s)
			if s, ok := labels[labelFrom].(string); ok {
				from, _ = strconv.Atoi(s)
			}
		}
	}
	shards := slices.Sorted(maps.Keys(parts))
	if len(shards) == 0 {
		return record{state: mesh.RecordNone, record: emptyRecord(meshName)}
	}
	whole := ""
	for _, n := range shards {
		whole += parts[n]
	}
	corrupt := record{state: mesh.RecordCorrupt, record: emptyRecord(meshName), shards: shards, text: whole}
	var text strings.Builder
	for i := range want {
		part, ok := parts[place(i, from)]
		if !ok {
			return corrupt
		}
		text.WriteString(part)
	}
	var r mesh.Record
	if err := json.Unmarshal([]byte(text.String()), &r); err != nil || r.Version < 1 || r.Mesh != meshName || want == 0 {
		return corrupt
	}
	if r.Entries == nil {
		r.Entries = map[string]mesh.RecordEntry{}
	}
	return record{state: mesh.RecordOK, record: r, shards: shards, text: whole}
}

// errRecordMoved says that the record is not the one that was observed.
var errRecordMoved = errors.New("another run of meshsync, or somebody, wrote meshsync's record there since it was observed; plan again")

// unmovedRecord looks whether the record is still the one that was observed: one that is made from an older one
// would forget what another run has made since. A run that wrote it once has it to itself, by its lease.
func (m *Marathon) unmovedRecord(ctx context.Context) error {
	if m.rec.own || m.rec.state == "" { // or it was never observed
		return nil
	}
	var list struct {
		Apps []map[string]any `json:"apps"`
	}
	if _, err := m.api.call(ctx, http.MethodGet, "/v2/apps?id="+strings.TrimSuffix(recordGroup(m.o.Mesh), "/"), nil, &list); err != nil {
		return err
	}
	now := readRecord(list.Apps, m.o.Mesh)
	if now.state != m.rec.state || now.text != m.rec.text || !slices.Equal(now.shards, m.rec.shards) {
		return errRecordMoved
	}
	return nil
}

func shardNumber(id, meshName string) (n int, ok bool) {
	text := strings.TrimPrefix(id, recordGroup(meshName))
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && strconv.Itoa(n) == text
}

func emptyRecord(meshName string) mesh.Record {
	return mesh.Record{Version: mesh.RecordVersion, Mesh: meshName, Entries: map[string]mesh.RecordEntry{}}
}

// keepsRecords reports whether this Marathon can keep the record and the lease; where it cannot, all is done without.
func (m *Marathon) keepsRecords() bool { return mesh.ParseRelease(m.info.Version).HasLabels() }

// noteAll changes entries and writes the record once; a zero entry removes one.
func (m *Marathon) noteAll(ctx context.Context, changed map[string]mesh.RecordEntry) error {
	if !m.keepsRecords() {
		return nil
	}
	if err := m.unmovedRecord(ctx); err != nil {
		return err
	}
	next := m.rec.record
	next.Entries = maps.Clone(next.Entries)
	if next.Entries == nil {
		next = emptyRecord(m.o.Mesh)
	}
	for address, e := range changed {
		if e.Digest == "" {
			delete(next.Entries, address)
		} else {
			next.Entries[address] = e
		}
	}
	shards, err := m.writeRecord(ctx, next)
	if err != nil {
		return fmt.Errorf("write meshsync's record: %w", err)
	}
	m.rec = record{record: next, state: mesh.RecordOK, shards: shards, own: true}
	return nil
}

// place is the number of the app that holds a part of the record.
func place(part, from int) int {
	if part == 0 {
		return 0
	}
	return from + part - 1
}

// writeRecord puts the record into as many apps as it needs. All but the first are new ones, and the first one,
// which names them, is written last: until then the record is what it was, also when the run ends amid of it, and for
// who reads it meanwhile. What is not removed behind that is no part of it, and goes with the next one.
func (m *Marathon) writeRecord(ctx context.Context, r mesh.Record) (shards []int, err error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	parts := slices.Collect(slices.Chunk(data, shardSize))
	from := firstFree(m.rec.shards, len(parts))
	for i := len(parts) - 1; i >= 0; i-- {
		n := place(i, from)
		labels := map[string]any{labelData: string(parts[i])}
		if i == 0 {
			labels[labelShards], labels[labelFrom] = strconv.Itoa(len(parts)), strconv.Itoa(from)
		}
		if err := m.writeShard(ctx, n, labels); err != nil {
			return nil, err
		}
		shards = append(shards, n)
	}
	for _, n := range m.rec.shards {
		if slices.Contains(shards, n) {
			continue
		}
		_, err := m.api.call(ctx, http.MethodDelete, pathOf(recordGroup(m.o.Mesh)+strconv.Itoa(n))+"?force=false", nil, nil)
		var a *apiError
		if err != nil && (!errors.As(err, &a) || a.status != http.StatusNotFound) {
			shards = append(shards, n)
		}
	}
	slices.Sort(shards)
	return shards, nil
}

// firstFree is from where on there are numbers for all parts of a record but the first that none of those in use is.
func firstFree(used []int, parts int) int {
	if slices.ContainsFunc(used, func(n int) bool { return 0 < n && n < parts }) {
		return slices.Max(used) + 1
	}
	return 1
}

// writeShard writes one record app. It never runs: it has no instances, and a port list
// that is empty, so that it takes no service port.
func (m *Marathon) writeShard(ctx context.Context, n int, labels map[string]any) error {
	id := recordGroup(m.o.Mesh) + strconv.Itoa(n)
	labels[labelVersion] = strconv.Itoa(mesh.RecordVersion)
	app := map[string]any{"id": id, "cmd": "exit 0", "instances": 0, "cpus": 0.01, "mem": 1, "portDefinitions": []any{}, "labels": labels}
	return m.retryLocked(ctx, func(again bool) error {
		if again { // the wait may have been longer than the lease
			if err := m.stillHolds(ctx); err != nil {
				return err
			}
		}
		_, err := m.api.call(ctx, http.MethodPut, pathOf(id)+"?partialUpdate=false", app, nil)
		return err
	}, m.keep, func(string) {})
}
