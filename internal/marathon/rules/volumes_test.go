package rules

import "testing"

// TestVolumesByRelease: what a release does not know yet.
func TestVolumesByRelease(t *testing.T) {
	t.Parallel()
	csi := `{"container": {"type": "MESOS", "volumes": [{"containerPath": "d", "mode": "RW", "external": {"name": "v", "provider": "csi",
		"options": {"pluginName": "p", "capability": {"accessMode": "SINGLE_NODE_WRITER", "accessType": "block"}}}}]}}`
	persistent := `{"container": {"type": "MESOS", "volumes": [{"containerPath": "d", "mode": "RW", "persistent": {"size": 1}}]}}`
	for _, tt := range []struct {
		name, def, version string
		found              int
	}{
		{"CSI in the newest", csi, "", 0},
		{"CSI in 1.11", csi, "1.11.24", 0},
		{"CSI before", csi, "1.10.26", 1},
		{"a role is wanted", persistent, "1.9.109", 1},
		{"and was not known before", persistent, "1.8.244", 0},
	} {
		def := decoded(t, []byte(tt.def))
		def["cmd"] = "run it"
		if found := Check("/a", def, Marathon{Version: tt.version}); len(found) != tt.found {
			t.Errorf("%s: found %v, want %d", tt.name, found, tt.found)
		}
	}
}

// TestTheAcceptedRolesOfAResidentAppAreASet: * alone, however often it is written.
func TestTheAcceptedRolesOfAResidentAppAreASet(t *testing.T) {
	t.Parallel()
	const volume = `"role": "db", "container": {"type": "MESOS", "volumes": [{"containerPath": "d", "mode": "RW", "persistent": {"size": 1}}]}, `
	checkCases(t, []ruleCase{
		{volume + `"acceptedResourceRoles": ["*"]`, ""},
		{volume + `"acceptedResourceRoles": ["*", "*"]`, ""},
		{volume + `"acceptedResourceRoles": ["*", "db"]`, "other than *"},
		{volume + `"acceptedResourceRoles": ["db"]`, "other than *"},
		{volume + `"acceptedResourceRoles": []`, "accepts resources of no role"},
	})
}
