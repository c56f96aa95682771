package mesh

// RecordVersion is the format of Record that this program writes. A record with
// a higher version is not read: RecordNewer.
const RecordVersion = 1

// RecordState says what became of the record of a target.
type RecordState string

// The states of a record. In all but RecordOK nothing is known of the last apply.
const (
	RecordOK      RecordState = "ok"
	RecordNone    RecordState = "none"    // never written: meshsync did not apply here yet
	RecordCorrupt RecordState = "corrupt" // cannot be read
	RecordNewer   RecordState = "newer"   // written by a newer meshsync
)

// Record is what a target remembers of the last apply of one mesh: on a host
// /var/lib/meshsync/MESH/record.json, on a Marathon the labels of the apps
// /meshsync/MESH/record/N. It holds digests only, never contents.
type Record struct {
	Version int    `json:"version"`
	Mesh    string `json:"mesh"`
	// Host is the host's name in the mesh when it was written, Machine its machine id, HostKey
	// the key that it showed; records of older versions have none. Members are the machine ids of the members of each
	// ensemble, by host: what tells of a member that was reinstalled.
	Host     string                       `json:"host,omitempty"`
	Machine  string                       `json:"machine,omitempty"`
	HostKey  HostKey                      `json:"host_key,omitempty"`
	Members  map[string]map[string]string `json:"members,omitempty"`
	Entries  map[string]RecordEntry       `json:"entries"`            // by address
	Services map[string]ServiceRecord     `json:"services,omitempty"` // by unit
}

// RecordEntry is what was last applied to one resource.
type RecordEntry struct {
	Digest string `json:"digest"`           // Digest of the attributes, or AbsentDigest
	Commit string `json:"commit,omitempty"` // 40 hex digits
	Time   string `json:"time"`             // RFC 3339 in UTC
	State  string `json:"state"`            // Intends before the write, Holds after it
	// Was is the digest of what was there before an intended write, or AbsentDigest: a
	// run may have ended before it wrote. Empty once it holds.
	Was    string `json:"was,omitempty"`
	Origin string `json:"origin,omitempty"` // Created or Adopted
	// Open is what the declaration left open, as in Resource: the digest is of the attributes
	// as it says them, so that they compare whatever the target chose.
	Open map[string]string `json:"open,omitempty"`
	// Of a secret file: SecretSource.ID of what it was written from, and the keyed digest of
	// what that came to.
	Source string `json:"source,omitempty"`
	Keyed  string `json:"keyed,omitempty"`
}

// The values of RecordEntry.State and Origin.
const (
	Intends = "intends"
	Holds   = "holds"
	Created = "created" // meshsync made it, and may delete it when git drops it
	Adopted = "adopted" // it was there before: released when git drops it
)

// ServiceRecord says what a process was started with, absences included: same
// process and same digests mean that it runs what is on disk, whatever the clocks say.
type ServiceRecord struct {
	BootID string `json:"boot_id"`
	ProcessID

	// Worker is the newest worker after the start or reload, of a service that reloads by
	// making new ones; nil for all others, and in records of older versions.
	Worker *ProcessID        `json:"worker,omitempty"`
	Reads  map[string]string `json:"reads"` // path → Read.Digest when it was started
	// Members are those of its ensemble that it was started with, sorted; nil for what is of none, for a
	// process that meshsync did not start, and in records of older versions.
	Members []string `json:"members,omitempty"`
}

// Of reports whether the record is of this main process.
func (r ServiceRecord) Of(bootID string, p Process) bool {
	return r.BootID == bootID && r.ProcessID == p.ProcessID
}
