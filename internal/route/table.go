// Package route makes HAProxy's backends of what runs on Marathon: which host name leads to which tasks. It is
// a function of its arguments: the same apps give the same bytes on each machine. What Marathon tells was
// written by whoever may write apps, and none of it gets into the configuration as it is.
package route

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Table is all that HAProxy is to know of apps.
type Table struct {
	Backends []Backend // sorted by name
}

// Backend is one port of an app.
type Backend struct {
	Name  string
	Names []string // host names, and first parts of such; sorted
	// Slots are its servers s1, s2 and so on. A task stays in its slot as long as it runs, and empty ones wait for others.
	Slots []Server
}

// Server is where a task is asked. The zero value is an empty slot.
type Server struct {
	Addr netip.AddrPort
	Task string
}

// Servers counts the slots that are taken.
func (t Table) Servers() int {
	n := 0
	for _, b := range t.Backends {
		for _, s := range b.Slots {
			if s.Addr.IsValid() {
				n++
			}
		}
	}
	return n
}

// backend returns the one of that name.
func (t Table) backend(name string) (Backend, bool) {
	i, ok := slices.BinarySearchFunc(t.Backends, name, func(b Backend, n string) int { return strings.Compare(b.Name, n) })
	if !ok {
		return Backend{}, false
	}
	return t.Backends[i], true
}

// holders are the backends by the names that lead to them.
func (t Table) holders() map[string]string {
	out := map[string]string{}
	for _, b := range t.Backends {
		for _, name := range b.Names {
			out[name] = b.Name
		}
	}
	return out
}

// header is what a file of these begins with.
const header = "# Written by meshsync route from what runs on Marathon: changes by hand are lost.\n# format 1\n"

// What each backend says beside its servers. Timeouts are those of the defaults before it. A task that takes no connection has died
// a moment ago: the next try is at another one.
const settings = `    mode http
    balance leastconn
    option redispatch 1
    retries 3
    default-server check inter 2s fastinter 500ms rise 1 fall 3
`

// vacant is where an empty slot leads. Nobody is sent there: it is disabled.
const vacant = "127.0.0.1:1"

// Text is the table as HAProxy reads it.
func (t Table) Text() string {
	var out strings.Builder
	out.WriteString(header)
	for _, b := range t.Backends {
		out.WriteByte('\n')
		for _, name := range b.Names {
			out.WriteString("# name " + name + "\n")
		}
		out.WriteString("backend " + b.Name + "\n" + settings)
		for i, s := range b.Slots {
			if s.Addr.IsValid() {
				fmt.Fprintf(&out, "    server %s %s # %s\n", slotName(i), s.Addr, s.Task)
			} else {
				fmt.Fprintf(&out, "    server %s %s disabled\n", slotName(i), vacant)
			}
		}
	}
	return out.String()
}

// Names is the map from names to backends as HAProxy reads it.
func (t Table) Names() string {
	holders := t.holders()
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(holders)) {
		out.WriteString(name + " " + holders[name] + "\n")
	}
	return out.String()
}

func slotName(i int) string { return fmt.Sprintf("s%d", i+1) }
