package mesh

// Observed is what all targets said at one time. A target that is not in it was not asked.
type Observed struct {
	Targets []TargetState `json:"targets"` // sorted by target
}

// Of returns the state of t, or false when t was not asked.
func (o Observed) Of(t Target) (TargetState, bool) {
	for _, s := range o.Targets {
		if s.Target == t {
			return s, true
		}
	}
	return TargetState{}, false
}

// Outcome says how an attempt to reach a target ended. The words are part of the
// public JSON.
type Outcome string

// The outcomes. Everything but OK leaves the target unknown: nothing on it counts as absent.
const (
	OK             Outcome = "ok"
	NoConnection   Outcome = "unreachable"      // no TCP connection
	NoSSH          Outcome = "not_ssh"          // something else answers on the port
	AuthRefused    Outcome = "auth_refused"     // the server accepts none of our keys
	WrongHostKey   Outcome = "wrong_host_key"   // known under another key
	UnknownHostKey Outcome = "unknown_host_key" // not known at all
	NoSudo         Outcome = "no_sudo"          // sudo -n was refused
	Timeout        Outcome = "timeout"          // no answer in time
	Truncated      Outcome = "truncated"        // the answer ended early
	TooLarge       Outcome = "too_large"        // the answer passed its limit
	Garbled        Outcome = "garbled"          // the answer is not what the script or API prints
	Busy           Outcome = "busy"             // a batch of another run holds the host
	BadStatus      Outcome = "bad_status"       // a Marathon answered with an error status
	ConnectionLost Outcome = "connection_lost"  // it broke while something ran
	ScriptFailed   Outcome = "script_failed"    // the script reported a failure of its own
	Unreadable     Outcome = "unreadable"       // of a resource: it cannot be told how it is
)

// TargetState is what was seen on one target. When Outcome is not OK all other
// fields but Message are empty.
type TargetState struct {
	Target  Target  `json:"target"`
	Outcome Outcome `json:"outcome"`
	Message string  `json:"message,omitempty"` // for people: what, why, what to do

	Resources []Resource        `json:"resources,omitempty"` // present; sorted by address
	Absent    []Address         `json:"absent,omitempty"`    // seen not to be there; sorted
	Unknown   []UnknownResource `json:"unknown,omitempty"`   // could not be seen; sorted
	// Strays are present resources that were not asked for by name: entries of
	// purged directories. They are in no other list.
	Strays []Resource `json:"strays,omitempty"`

	Record      Record      `json:"record"`
	RecordState RecordState `json:"record_state"`
	// RecordDigest is that of the record's bytes as they were read on a host, of no bytes
	// where there is none: whoever writes the record makes sure that it is still that one.
	RecordDigest string `json:"-"`

	Host     *HostFacts     `json:"host,omitempty"`
	Marathon *MarathonFacts `json:"marathon,omitempty"`
}

// UnknownResource is a resource of a reached target that could not be seen.
type UnknownResource struct {
	Addr   Address `json:"address"`
	Reason string  `json:"reason"`
	// Denied is true when it is the account that may not look at it.
	Denied bool `json:"denied,omitempty"`
}

// HostFacts are the facts of a host beside its resources.
type HostFacts struct {
	BootID    string  `json:"boot_id"`
	MachineID string  `json:"machine_id,omitempty"`
	HostKey   HostKey `json:"host_key,omitempty"` // as the connection showed it
	OS        string  `json:"os,omitempty"`       // ID and VERSION_ID of os-release: "debian 12"
	// Now is when it was looked at, by its own clock, in Unix nanoseconds; 0 when not known.
	// SetSinceBoot is by how much that clock was set since systemd came up, as Process.SetSince.
	Now          int64              `json:"now,omitempty"`
	SetSinceBoot int64              `json:"set_since_boot,omitempty"`
	Processes    map[string]Process `json:"processes"` // unit → its main process, or the unit itself where it runs without one; only running ones
	Reads        map[string]Read    `json:"reads"`     // each path that a service reads
	Answers      []Answer           `json:"answers,omitempty"`
	// NoUnit lists services of which there is no unit; Reload those whose unit on disk is
	// not the one that systemd has loaded. Both sorted.
	NoUnit []string `json:"no_unit,omitempty"`
	Reload []string `json:"reload,omitempty"`
	// Tidy lists those that leave nothing in their control group when they end, and run no command there but their main one.
	Tidy []string `json:"-"`
	// Loaded has the files by which systemd knows each of those in Reload.
	Loaded map[string][]string `json:"loaded,omitempty"`
	// Offers are the versions that the host could bring a package to, the best first; of
	// packages that are not as declared. By address.
	Offers map[string][]string `json:"offers,omitempty"`
	// Missing lists the directories of files and links that git names but not the
	// directory, where there is none; sorted.
	Missing []string `json:"missing,omitempty"`
	// Lease is the one that a run holds now; nil for none, and where it was not asked for. It is gone before
	// anybody reads a snapshot.
	Lease *Held `json:"-"`
}

// Read is the state of a path that a service reads.
type Read struct {
	// Digest is "sha256:HEX" of a file's bytes; of a directory, of its sorted
	// listing with each regular file's digest; AbsentDigest when nothing is there.
	Digest string `json:"digest"`
	// Ctime is the newest change time in Unix nanoseconds: of the file, or of a
	// directory and what is in it. 0 when absent.
	Ctime int64 `json:"ctime"`
	// Entries lists a directory: name → what DirDigest takes for it. Nil for files.
	Entries map[string]string `json:"entries,omitempty"`
}

// Answer is the raw reply to one health probe. Package health turns it into a verdict.
type Answer struct {
	Host   string `json:"host"`
	Check  Check  `json:"check"`
	Status int    `json:"status,omitempty"` // HTTP status; 0 for other protocols or no answer
	Body   string `json:"body,omitempty"`   // text of the reply, at most 64 KiB
	// Err says why there is no reply: "refused", "timeout", "no_client" (the host
	// has nothing to ask with) or another word; "" when there is one.
	Err string `json:"err,omitempty"`
}

// MarathonFacts are the facts of a Marathon beside its apps.
type MarathonFacts struct {
	URL         string       `json:"url"` // the base URL that answered
	Version     string       `json:"version"`
	Framework   string       `json:"framework,omitempty"` // its id at Mesos: no two have the same
	Leader      string       `json:"leader,omitempty"`    // HOST:PORT, as the node that leads calls itself
	Config      MarathonInfo `json:"config"`
	Deployments []Deployment `json:"deployments"`
	Pods        []string     `json:"pods,omitempty"` // ids, sorted
	// GroupDependencies are what all in a group waits for: group → ids of apps and groups.
	GroupDependencies map[string][]string `json:"group_dependencies,omitempty"`
	// GroupsUnread says why neither groups nor pods could be read; "" when they were, or when there are none in this release.
	GroupsUnread string `json:"groups_unread,omitempty"`
	// Lease is as that of a host.
	Lease *Held `json:"-"`
}

// MarathonInfo is what /v2/info and the groups say that decides how a definition is normalised.
type MarathonInfo struct {
	Version            string   `json:"version"`
	DefaultNetworkName string   `json:"default_network_name,omitempty"`
	MesosBridgeName    string   `json:"mesos_bridge_name,omitempty"`
	MesosRole          string   `json:"mesos_role,omitempty"`
	LocalPortMin       int      `json:"local_port_min"`
	LocalPortMax       int      `json:"local_port_max"`
	Features           []string `json:"features,omitempty"`
	// NewGroupEnforceRole is what becomes of EnforceRole in a new top-level group: "Off", "Top".
	NewGroupEnforceRole string `json:"new_group_enforce_role,omitempty"`
	// EnforceRole has each top-level group: true where its apps have its name as role, unless
	// they say otherwise. Nil when groups were not read.
	EnforceRole map[string]bool `json:"enforce_role,omitzero"`
}

// Deployment is a running deployment.
type Deployment struct {
	ID           string   `json:"id"`
	Version      string   `json:"version"`
	AffectedApps []string `json:"affected_apps"`
	CurrentStep  int      `json:"current_step"`
	TotalSteps   int      `json:"total_steps"`
	// Action is what it does now, with the app: "RestartApplication /www".
	Action string `json:"action,omitempty"`
}

// AppState is what Marathon says of an app beside its definition.
type AppState struct {
	Version        string         `json:"version"`
	TasksStaged    int            `json:"tasks_staged"`
	TasksRunning   int            `json:"tasks_running"`
	TasksHealthy   int            `json:"tasks_healthy"`
	TasksUnhealthy int            `json:"tasks_unhealthy"`
	TasksOutdated  int            `json:"tasks_outdated,omitempty"` // staged or running with an older configuration than the app has
	Deployments    []string       `json:"deployments,omitempty"`    // ids of running ones
	Foreign        map[string]any `json:"foreign,omitempty"`        // what meshsync does not know of it, as it came; by path
	// Rewritten lists the fields that any write changes, whatever it says; sorted. Executor
	// is true when it has executorResources, which any write loses.
	Rewritten []string `json:"rewritten,omitempty"`
	Executor  bool     `json:"executor,omitempty"`
}
