package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"meshsync": func() { os.Exit(mainCode()) },
	})
}

// TestScripts runs the terminal sessions in testdata/script. UPDATE=1 rewrites what they compare with.
func TestScripts(t *testing.T) {
	t.Parallel()
	commands := scriptCommands()
	maps.Copy(commands, secretCommands())
	maps.Copy(commands, marathonCommands())
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       os.Getenv("UPDATE") == "1",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds:                commands,
		Condition: func(word string) (bool, error) {
			if word != "root" {
				return false, fmt.Errorf("there is no condition %s", word)
			}
			return os.Geteuid() == 0, nil
		},
	})
}
