package config

import (
	"fmt"
	"strings"

	"cuelang.org/go/cue"

	"meshsync.dev/meshsync/internal/mesh"
)

// checkAccounts holds the account of each Marathon to one kind, and its secret to one source.
func checkAccounts(m *mesh.Mesh, l *loader) {
	for _, x := range m.Marathons {
		if x.Auth == nil {
			continue
		}
		at := l.within(x, "auth")
		a, what := x.Auth, fmt.Sprintf("the account of Marathon %s", x.Name)
		switch {
		case a.Token != nil && a.User == "" && a.Password == nil:
			l.checkSource(*a.Token, what+" has a token", under(at, "token"))
		case a.Token == nil && a.User != "" && a.Password != nil:
			l.checkSource(*a.Password, what+" has a password", under(at, "password"))
		default:
			l.errs.add(Error{
				Pos: at(), Rule: "marathon-auth", Msg: what + " has to be a user with a password, or a token",
				Hint: `write {user: "NAME", password: {env: "VARIABLE"}} or {token: {env: "VARIABLE"}}`,
			})
			continue
		}
		if x.Via == "" { // else SSH carries it to a host from which it goes on
			warnOfPlainText(m, x, at())
		}
	}
}

// within gives the line of what is inside a part of a Marathon.
func (l *loader) within(x mesh.MarathonSpec, name string) func(part ...string) mesh.Pos {
	return func(part ...string) mesh.Pos {
		path := []cue.Selector{cue.Str(name)}
		for _, p := range part {
			path = append(path, cue.Str(p))
		}
		return l.marathonAt(x, path...)
	}
}

func under(at func(...string) mesh.Pos, name string) func(...string) mesh.Pos {
	return func(part ...string) mesh.Pos { return at(append([]string{name}, part...)...) }
}

// warnOfPlainText tells of a secret that would go over the network as it is.
func warnOfPlainText(m *mesh.Mesh, x mesh.MarathonSpec, at mesh.Pos) {
	for _, u := range x.URLs {
		if strings.HasPrefix(u, "http://") {
			m.Warnings = append(m.Warnings, mesh.Warning{
				Pos: at, Msg: fmt.Sprintf("the account of Marathon %s goes over http, where everybody on the way can read it", x.Name),
				Hint: "use an https URL",
			})
			return
		}
	}
}
