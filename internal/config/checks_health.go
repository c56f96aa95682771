package config

import (
	"fmt"

	"meshsync.dev/meshsync/internal/mesh"
)

// checkHealth finds checks that do not say where the service is asked.
func checkHealth(m *mesh.Mesh, l *loader) {
	for _, r := range m.Resources {
		if r.Service != nil && r.Service.Check != nil {
			l.checkPlace(l.madeAt(r), fmt.Sprintf("role %s: the check of the service %s", r.Role, r.Addr.Name), *r.Service.Check)
		}
	}
	for _, r := range m.Roles {
		if r.Ensemble != nil {
			l.checkPlace(l.ensembleAt(r), "role "+r.Name+": the check of the ensemble "+r.Ensemble.Name, r.Ensemble.Check)
		}
	}
}

func (l *loader) checkPlace(at mesh.Pos, what string, c mesh.Check) {
	e := Error{Pos: at, Rule: "check"}
	switch {
	case c.OfSocket() && c.Path == "":
		e.Msg, e.Hint = what+" has no path, which is that of the socket on which "+c.Kind+" listens", `write path: "/run/…"; Docker's is /run/docker.sock, HAProxy's what its configuration has under stats socket`
	case c.OfSocket() && c.Port != 0:
		e.Msg, e.Hint = what+" has a port, and "+c.Kind+" is asked at its socket", "leave the port away"
	case !c.OfSocket() && c.Port == 0:
		e.Msg, e.Hint = what+" has no port, at which "+c.Kind+" is asked", "write the port on which the service listens on the host itself"
	default:
		return
	}
	l.errs.add(e)
}
