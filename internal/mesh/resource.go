package mesh

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// Resource is the smallest thing that is compared: an address and a canonical
// tree of attributes. The same type carries what the repository wants and what
// was observed; the fields below Attrs say which side fills them.
//
// Attributes by kind, complete on both sides:
//
//	file       content ("sha256:HEX" of the bytes; of a secret see SecretContent), mode ("0644"), owner, group
//	directory  mode, owner, group
//	symlink    to
//	service    enabled (bool), running (bool)
//	app        Marathon's canonical definition, see package marathon/definition
//
// Those of the other kinds stand beside them in package primitive.
type Resource struct {
	Addr  Address `json:"address"`
	Attrs Tree    `json:"attrs"`

	// Text is the content of a file where it is known: always for a desired
	// file that is no secret; for an observed one only when it was asked for and is no
	// larger than MaxText. Nil means unknown.
	Text *string `json:"text,omitempty"`

	Role   string `json:"role,omitempty"`  // desired: the role that yielded it
	Origin Pos    `json:"origin,omitzero"` // desired: where the repository says so
	Purge  bool   `json:"purge,omitempty"` // desired directory: entries that git does not name are removed
	Gone   bool   `json:"gone,omitempty"`  // desired: nothing may be at this path
	// Recursive goes with Gone: a directory there is deleted with all that is in it.
	Recursive bool `json:"recursive,omitempty"`
	// Validate is a desired file's shell command that must accept it before it goes live;
	// "$1" in it is the path of the candidate.
	Validate string `json:"validate,omitempty"`
	// Open is what a desired resource leaves open, attribute → how the declaration says so;
	// Attrs have what that came to, where that is known.
	Open map[string]string `json:"-"`
	// Secret is where a desired file's content comes from that git does not hold in the clear.
	Secret  *SecretSource `json:"-"`
	Service *ServiceSpec  `json:"service,omitempty"` // desired service
	App     *AppState     `json:"app,omitempty"`     // observed app
}

// Confidential reports whether a file is declared a secret, or not everybody on its host may
// read it: its content is shown nowhere, for it may hold a secret that nobody declared as one.
func (r Resource) Confidential() bool { return ConfidentialAttrs(r.Attrs) }

// ConfidentialAttrs is Confidential of attributes; other kinds than files never are.
func ConfidentialAttrs(attrs Tree) bool {
	if SecretContent(attrs["content"]) {
		return true
	}
	mode, _ := attrs["mode"].(string)
	if attrs["content"] == nil || mode == "" {
		return false
	}
	const readableByOthers = 4
	return (mode[len(mode)-1]-'0')&readableByOthers == 0
}

// MaxText is the size in bytes above which a file's content is compared by digest
// only and not transferred for display.
const MaxText = 1 << 20

// ServiceSpec is what a role says of a service beside its state.
type ServiceSpec struct {
	// Reads lists the absolute paths whose content the process takes in when it
	// starts (or reloads, see On). A path that ends in "/" is a directory with
	// its listing and the content of the regular files in it: an added or
	// deleted flag file is a change. "package:NAME" is the version of a package.
	Reads []string `json:"reads"`
	// On is what makes a change of Reads effective: "restart" or "reload".
	On string `json:"on"`
	// Ensemble names the Ensemble of which this service is the member on its host; "" if none.
	Ensemble string `json:"ensemble,omitempty"`
	// Members are those of its Ensemble by what it reads; the record keeps with whom it was started.
	Members []string `json:"-"`
	// Reports is what the running process tells of itself; nil for what tells nothing.
	Reports *Reports `json:"reports,omitempty"`
	// Check is the health check of this service; nil means that a running unit is all one knows.
	Check *Check `json:"check,omitempty"`
}

const packageRead = "package:"

// PackageRead is a read that is the version of a package: "package:NAME".
func PackageRead(read string) (name string, ok bool) { return strings.CutPrefix(read, packageRead) }

// ReadOfPackage is the read of a package's version.
func ReadOfPackage(name string) string { return packageRead + name }

// VersionDigest stands for the version of a package where the digest of a file would.
func VersionDigest(version string) string { return "version:" + version }

// The values of ServiceSpec.On.
const (
	OnRestart = "restart"
	OnReload  = "reload"
)

// Reports are settings that a process tells of itself, and the values that git wants.
type Reports struct {
	Kind   string            `json:"kind"` // one of health.Reports
	Port   int               `json:"port"`
	Values map[string]string `json:"values"`
}

// Question is what the host is asked for it.
func (r Reports) Question() Check { return Check{Kind: r.Kind, Port: r.Port} }

// Check is a named health check with its thresholds. The answers are read inside
// the host, by its own loopback address.
type Check struct {
	Kind string `json:"kind"` // one of health.Kinds
	Port int    `json:"port"`
	Path string `json:"path,omitempty"` // for http; of a socket; of a UnitCheck the unit
}

// OfSocket reports whether what is asked listens on a Unix socket, whose path is Path.
func (c Check) OfSocket() bool { return c.Kind == "haproxy" || c.Kind == "docker" }

// Where is where the service is asked, in words.
func (c Check) Where() string {
	switch {
	case c.OfUnit():
		return "systemd"
	case c.OfSocket():
		return "the socket " + c.Path
	default:
		return "port " + strconv.Itoa(c.Port)
	}
}

// unitCheck is the kind of a question about a service without a check. It is none of the
// named checks that a role can ask for.
const unitCheck = "systemd.unit"

// UnitCheck asks systemd whether the unit of a service is up.
func UnitCheck(unit string) Check { return Check{Kind: unitCheck, Path: unit} }

// OfUnit reports whether the check asks systemd.
func (c Check) OfUnit() bool { return c.Kind == unitCheck }

// Digest identifies a canonical tree: "sha256:" and the hex digest of its JSON
// with sorted keys. Secret leaves count as their mask, so that a digest never
// allows a secret to be guessed.
func Digest(t Tree) string {
	b, err := AppendJSON(make([]byte, 0, 2<<10), t) // about an app, so that it does not grow
	if err != nil {
		panic("mesh: a tree that JSON cannot hold: " + err.Error()) // NewTree let it in
	}
	return DigestBytes(b)
}

// DigestBytes returns "sha256:HEX" of b.
func DigestBytes(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// AbsentDigest stands in records for "it was seen that nothing is there".
const AbsentDigest = "absent"
