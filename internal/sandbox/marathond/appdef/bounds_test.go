package appdef

import (
	"encoding/json"
	"testing"
)

// A secret has a name, and the size of shared memory is any number of 32 bits.
func TestNamesAndNumbersAtTheirBounds(t *testing.T) {
	t.Parallel()
	ipc := func(members string) string {
		return `"container": {"type": "MESOS", "linuxInfo": {"ipcInfo": {` + members + `}}}`
	}
	roles := func(string, string) ([]string, string) { return []string{"*"}, "*" }
	r := New(Settings{Features: []string{"secrets"}})
	for members, status := range map[string]int{
		`"secrets": {"k": {"source": "x"}}`:             0,
		`"secrets": {"": {"source": "x"}}`:              422,
		ipc(`"mode": "PRIVATE", "shmSize": -1`):         0,
		ipc(`"mode": "PRIVATE", "shmSize": 2147483648`): 422,
		ipc(`"mode": "SHARE_PARENT", "shmSize": -1`):    422,
	} {
		_, refusal := r.Create(json.RawMessage(`{"id": "/a", "cmd": "run it", `+members+`}`), "/", roles)
		if got := statusOf(refusal); got != status {
			t.Errorf("%s: %d (%v), want %d", members, got, refusal, status)
		}
	}
}
