package appdef

import (
	"encoding/json"
	"testing"
)

// A secret has a name, and the size of shared memory is any number of 32 bits; an opaque URI has no
// path, a network has one form of name wherever it is named, and what is in the options of a volume has types.
func TestNamesAndNumbersAtTheirBounds(t *testing.T) {
	t.Parallel()
	ipc := func(members string) string {
		return `"container": {"type": "MESOS", "linuxInfo": {"ipcInfo": {` + members + `}}}`
	}
	volume := func(provider, options string) string {
		return `"container": {"type": "MESOS", "volumes": [{"containerPath": "d", "mode": "RW", "external": {"name": "v", "provider": "` + provider + `", "options": {` + options + `}}}]}`
	}
	const csi = `"pluginName": "p", "capability": {"accessMode": "SINGLE_NODE_WRITER", "accessType": "block"`
	roles := func(string, string) ([]string, string) { return []string{"*"}, "*" }
	r := New(Settings{Features: []string{"secrets", "external_volumes"}})
	for members, status := range map[string]int{
		`"secrets": {"k": {"source": "x"}}`:             0,
		`"secrets": {"": {"source": "x"}}`:              422,
		ipc(`"mode": "PRIVATE", "shmSize": -1`):         0,
		ipc(`"mode": "PRIVATE", "shmSize": 2147483648`): 422,
		ipc(`"mode": "SHARE_PARENT", "shmSize": -1`):    422,

		`"uris": ["mailto:[x]", "docker:a?[1]"]`:                      0,
		`"uris": ["http://h/[x]"]`:                                    422,
		`"uris": ["mailto:a b"]`:                                      422,
		`"ipAddress": {"networkName": "n_1"}`:                         0,
		`"ipAddress": {"networkName": "N1"}`:                          422,
		`"ipAddress": {"networkName": ["n1"]}`:                        422,
		volume("csi", csi+`}`):                                        0,
		volume("csi", csi+`, "mountFlags": "ro"}`):                    422,
		volume("csi", csi+`, "mountFlags": [1]}`):                     422,
		volume("csi", csi+`, "fsType": 1}`):                           422,
		volume("csi", csi+`}, "volumeContext": []`):                   422,
		volume("csi", csi+`}, "nodeStageSecret": {"a": 1}`):           422,
		volume("dvdi", `"dvdi/driver": "rexray"`):                     0,
		volume("dvdi", `"dvdi/driver": "rexray", "dvdi/x": {"a": 1}`): 422,
	} {
		_, refusal := r.Create(json.RawMessage(`{"id": "/a", "cmd": "run it", `+members+`}`), "/", roles)
		if got := statusOf(refusal); got != status {
			t.Errorf("%s: %d (%v), want %d", members, got, refusal, status)
		}
	}
}
