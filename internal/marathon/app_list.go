package marathon

import (
	"errors"
	"io"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/marathon/definition"
	"meshsync.dev/meshsync/internal/mesh"
)

// An appList is the answer to GET /v2/apps. Each app is brought into form as it comes.
type appList struct {
	target mesh.Target
	mesh   string // its id
	forms  *definition.Forms

	resources []mesh.Resource        // sorted by address
	unknown   []mesh.UnknownResource // likewise
	records   []map[string]any       // the apps of the mesh's record
	leases    []map[string]any       // those of its lease
}

// decode reads the answer. An answer without the list is no list without apps.
func (l *appList) decode(from io.Reader) error {
	l.resources, l.unknown, l.records, l.leases = nil, nil, nil, nil
	r := newJSONReader(from)
	listed := false
	err := r.members(func(name string) error {
		c, err := r.next()
		if err == nil && name == "apps" && c == '[' {
			listed = true
			return r.elements(func() error { return l.app(r) })
		}
		if err == nil {
			_, err = r.value(name)
		}
		return err
	})
	if err == nil && !listed {
		err = errors.New("it has no list of apps")
	}
	slices.SortFunc(l.resources, func(a, b mesh.Resource) int { return a.Addr.Compare(b.Addr) })
	slices.SortFunc(l.unknown, func(a, b mesh.UnknownResource) int { return a.Addr.Compare(b.Addr) })
	return err
}

func (l *appList) app(r *jsonReader) error {
	r.outOfRange = false
	echo, err := r.objectBy("apps", func(name string) (any, error) {
		if name == "tasksStats" || name == "taskStats" {
			return outdatedStats(r)
		}
		return r.value(name)
	})
	if err != nil {
		return err
	}
	id, _ := echo["id"].(string)
	if strings.HasPrefix(id, recordGroup(l.mesh)) {
		l.records = append(l.records, echo)
	}
	if strings.HasPrefix(id, leaseGroup(l.mesh)) {
		l.leases = append(l.leases, echo)
	}
	if strings.HasPrefix(id, ownGroup) {
		return nil
	}
	if r.outOfRange {
		_, err := definition.LiveResource(l.target.Name, echo, mesh.MarathonInfo{}, definition.Masker{})
		l.unknown = append(l.unknown, mesh.UnknownResource{
			Addr: mesh.Address{Target: l.target, Kind: mesh.App, Name: id}, Reason: err.Error(),
		})
		return nil
	}
	l.resources = append(l.resources, l.forms.Live(l.target.Name, echo))
	return nil
}

// outdatedStats reads of an app's statistics what is said of tasks with an older
// configuration, which most apps have none of: the rest is as much as half of the app.
func outdatedStats(r *jsonReader) (any, error) {
	if c, err := r.next(); err != nil || c != '{' {
		return r.value("")
	}
	kept := map[string]any{}
	err := r.members(func(name string) error {
		if name != "withOutdatedConfig" {
			return r.skip()
		}
		v, err := r.value(name)
		kept[name] = v
		return err
	})
	return kept, err
}
