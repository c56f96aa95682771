package marathon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"meshsync.dev/meshsync/internal/mesh"
)

// maxHidden is how many apps are asked for one by one that the record has and the list has not.
const maxHidden = 50

// hidden finds what an account may not view. Where a plugin authorizes, lists hold what the account may view and say
// nothing of the rest, so an app that is not in the list may be there all the same. Asked for by its name it is
// refused then, and does not count as gone.
func (m *Marathon) hidden(ctx context.Context, s *mesh.TargetState) error {
	if m.o.Spec.Auth == nil {
		return nil
	}
	if m.rec.state == mesh.RecordNone {
		return m.hiddenRecord(ctx)
	}
	withheld := false
	for i, addr := range m.missing(s) {
		if i < maxHidden {
			_, _, err := m.app(ctx, addr.Name)
			switch {
			case err == nil:
				continue
			case !forbidden(err):
				return err
			}
			withheld = true
		} else if !withheld {
			continue
		}
		s.Unknown = append(s.Unknown, mesh.UnknownResource{
			Addr: addr, Denied: true, Reason: "the account may not view the app, so nobody can tell whether it is as git says: let it view all that git names",
		})
	}
	slices.SortFunc(s.Unknown, func(a, b mesh.UnknownResource) int { return a.Addr.Compare(b.Addr) })
	return nil
}

// missing are the apps that the record has and the list has not.
func (m *Marathon) missing(s *mesh.TargetState) []mesh.Address {
	listed := map[string]bool{}
	for _, r := range s.Resources {
		listed[r.Addr.String()] = true
	}
	for _, u := range s.Unknown {
		listed[u.Addr.String()] = true
	}
	var out []mesh.Address
	for text := range m.rec.record.Entries {
		if addr, err := mesh.ParseAddress(text); err == nil && !listed[text] {
			out = append(out, addr)
		}
	}
	slices.SortFunc(out, mesh.Address.Compare)
	return out
}

// hiddenRecord tells no record from one that the account may not view: without it nobody can tell what is
// meshsync's, and an app that meshsync made would pass for somebody else's.
func (m *Marathon) hiddenRecord(ctx context.Context) error {
	id := recordGroup(m.o.Mesh) + "0"
	if _, _, err := m.app(ctx, id); forbidden(err) {
		return fmt.Errorf("the account may not view meshsync's record, the app %s: let it view all below %s: %w", id, ownGroup, err)
	}
	return nil
}

func forbidden(err error) bool {
	var a *apiError
	return errors.As(err, &a) && a.status == http.StatusForbidden
}

// MayWrite says whether requests that write come through, and why not. What is sent is no JSON: nothing can
// come of it. Neither of the two means that nobody knows.
func (m *Marathon) MayWrite(ctx context.Context) (writes bool, refused string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := m.api.at(ctx, m.api.order()[0], http.MethodPost, "/v2/apps", []byte("{"), nil)
	m.api.account.withhold(err)
	var a *apiError
	switch {
	case !errors.As(err, &a):
		return false, ""
	case a.status == http.StatusBadRequest:
		return true, ""
	case a.status == http.StatusUnauthorized || a.status == http.StatusMethodNotAllowed || a.status == http.StatusForbidden && !a.full():
		return false, a.Error()
	default:
		return false, ""
	}
}
