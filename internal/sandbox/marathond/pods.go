package marathond

import (
	"fmt"
	"net/http"
	"strings"

	"meshsync.dev/meshsync/internal/sandbox/marathond/appdef"
)

// PutPod makes a pod as somebody else would. It is listed, holds its id and its groups, and does
// nothing else: no write of pods was recorded, so the API refuses them, and of a pod it shows the id only.
func (s *Server) PutPod(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.root.clone()
	next.version = s.now()
	next.addGroups(id)
	next.pods[id] = true
	if p := next.problems(); p != nil {
		return fmt.Errorf("pod %s: %s", id, p[0].Text)
	}
	s.store(next)
	return nil
}

func podStatus(id string) object { return object{"id": id} }

func (s *Server) listPods(*request, string) answer {
	list := []any{}
	for _, id := range sortedKeys(s.root.pods) {
		list = append(list, podStatus(id))
	}
	return ok(list)
}

func (s *Server) getPod(_ *request, rest string) answer {
	name, status := strings.CutSuffix(rest, "::status")
	switch {
	case s.root.pods["/"+name]:
		return ok(podStatus("/" + name))
	case status:
		return notFound("Pod '/"+name+"' does not exist", true)
	default:
		return notFound(`{"message": "pod with /`+name+` does not exist"}`, true)
	}
}

func refusePods(*request, string) answer { return notSimulated("pods") }

func podHandlers(s *Server) handlers {
	return handlers{http.MethodGet: s.getPod, http.MethodPut: refusePods, http.MethodDelete: refusePods}
}

// podProblems are the rules of ids for pods; their texts were not recorded.
func (r *root) podProblems() []appdef.Problem {
	for id := range r.pods {
		if r.apps[id] != nil {
			return []appdef.Problem{{Path: "/", Text: "Applications and Pods may not have the same identifier."}}
		}
		if _, clash := r.groups[id]; clash {
			return []appdef.Problem{{Path: "/", Text: "Groups and Pods may not have the same identifier."}}
		}
	}
	return nil
}
