package doctor

import (
	"fmt"

	"meshsync.dev/meshsync/internal/mesh"
)

// The versions of Marathon whose definitions meshsync knows.
const oldestMinor, newestMinor = 4, 11

// Account is what a Marathon said to a write of which nothing can come: that it would take one, or why not.
// When it says neither, nobody knows.
type Account struct {
	Writes  bool
	Refused string
}

// Marathon judges a Marathon by what was observed there.
func Marathon(s mesh.TargetState, a Account) Diagnosis {
	t := Diagnosis{Target: s.Target}
	if s.Outcome != mesh.OK || s.Marathon == nil {
		t.add(Problem, "reach", fmt.Sprintf("%s: %s", s.Outcome, s.Message), "see whether a Marathon answers at its URL in the mesh, from this machine")
		return t
	}
	t.add(OK, "reach", "it answers at "+s.Marathon.URL, "")
	major, minor := 0, 0
	if _, err := fmt.Sscanf(s.Marathon.Version, "%d.%d", &major, &minor); err != nil || major != 1 || minor < oldestMinor || minor > newestMinor {
		t.add(Warning, "version", fmt.Sprintf("it is version %s, and meshsync knows 1.%d to 1.%d", s.Marathon.Version, oldestMinor, newestMinor), "read the plan with care: defaults of fields may be others")
	} else {
		t.add(OK, "version", "it is version "+s.Marathon.Version, "")
	}
	if len(s.Unknown) == 0 {
		t.add(OK, "read", fmt.Sprintf("all of its %d apps can be read", len(s.Resources)), "")
	}
	for _, u := range s.Unknown {
		t.add(Problem, "read", fmt.Sprintf("%s: %s", u.Addr, u.Reason), "look at its definition")
	}
	if n := len(s.Marathon.Deployments); n > 0 {
		t.add(Warning, "write", fmt.Sprintf("it has %d running deployments, and refuses changes of their apps", n), "wait for their end")
	}
	switch {
	case a.Refused != "":
		t.add(Warning, "write", "the account may not write, which is enough for plan and drift: "+a.Refused, "to apply, use an account that may create, update and delete the apps that git names, and those below /meshsync")
	case a.Writes:
		t.add(OK, "write", "requests that write come through; whether the account may change each app, only a plugin for authorization knows, if there is one", "")
	default:
		t.add(OK, "write", "whether it takes changes could not be told", "")
	}
	return t
}
