package marathond

import (
	"errors"
	"slices"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// The range from which service ports are chosen: --local_port_min, --local_port_max.
const (
	portMin = 10000
	portMax = 20000
)

func portNumbers(def object) []int {
	places, key := appdef.ServicePorts(def)
	out := make([]int, len(places))
	for i, p := range places {
		out[i] = appdef.Int(p[key])
	}
	return out
}

// assignPorts gives each service port 0 of an app the next one that it had before, lies
// in the range and is not named in the new definition, else the lowest of the range that
// no app uses before or after the change.
func (s *Server) assignPorts(next *root, a *app) error {
	if !slices.Contains(portNumbers(a.def), 0) {
		return nil
	}
	named := portNumbers(a.def)
	var reuse []int
	if before := s.root.apps[a.id]; before != nil {
		for _, n := range portNumbers(before.def) {
			if n >= portMin && n <= portMax && !slices.Contains(named, n) {
				reuse = append(reuse, n)
			}
		}
	}
	used := map[int]bool{}
	for _, r := range []*root{s.root, next} {
		for _, other := range r.apps {
			ports := other.ports
			if ports == nil { // new in this change
				ports = portNumbers(other.def)
			}
			for _, n := range ports {
				used[n] = true
			}
		}
	}
	def := appdef.Clone(a.def)
	places, key := appdef.ServicePorts(def)
	for _, p := range places {
		if appdef.Int(p[key]) != 0 {
			continue
		}
		n, err := nextPort(&reuse, used)
		if err != nil {
			return err
		}
		p[key] = n
	}
	a.def = def
	return nil
}

func nextPort(reuse *[]int, used map[int]bool) (int, error) {
	if len(*reuse) > 0 {
		n := (*reuse)[0]
		*reuse = (*reuse)[1:]
		return n, nil
	}
	for n := portMin; n <= portMax; n++ {
		if !used[n] {
			used[n] = true
			return n, nil
		}
	}
	return 0, errors.New("no service port of the range is left")
}
