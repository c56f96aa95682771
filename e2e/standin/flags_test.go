package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadFlags(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "weights")
	if err := os.WriteFile(file, []byte("a=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name          string
		args, environ []string
		flag, want    string // want of an error begins with an exclamation mark
	}{
		{"a value", []string{"--quorum=2"}, nil, "quorum", "2"},
		{"an empty value", []string{"--cluster="}, nil, "cluster", ""},
		{"a value with equals signs", []string{"--roles=a=b"}, nil, "roles", "a=b"},
		{"yes", []string{"--quiet"}, nil, "quiet", "true"},
		{"no", []string{"--no-root_submissions"}, nil, "root_submissions", "false"},
		{"a default", nil, nil, "registry", "replicated_log"},
		{"of the environment", nil, []string{"MESOS_CLUSTER=c"}, "cluster", "c"},
		{"the command line wins", []string{"--cluster=a"}, []string{"MESOS_CLUSTER=c"}, "cluster", "a"},
		{"unknown in the environment", nil, []string{"MESOS_NONSENSE=c"}, "nonsense", ""},
		{"in a file", []string{"--weights=file://" + file}, nil, "weights", "a=1"},
		{"unknown", []string{"--quorum.bak=1"}, nil, "", "!unknown flag 'quorum.bak'"},
		{"an agent's", []string{"--attributes=a:b"}, nil, "", "!unknown flag 'attributes'"},
		{"twice", []string{"--port=1", "--port=1"}, nil, "", "!already loaded"},
		{"no flag", []string{"stray"}, nil, "", "!unknown flag 'stray'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			flags, err := readFlags(tt.args, tt.environ, masterFlags(), masterDefaults())
			if refusal, ok := strings.CutPrefix(tt.want, "!"); ok {
				if err == nil || !strings.Contains(err.Error(), refusal) {
					t.Errorf("got %v, want %s", err, refusal)
				}
				return
			}
			if err != nil || flags[tt.flag] != tt.want {
				t.Errorf("--%s is %q, %v, want %q", tt.flag, flags[tt.flag], err, tt.want)
			}
		})
	}
}
