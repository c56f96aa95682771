// Package primitive knows the kinds of things that a host holds, one file each: how a
// repository declares one, how one looks on a host, and the shell commands that bring it
// there. A new kind is a file here with a line in All, and a definition in schema/mesh.
//
// The shell parts are POSIX sh and call what package host puts around them: ms_into DIR,
// ms_beside DIR and ms_place NAME go to a directory and put things there (see placePart),
// ms_old FROM KEY keeps what is replaced, ms_slice OFFSET SIZE TO, ms_sync PATH…,
// ms_try COMMAND, and ms_run COMMAND for one that others wrote; each returns 1 with the reason in W. ms_digest PATH puts a
// file's digest into D, of a secret the one under the host's key. $RUN is the run's id, $M the mesh's, $R the root of a sandbox's host, which is empty on a real one, $B a
// folder that only root can write to.
package primitive

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"meshsync.dev/meshsync/internal/mesh"
)

// Primitive is one kind of resource on a host.
type Primitive struct {
	Kind  mesh.Kind
	Field string // of the contract's #Resources: name → declaration
	// Decode reads one declaration, which the contract has accepted.
	Decode func(declaration []byte) (Declared, error)
	// Refuse says what is wrong with a declaration that the contract accepts, and what to
	// write; "" when nothing is. Nil for kinds whose contract says it all.
	Refuse func(name string, declaration []byte) (problem, hint string)
	// One of the three is set: Path for what lies at a path, Named for what has another
	// name, Recorded for what cannot be looked at.
	Path     *Path
	Named    *Named
	Recorded *Recorded
	// Settle completes a declaration that leaves something open: by what is there, where
	// that fits (have is nil where nothing is), else by the first of what the host offers
	// that fits. Nil for kinds whose declarations leave nothing open.
	Settle func(want, have mesh.Tree, offers []string) mesh.Tree
	// Keeps says that what git no longer names is let go and never removed, because
	// there is no state before it to go back to.
	Keeps bool
	// Moves says that such a thing becomes another without anybody's hand, as a package does
	// by apt: it is still the one that meshsync made.
	Moves bool
	// order is when a change is made among those of one host, see Order.
	order int
}

// Declared is a desired resource without its address. Attrs are what is compared.
type Declared struct {
	Attrs     map[string]any
	Text      *string
	Secret    *mesh.SecretSource // in place of Text
	Purge     bool
	Gone      bool
	Recursive bool
	Validate  string
	Service   *mesh.ServiceSpec
	// Fingerprint is that of the OpenPGP public key that Text must be; "" for none. It is
	// verified where the declaration is read.
	Fingerprint string
}

// Seen is how one thing was found. Unknown says why that cannot be told; else no Attrs
// mean that it is not there.
type Seen struct {
	Attrs      map[string]any
	Unknown    string
	PID        int            // of the process that it runs; 0 for none
	StartTicks uint64         // of that process, since boot, or of a unit that runs without one; 0 when it has gone
	Worker     mesh.ProcessID // its newest worker; zero for none, and where none was asked for
	ChangedAt  uint64         // of a service whose worker was asked for: when systemd last saw its state change, in microseconds since boot; 0 if unknown
	Began      Moment         // of a service: when it began to come up, as systemd noted it
	NoUnit     bool           // of a service: there is no such unit
	Reload     bool           // of a service: its unit on disk is not the one that systemd has loaded
	Tidy       bool           // of a service: when it ends nothing is left in its control group, and no command but its main one runs there
	Loaded     []string       // of such a service: the files by which systemd has loaded it
	Offers     []string       // what the host could bring it to, the best first; of kinds that ask
}

// Moment is one moment by two clocks: by that of the host as it was set then, in Unix seconds, and by one
// that nobody sets, in microseconds since the boot. What is not known is 0.
type Moment struct {
	Wall    int64
	Elapsed uint64
}

// Wanted is one of the things that are looked at. Attrs are what is declared; nil for what
// only the record names.
type Wanted struct {
	Name  string
	Attrs mesh.Tree
	// Workers asks for the newest worker of a service.
	Workers bool
}

// Recorded is a kind that cannot be looked at: its record, written when it was done, is
// all that is known.
type Recorded struct {
	Functions string
	Write     func(after mesh.Tree) string
}

// Named is what a primitive that lies at no path has beyond the others.
type Named struct {
	// Look is the shell code that prints how the named ones are; Read makes of its
	// output one Seen for each name, in order, or nil when the output is not whole. Look
	// starts no more processes for many names than for one.
	Look func(wanted []Wanted) string
	Read func(out string, names []string) []Seen
	// Functions are the shell functions that Now, Write and Remove call; "" for none.
	Functions string
	// Now is a shell command that sets N to how the named one (a shell word) is: "absent",
	// or what Expected makes of the same attributes.
	Now func(name string) string
	// Expected is what Now says of a thing with these attributes; Describe is the same in words.
	Expected func(attrs mesh.Tree) string
	Describe func(expected string) string
	// Beside is the directory in which the named one's Write prepares what it then moves; what
	// a killed batch left there is removed. Nil for kinds that prepare nothing.
	Beside func(attrs mesh.Tree) string
	// Write is the shell command that brings the named one, a shell word, to what is
	// declared. Nil where the plan's steps do the work, as for services.
	Write func(name string, after mesh.Tree) string
	// Together names a shell function for kinds whose changes of a batch are made in one
	// go: Write then only says what is wanted, and the function, called behind the last
	// one, does it. Now tells of each whether it came to be.
	Together string
	// Remove is the shell command that removes it; nil for kinds that keep. TogetherGone is
	// for removals what Together is for the others; "" where each is made by itself.
	Remove       func(name string) string
	TogetherGone string
	// Begin is shell code at the beginning of every batch, whatever it changes: it clears
	// away what one left that was killed. Functions may call what it defines.
	Begin string
}

// All returns the primitives. Their order means nothing.
func All() []Primitive { return slices.Clone(all()) }

// all is made once, for Of is asked for each resource of each host, many times.
//
//nolint:gochecknoglobals // nobody writes to it
var all = sync.OnceValue(func() []Primitive {
	return []Primitive{
		absent(), archive(), command(), debconf(), directory(), file(), group(), hostsEntry(), kernelModule(),
		packages(), service(), symlink(), sysctl(), user(),
	}
})

// When a change is made among those of one host: accounts before what they own, apt's
// sources before packages, packages before the files that replace theirs.
const (
	orderGroup = iota
	orderUser
	orderAnswer // to what a package asks when it is installed
	orderSource // of packages: files below aptDir
	orderPackage
	orderDirectory
	orderPath
	orderSetting // of the kernel, and names
	orderArchive
	orderCommand
	orderService
)

// aptDir is where apt reads where packages come from.
const aptDir = "/etc/apt/"

// Order compares two changes of a host by when they are to be made.
func Order(a, b mesh.Address) int {
	return cmp.Or(cmp.Compare(orderOf(a), orderOf(b)), a.Compare(b))
}

func orderOf(a mesh.Address) int {
	if a.IsPath() && strings.HasPrefix(a.Name+"/", aptDir) {
		return orderSource
	}
	p, ok := Of(a.Kind)
	if !ok {
		return orderService + 1
	}
	return p.order
}

// Of returns the primitive of a kind; ok is false for what is none, such as an app.
func Of(k mesh.Kind) (p Primitive, ok bool) {
	for _, p := range all() {
		if p.Kind == k {
			return p, true
		}
	}
	return Primitive{}, false
}

// At returns the primitive that lies at a path whose st_mode is given.
func At(mode uint64) (p Primitive, ok bool) {
	const typeBits = 0o170000 // S_IFMT
	for _, p := range all() {
		if p.Path != nil && p.Path.Type == mode&typeBits {
			return p, true
		}
	}
	return Primitive{}, false
}

// decoded decodes the declaration into v, for the Decode of each kind.
func decoded[T any](declaration []byte) (v T, err error) {
	err = json.Unmarshal(declaration, &v)
	return v, err
}

// word is a text as one word of a POSIX shell.
func word(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// words are texts as words of a POSIX shell, with a blank before each.
func words(list []string) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString(" " + word(s))
	}
	return b.String()
}

// ownership is what files and directories have in common.
type ownership struct {
	Mode  string `json:"mode"`
	Owner string `json:"owner"`
	Group string `json:"group"`
}

func (o ownership) attrs() map[string]any {
	return map[string]any{"mode": o.Mode, "owner": o.Owner, "group": o.Group}
}
