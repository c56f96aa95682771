package config

import (
	"fmt"
	"slices"

	"cuelang.org/go/cue/ast"
)

// meshFields are the fields that a mesh may have.
func meshFields() []string {
	return []string{"name", "hosts", "marathons", "marathon", "apps", "owners", "ignore", "moved", "policy", "defaults", "settings"}
}

// checkStrays refuses a field beside those of a mesh that is written in its own files, and to which none of them
// refers: nobody would ever read it. CUE refuses it itself but where it stands in the file that embeds kit.#Mesh.
func (l *loader) checkStrays() {
	for _, name := range fieldNames(l.value) {
		pos := find(l.inst.Files, name)
		refers := func(f *ast.File) bool { return refersTo(f, name) }
		if name == "out" || slices.Contains(meshFields(), name) || pos.IsZero() || slices.ContainsFunc(l.inst.Files, refers) {
			continue
		}
		hint := didYouMean(name, meshFields())
		if hint == "" {
			hint = "where it helps other fields, make it hidden (_" + name + ") or a definition (#" + name + "); a field of policy stands within its braces"
		}
		l.errs.add(Error{Pos: pos, Rule: "unknown-field", Msg: fmt.Sprintf("%q is no field of a mesh, and nothing here refers to it", name), Hint: hint})
	}
}
