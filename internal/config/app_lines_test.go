package config

import (
	"strings"
	"testing"

	"cuelang.org/go/cue/ast"

	"meshsync.dev/meshsync/internal/mesh"
)

func TestLinesInsideOfApps(t *testing.T) {
	t.Parallel()
	const file = "prod/apps/web/x.cue"
	m := &module{pkgs: map[string]string{file: "web"}, trees: map[string]*ast.File{}, data: map[string][]byte{file: []byte(`package web

apps: "/x": #t & {
	container: {
		volumes: [
			{hostPath: "a"},
			for v in #more {v},
			{hostPath: "b"},
		]
	}
	cmd: "sleep 1"
}
`)}}
	a := mesh.AppSpec{ID: "/x", Origin: mesh.Pos{File: file, Line: 3, Col: 7}, Fields: writtenApps([]*ast.File{m.ast(file)})["/x"].fields}
	for path, want := range map[string]string{
		"":                             "3:7",
		"cmd":                          "11:2",
		"env A":                        "3:7",
		"container docker image":       "4:2",
		"container volumes 0 hostPath": "6:5",
		"container volumes 0 mode":     "6:4",
		"container volumes 2 mode":     "5:3",
		"container volumes x":          "5:3",
	} {
		if got := newAppLines(m).of(a, strings.Fields(path)).String(); got != file+":"+want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
