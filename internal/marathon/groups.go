package marathon

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// groupsPath reads the tree of groups and pods without the apps, which GET /v2/apps has. It is
// read only: a group that is written loses what the body does not list.
const groupsPath = "/v2/groups?embed=group.groups&embed=group.pods"

// group is one of GET /v2/groups.
type group struct {
	ID           string   `json:"id"`
	Groups       []group  `json:"groups"`
	Dependencies []string `json:"dependencies"`
	EnforceRole  bool     `json:"enforceRole"`
	Pods         []struct {
		ID string `json:"id"`
	} `json:"pods"`
}

// groups reads what groups say of the apps in them, and which pods there are. An account that
// may not read them is no reason to know nothing of the apps.
func (m *Marathon) groups(ctx context.Context, facts *mesh.MarathonFacts) error {
	if mesh.ParseRelease(facts.Version).Before(0, 7) {
		return nil
	}
	var root group
	_, err := m.api.call(ctx, http.MethodGet, groupsPath, nil, &root)
	var a *apiError
	switch {
	case errors.As(err, &a) && slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, a.status):
		facts.GroupsUnread = a.Error()
		return nil
	case err != nil:
		return err
	case root.ID != "/":
		return &reachError{outcome: mesh.Garbled, msg: m.api.base + ": the answer to GET /v2/groups is not the root group"}
	}
	facts.GroupDependencies, facts.Config.EnforceRole = map[string][]string{}, map[string]bool{}
	for _, top := range root.Groups {
		facts.Config.EnforceRole[top.ID] = top.EnforceRole
	}
	root.tell(facts)
	slices.Sort(facts.Pods)
	return nil
}

// tell adds what the group and those in it say.
func (g group) tell(facts *mesh.MarathonFacts) {
	if len(g.Dependencies) > 0 {
		facts.GroupDependencies[g.ID] = g.Dependencies
	}
	for _, p := range g.Pods {
		facts.Pods = append(facts.Pods, p.ID)
	}
	for _, below := range g.Groups {
		below.tell(facts)
	}
}
