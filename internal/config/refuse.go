package config

import (
	"fmt"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/primitive"
)

// once adds an error that each host of a role has, once for all.
func (l *loader) once(role string, e Error) {
	if again := role + "\x00" + e.Msg; !l.told[again] {
		if l.told == nil {
			l.told = map[string]bool{}
		}
		l.told[again] = true
		l.errs.add(e)
	}
}

// refuse tells what the kind itself finds wrong with a declaration.
func (l *loader) refuse(host, role string, p primitive.Primitive, name string, origin mesh.Pos, declaration []byte) {
	if p.Refuse == nil {
		return
	}
	problem, hint := p.Refuse(name, declaration)
	if problem == "" {
		return
	}
	e := Error{Pos: origin, Rule: "declaration", Msg: fmt.Sprintf("role %s yields the %s %q: %s", role, p.Kind, name, problem), Hint: hint}
	if at := l.yieldPosition([]string{"out", host, role, "yield", p.Field, name}); !at.IsZero() {
		e.Pos = at
	}
	l.once(role, e)
}
