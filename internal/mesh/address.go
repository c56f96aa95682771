package mesh

import (
	"cmp"
	"fmt"
	"strings"
)

// TargetKind says what kind of place a Target is.
type TargetKind string

// The two kinds of target.
const (
	HostTarget     TargetKind = "host"
	MarathonTarget TargetKind = "marathon"
)

// Target names one place whose state is read and changed: host/m1 or marathon/main.
// It is comparable and may be a map key.
type Target struct {
	Kind TargetKind
	Name string
}

// Host returns the target for the host of that name.
func Host(name string) Target { return Target{HostTarget, name} }

// Marathon returns the target for the Marathon of that name.
func Marathon(name string) Target { return Target{MarathonTarget, name} }

// String returns KIND/NAME.
func (t Target) String() string { return string(t.Kind) + "/" + t.Name }

// Compare orders targets: hosts first, then by name.
func (t Target) Compare(o Target) int {
	return cmp.Or(cmp.Compare(t.Kind, o.Kind), cmp.Compare(t.Name, o.Name))
}

// MarshalText encodes as String.
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText decodes what MarshalText wrote.
func (t *Target) UnmarshalText(b []byte) error {
	got, err := ParseTarget(string(b))
	if err == nil {
		*t = got
	}
	return err
}

// ParseTarget reads KIND/NAME.
func ParseTarget(s string) (Target, error) {
	kind, name, ok := strings.Cut(s, "/")
	k := TargetKind(kind)
	if !ok || name == "" || strings.Contains(name, "/") || (k != HostTarget && k != MarathonTarget) {
		return Target{}, fmt.Errorf("%q is no target: want host/NAME or marathon/NAME", s)
	}
	return Target{k, name}, nil
}

// Kind is the type of a resource: a primitive that can be observed and changed.
type Kind string

// The kinds that mean more to the core than an address and attributes: a directory has a
// listing, a file content, a service runs, a package brings units, an app is Marathon's, and so is a pod, which is
// listed only. Package primitive has all kinds of hosts.
const (
	File      Kind = "file"
	Directory Kind = "directory"
	Service   Kind = "service"
	Package   Kind = "package"
	App       Kind = "app"
	Pod       Kind = "pod"
)

// Address is the stable name of a resource: host/m1/file:/etc/mesos/zk or
// marathon/main/app:/www. It is comparable and may be a map key.
type Address struct {
	Target Target
	Kind   Kind
	Name   string
}

// String returns TARGET/KIND:NAME.
func (a Address) String() string {
	return a.Target.String() + "/" + string(a.Kind) + ":" + a.Name
}

// IsPath reports whether the resource lies at a path of a host, which is its name.
func (a Address) IsPath() bool {
	return a.Target.Kind == HostTarget && strings.HasPrefix(a.Name, "/")
}

// Compare orders addresses by target, kind and name. Directories are before what is in
// them, services behind what they read, other kinds between in alphabetical order.
func (a Address) Compare(o Address) int {
	return cmp.Or(a.Target.Compare(o.Target), cmp.Compare(a.Kind.rank(), o.Kind.rank()), cmp.Compare(a.Kind, o.Kind), cmp.Compare(a.Name, o.Name))
}

func (k Kind) rank() int {
	switch k {
	case Directory:
		return 0
	case Service:
		return 2
	case App:
		return 3
	case Pod:
		return 4
	default:
		return 1
	}
}

// MarshalText encodes as String.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText decodes what MarshalText wrote.
func (a *Address) UnmarshalText(b []byte) error {
	got, err := ParseAddress(string(b))
	if err == nil {
		*a = got
	}
	return err
}

// ParseAddress reads what String writes.
func ParseAddress(s string) (Address, error) {
	kind, rest, ok1 := strings.Cut(s, "/")
	target, rest, ok2 := strings.Cut(rest, "/")
	res, name, ok3 := strings.Cut(rest, ":")
	if !ok1 || !ok2 || !ok3 || name == "" || res == "" || strings.Trim(res, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return Address{}, fmt.Errorf("%q is no address: want host/NAME/KIND:NAME or marathon/NAME/app:/ID", s)
	}
	t, err := ParseTarget(kind + "/" + target)
	if err != nil {
		return Address{}, err
	}
	return Address{t, Kind(res), name}, nil
}
