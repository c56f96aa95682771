// Package rules holds an app definition to what Marathon accepts, so that a mistake is told
// where it is written and not by the answer to a write. It also knows definitions that
// Marathon accepts and that then harm the app, or all apps. It is pure. The rules were read
// from Marathon's documentation of 1.4 to 1.11 and checked against recorded answers of 1.11.26.
package rules

import (
	"cmp"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// A Finding is one thing that is wrong with a definition.
type Finding struct {
	// Path leads to what is wrong, as it is written: names of fields, and indices of lists
	// in digits, such as container, portMappings, 0, hostPort.
	Path []string
	// Rule is a stable word for machines, such as "app-port".
	Rule string
	// Msg says what is wrong, as what follows the app's name: "has two networks of …".
	Msg string
	// Hint says what to write instead; may be empty.
	Hint string
	// Warning: Marathon accepts it.
	Warning bool
}

// Marathon is what is known of the Marathon that gets the definition.
type Marathon struct {
	// Version is such as "1.11.26"; "" is the newest that is known, 1.11.
	Version string
	// DefaultNetwork is its --default_network_name, which names container networks that have
	// no name; "" is none.
	DefaultNetwork string
	// Asked: /v2/info was read, so that the network above and what follows are what it said.
	// Otherwise what hangs on them is warned of at most.
	Asked bool
	// Features are those of --enable_features.
	Features []string
	// Role is what the app gets that names none; "" is not known.
	Role string
	// PortMin and PortMax bound the service ports that it chooses, its --local_port_min and
	// --local_port_max; 0 and 0 are 10000 and 20000.
	PortMin, PortMax int
}

// Check returns what is wrong with a definition, sorted by path. def is as encoding/json decodes
// it with UseNumber, and of the contract's shape: the types of its fields are right. id is the
// app's absolute id. The definition is not modified.
func Check(id string, def map[string]any, m Marathon) []Finding {
	c := &checker{id: id, def: def, marathon: m, version: mesh.ParseRelease(m.Version)}
	for _, check := range []func(*checker){
		(*checker).scalars,
		(*checker).networks,
		(*checker).ports,
		(*checker).container,
		(*checker).deprecated,
		(*checker).healthChecks,
		(*checker).volumes,
		(*checker).tenured,
		(*checker).older,
		(*checker).features,
		(*checker).pasted,
	} {
		check(c)
	}
	slices.SortStableFunc(c.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(strings.Join(a.Path, "\x00"), strings.Join(b.Path, "\x00")), cmp.Compare(a.Msg, b.Msg))
	})
	return c.found
}

// checker carries one Check.
type checker struct {
	id       string
	def      map[string]any
	marathon Marathon
	version  mesh.Release
	found    []Finding
}

// refuse notes that Marathon would refuse the definition.
func (c *checker) refuse(f Finding) { c.found = append(c.found, f) }

// warn notes that Marathon would accept the definition, to somebody's harm.
func (c *checker) warn(f Finding) {
	f.Warning = true
	c.found = append(c.found, f)
}
