package mesh

import (
	"reflect"
	"slices"
	"time"
)

// Mesh is the desired state that a commit declares, decoded and cross-checked.
type Mesh struct {
	Name      string
	Hosts     []HostSpec     // sorted by name
	Marathons []MarathonSpec // sorted by name
	Roles     []RoleSpec     // sorted by layer, then name
	Resources []Resource     // of all hosts, sorted by address; apps are in Apps
	Apps      []AppSpec      // sorted by Marathon, then id
	Owned     []Owned        // sorted by address, then field
	Moved     []Move         // sorted by the old address
	Policy    Policy
	// Warnings are about what is right and does harm all the same; sorted by position.
	Warnings []Warning
	// Digest identifies the evaluated desired state: equal digests mean that
	// two commits want the same. It covers everything above but warnings and positions.
	Digest string
}

// HostSpec says how a host is reached and what it is for.
type HostSpec struct {
	Name      string
	Address   string   // host name or IP address, without port
	OS        string   // ID and VERSION_ID of its os-release, "debian 12"; "" for any
	Port      int      // SSH; 0 means: ssh_config, else 22
	User      string   // "" means: ssh_config, else the current user
	HostKeys  []string // pinned keys in authorized_keys form ("ssh-ed25519 AAAA…"); empty: known_hosts decides
	ProxyJump string   // "" means: ssh_config, else none
	Sudo      Sudo     `json:",omitempty"`
	Roles     []string // sorted
	Origin    Pos
}

// SameConnection reports whether two are reached in the same place, in the same way.
func (h HostSpec) SameConnection(o HostSpec) bool {
	for _, x := range []*HostSpec{&h, &o} {
		x.OS, x.Sudo, x.Roles, x.Origin = "", "", nil, Pos{}
	}
	return reflect.DeepEqual(h, o)
}

// Sudo is what a user other than root does on a host by way of sudo.
type Sudo string

// What sudo is used for.
const (
	SudoAll  Sudo = ""     // for each script
	SudoRead Sudo = "read" // for the state and digests of files that the user cannot read
	SudoNone Sudo = "none" // for nothing
)

// MarathonSpec says how a Marathon is reached.
type MarathonSpec struct {
	Name string
	URLs []string // base URLs, at least one
	// Auth is the account that it is asked with; nil is none.
	Auth *MarathonAuth `json:",omitempty"`
	// TLS is what https URLs are asked with beside what the machine knows.
	TLS *MarathonTLS `json:",omitempty"`
	// Proxy is the URL of the one that all requests go through; "" is what the environment says.
	Proxy string `json:",omitempty"`
	// Via is the role whose hosts it is asked through, over SSH; "" is from this machine.
	Via string `json:",omitempty"`
	// Version is the release that apps are written for, "1.8" or "1.11.26"; "" is none in particular.
	Version       string `json:",omitempty"`
	Origin        Pos
	VersionOrigin Pos `json:"-"` // where the version is declared
}

// Secret reports whether it is asked with something that others must not get.
func (m MarathonSpec) Secret() bool { return m.Auth != nil || m.TLS != nil && m.TLS.Key != nil }

// SameConnection reports whether two are asked in the same place, in the same way.
func (m MarathonSpec) SameConnection(o MarathonSpec) bool {
	for _, x := range []*MarathonSpec{&m, &o} {
		x.Version, x.Origin, x.VersionOrigin = "", Pos{}, Pos{}
	}
	return reflect.DeepEqual(m, o)
}

// MarathonAuth is an account of a Marathon: a user with a password, or a token.
type MarathonAuth struct {
	User     string        `json:"user,omitempty"`
	Password *SecretSource `json:"password,omitempty"`
	Token    *SecretSource `json:"token,omitempty"`
}

// MarathonTLS says whom to trust, and with which certificate to come.
type MarathonTLS struct {
	CA   string        `json:"ca,omitempty"`   // PEM; "" are the machine's
	Cert string        `json:"cert,omitempty"` // PEM of the client's certificate and those that it follows from
	Key  *SecretSource `json:"key,omitempty"`  // PEM of its private key
}

// RoleSpec is what a role says of its rollout; equal for all hosts that have the role.
type RoleSpec struct {
	Name     string
	Hosts    []string // sorted
	Rollout  Rollout
	Ensemble *Ensemble
	Origin   Pos
}

// Rollout is how changes of a role's hosts are ordered. Zero fields mean the
// default that plan documents.
type Rollout struct {
	Layer          int           `json:"layer"`           // stages run in ascending layers
	MaxUnavailable int           `json:"max_unavailable"` // hosts per batch; an ensemble's is always 1
	LeaderLast     bool          `json:"leader_last"`
	NoCanary       bool          `json:"no_canary,omitempty"`  // the first batch that stops something has as many hosts as the others
	OnFailure      string        `json:"on_failure,omitempty"` // "rollback" puts back what a batch wrote that fails
	Settle         time.Duration `json:"settle"`               // pause after a batch whose gates hold
	Timeout        time.Duration `json:"timeout"`              // for the gates after a batch
}

// Ensemble is a group of services of which a majority must serve.
type Ensemble struct {
	Name    string   `json:"name"`
	Service string   `json:"service"` // the unit that is the member on each host
	Check   Check    `json:"check"`
	Members []string `json:"members"` // host names, sorted
	Quorum  int      `json:"quorum"`  // > len(Members)/2, checked when decoded
	// Identity lists the files that say which member a host is.
	Identity []string `json:"identity,omitempty"`
	// Joins says how members change while it serves: JoinsFirst, or "" for not at all.
	Joins string `json:"joins,omitempty"`
}

// JoinsFirst is said of an ensemble whose new member starts before the others know of it.
const JoinsFirst = "first"

// AppSpec is one app as the repository writes it, with Marathon's own field names.
type AppSpec struct {
	Marathon   string
	ID         string         // absolute
	Definition map[string]any // as written: JSON types, numbers as json.Number
	Origin     Pos
	Fields     map[string]Pos // top-level field → where it is set
}

// Address returns the app's address.
func (a AppSpec) Address() Address { return Address{Marathon(a.Marathon), App, a.ID} }

// Targets returns all targets that the mesh declares, sorted.
func (m *Mesh) Targets() []Target {
	var out []Target
	for _, h := range m.Hosts {
		out = append(out, Host(h.Name))
	}
	for _, x := range m.Marathons {
		out = append(out, Marathon(x.Name))
	}
	slices.SortFunc(out, Target.Compare)
	return out
}

// ResourcesOf returns the resources of one host, in the order of m.Resources.
func (m *Mesh) ResourcesOf(t Target) []Resource {
	var out []Resource
	for _, r := range m.Resources {
		if r.Addr.Target == t {
			out = append(out, r)
		}
	}
	return out
}

// Host returns the host of that name.
func (m *Mesh) Host(name string) (HostSpec, bool) {
	i := slices.IndexFunc(m.Hosts, func(h HostSpec) bool { return h.Name == name })
	if i < 0 {
		return HostSpec{}, false
	}
	return m.Hosts[i], true
}

// Source says where a desired state was read from. It is provenance, not identity.
type Source struct {
	Dir      string `json:"dir"`                // mesh folder, relative to the CUE module's root
	Commit   string `json:"commit,omitempty"`   // 40 hex digits; "" when there is none
	Ref      string `json:"ref,omitempty"`      // as asked for or the branch; "" on a detached HEAD
	Subject  string `json:"subject,omitempty"`  // first line of the commit's message
	Author   string `json:"author,omitempty"`   // name of the commit's author
	Time     string `json:"time,omitempty"`     // of the commit, RFC 3339 in UTC
	Worktree bool   `json:"worktree,omitempty"` // read from the work tree on request
	Dirty    bool   `json:"dirty,omitempty"`    // files of the mesh differ from the commit
	Shallow  bool   `json:"shallow,omitempty"`  // history is cut: ancestry may be unknown
}
