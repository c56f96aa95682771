package definition

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/secret"
)

// Masker tells which parts of a definition hold secrets. It remembers names, which many
// apps have in common, so it is for one goroutine at a time.
type Masker struct {
	expr  *regexp.Regexp // nil where no name says so
	named map[string]bool
}

// maxNames bounds what is remembered.
const maxNames = 10000

// NewMasker takes regular expressions of names; they are matched without regard to
// case. Those that do not compile were refused when the policy was checked.
func NewMasker(patterns []string) Masker {
	var parts []string
	for _, p := range patterns {
		if _, err := regexp.Compile(p); err == nil {
			parts = append(parts, "(?:"+p+")")
		}
	}
	if len(parts) == 0 {
		return Masker{}
	}
	return Masker{regexp.MustCompile("(?i)" + strings.Join(parts, "|")), map[string]bool{}}
}

func (m Masker) secret(name string) bool {
	if m.expr == nil {
		return false
	}
	is, known := m.named[name]
	if !known {
		is = m.expr.MatchString(name)
		if len(m.named) < maxNames {
			m.named[name] = is
		}
	}
	return is
}

// Mask replaces secrets, in place: the plain values of variables and labels whose name
// says so, and every text with a password in a URL, wherever it stands.
func (m Masker) Mask(form map[string]any) { m.maskObject(form, false) }

func (m Masker) maskObject(o map[string]any, named bool) {
	for name, v := range o {
		text, isText := v.(string)
		switch {
		case isText && (named && m.secret(name) || hasCredentials(text)):
			o[name] = secret.New(text)
		case !isText:
			m.maskBelow(v, name == "env" || name == "labels")
		}
	}
}

func (m Masker) maskBelow(v any, named bool) {
	switch v := v.(type) {
	case map[string]any:
		m.maskObject(v, named)
	case []any:
		for i, x := range v {
			if text, ok := x.(string); ok && hasCredentials(text) {
				v[i] = secret.New(text)
			} else if !ok {
				m.maskBelow(x, false)
			}
		}
	}
}

func hasCredentials(text string) bool {
	_, rest, ok := strings.Cut(text, "://")
	return ok && strings.Contains(rest, "@") && credentials.MatchString(text)
}

// credentials are user and password in a URL: postgres://user:password@host.
var credentials = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@`)

// Forms brings the apps of one Marathon into form, many of them. It is for one goroutine
// at a time.
type Forms struct {
	table *table
	mask  Masker
	tree  mesh.Tree // room for a form that is not kept
}

// NewForms returns the forms of a Marathon.
func NewForms(info mesh.MarathonInfo, m Masker) *Forms {
	return &Forms{table: newTable(info), mask: m, tree: mesh.Tree{}}
}

// Left is a field of an app that is not compared, with the reason.
type Left struct{ Field, Reason string }

// The reasons.
const (
	leftUnknown   = "meshsync does not know this field of the live app; it is sent back unchanged"
	leftExecutors = "Marathon keeps executorResources from the creation of an app only: it is sent then, each update loses it, and nothing restarts for it"
)

// Desired is a desired app as a resource, completed by the live one, which may be nil.
// Where the two are equal they share one tree. left is sorted by field.
func (f *Forms) Desired(a mesh.AppSpec, live *mesh.Resource) (r mesh.Resource, left []Left, err error) {
	form := f.tree
	if err := form.Reset(a.Definition); err != nil {
		return r, nil, fmt.Errorf("app %s: %w", a.ID, err)
	}
	executor, hasExecutor := form[executorResources]
	if own := f.table.form(object(form)).paths(); len(own) > 0 {
		return r, nil, fmt.Errorf("app %s: meshsync does not know the field %s", a.ID, slices.Sorted(maps.Keys(own))[0])
	}
	if live != nil {
		resolve(form, live.Attrs, a.Definition, f.table.info)
	} else {
		if hasExecutor {
			form[executorResources] = executor
		}
		if _, sure := f.table.roleIn(a.ID); !sure && a.Definition["role"] == nil {
			delete(form, "role") // it depends on the group, which Marathon alone knows
		}
	}
	f.mask.Mask(form)
	r = mesh.Resource{Addr: a.Address(), Origin: a.Origin}
	if live != nil && mesh.EqualValues(form, live.Attrs) {
		r.Attrs = live.Attrs
	} else {
		r.Attrs = form.Clone()
	}
	return r, leftOut(live, hasExecutor), nil
}

func leftOut(live *mesh.Resource, executor bool) []Left {
	var left []Left
	if live != nil && live.App != nil {
		for field := range live.App.Foreign {
			left = append(left, Left{field, leftUnknown})
		}
		executor = executor || live.App.Executor
	}
	if executor {
		left = append(left, Left{executorResources, leftExecutors})
	}
	slices.SortFunc(left, func(a, b Left) int { return strings.Compare(a.Field, b.Field) })
	return left
}

// Live is an app as Marathon echoes it, as a resource. The echo, a normalised tree, is
// taken over: it becomes the form.
func (f *Forms) Live(marathon string, echo mesh.Tree) mesh.Resource {
	id, _ := echo["id"].(string)
	state := appState(object(echo))
	state.Foreign = f.table.form(object(echo)).paths()
	f.mask.Mask(echo)
	f.mask.Mask(state.Foreign)
	return mesh.Resource{
		Addr:  mesh.Address{Target: mesh.Marathon(marathon), Kind: mesh.App, Name: id},
		Attrs: echo, App: state,
	}
}

// DesiredResource is Forms.Desired for one app.
func DesiredResource(a mesh.AppSpec, live *mesh.Resource, info mesh.MarathonInfo, m Masker) (r mesh.Resource, left []Left, err error) {
	return NewForms(info, m).Desired(a, live)
}

// LiveResource is Forms.Live for one app, as JSON is decoded. The echo is not modified.
func LiveResource(marathon string, echo map[string]any, info mesh.MarathonInfo, m Masker) (mesh.Resource, error) {
	tree, err := mesh.NewTree(echo)
	if err != nil {
		id, _ := echo["id"].(string)
		return mesh.Resource{}, fmt.Errorf("app %s: %w", id, err)
	}
	return NewForms(info, m).Live(marathon, tree), nil
}

// executorResources is not compared: see statusFields.
const executorResources = "executorResources"

func appState(echo object) *mesh.AppState {
	s := &mesh.AppState{
		TasksStaged: number(echo["tasksStaged"]), TasksRunning: number(echo["tasksRunning"]),
		TasksHealthy: number(echo["tasksHealthy"]), TasksUnhealthy: number(echo["tasksUnhealthy"]),
		TasksOutdated: outdated(echo), Rewritten: rewritten(echo), Executor: echo[executorResources] != nil,
	}
	s.Version, _ = echo["version"].(string)
	for _, d := range list(echo["deployments"]) {
		o, _ := d.(map[string]any)
		if id, ok := o["id"].(string); ok {
			s.Deployments = append(s.Deployments, id)
		}
	}
	return s
}

// outdated counts the tasks of an older configuration, where the answer has statistics: they
// have another name since 1.9, and no group of none.
func outdated(echo object) int {
	for _, name := range []string{"tasksStats", "taskStats"} {
		all, _ := echo[name].(object)
		group, _ := all["withOutdatedConfig"].(object)
		stats, _ := group["stats"].(object)
		counts, _ := stats["counts"].(object)
		if n := number(counts["staged"]) + number(counts["running"]); n > 0 {
			return n
		}
	}
	return 0
}

func number(v any) int {
	n, _ := v.(int64)
	return int(n)
}
