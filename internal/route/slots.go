package route

import "slices"

// Sizes of backends. With more slots than tasks, new tasks come without a reload.
const (
	fewestSlots = 4
	mostSpare   = 512 // slots that are made for instances that do not run: what an app asks for is not what it gets
)

// place puts servers into slots. Who has a slot keeps it; a new one gets one that was empty, and only then one
// that somebody has just left, where requests may still be under way.
func place(before []Server, servers []Server, instances int) []Server {
	out := make([]Server, slots(len(before), len(servers), instances))
	var fresh []Server
	for _, s := range servers {
		i := slices.IndexFunc(before, func(b Server) bool { return b == s })
		if i >= 0 && i < len(out) {
			out[i] = s
		} else {
			fresh = append(fresh, s)
		}
	}
	left := func(i int) bool { return i < len(before) && before[i].Addr.IsValid() }
	for _, wanted := range []bool{false, true} {
		for i := range out {
			if len(fresh) > 0 && !out[i].Addr.IsValid() && left(i) == wanted {
				out[i], fresh = fresh[0], fresh[1:]
			}
		}
	}
	return out
}

// slots is how many a backend has: as many as it had while they suffice and most are not idle, else twice as many as
// its tasks, as a power of two.
func slots(had, servers, instances int) int {
	most := max(servers, min(instances, mostSpare))
	size := fewestSlots
	for size < 2*most {
		size *= 2
	}
	if had >= max(most, fewestSlots) && had <= 4*size {
		return had
	}
	return size
}
