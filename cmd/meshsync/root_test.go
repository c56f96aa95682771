package main

import "testing"

func TestCommandsAreCalledAsTheTableSays(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		if got := c.make(&environment{}, &globals{}).Name(); got != c.name {
			t.Errorf("the table says %s of the command %s", c.name, got)
		}
	}
	if n := len(wantedCommands([]string{"plan", "-C", "x"})); n != 1 {
		t.Errorf("%d commands are built for one", n)
	}
	if n := len(wantedCommands([]string{"-C", "x", "plan"})); n != len(commands()) {
		t.Errorf("%d commands are built where flags come first", n)
	}
}
