package route

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// Parse reads a table from the text that was made of it. An empty text is an empty table. Lines that Text writes
// none of are left out: who has changed them by hand gets them back as they were.
func Parse(text string) (Table, error) {
	if text == "" {
		return Table{}, nil
	}
	rest, ok := strings.CutPrefix(text, header)
	if !ok {
		return Table{}, errors.New("it does not begin as a file of this release of meshsync route does")
	}
	var t Table
	var names []string
	for line := range strings.SplitSeq(rest, "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 3 && words[0] == "#" && words[1] == "name":
			names = append(names, words[2])
		case len(words) == 2 && words[0] == "backend":
			t.Backends = append(t.Backends, Backend{Name: words[1], Names: names})
			names = nil
		case len(words) > 3 && words[0] == "server" && len(t.Backends) > 0:
			b := &t.Backends[len(t.Backends)-1]
			b.Slots = append(b.Slots, serverOf(words))
		}
	}
	slices.SortFunc(t.Backends, func(a, b Backend) int { return strings.Compare(a.Name, b.Name) })
	return t, nil
}

// serverOf reads the words of a line "server NAME ADDRESS # TASK"; any other is an empty slot.
func serverOf(words []string) Server {
	addr, err := netip.ParseAddrPort(words[2])
	if err != nil || len(words) != 5 || words[3] != "#" {
		return Server{}
	}
	return Server{Addr: addr, Task: words[4]}
}
