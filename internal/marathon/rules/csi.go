package rules

import (
	"fmt"
	"slices"
	"strings"
)

// csiReading are the access modes that cannot write. UNKNOWN is one of them, and names none.
func csiReading() []string {
	return []string{"SINGLE_NODE_READER_ONLY", "MULTI_NODE_READER_ONLY", "UNKNOWN"}
}

func csiWriting() []string {
	return []string{"SINGLE_NODE_WRITER", "MULTI_NODE_SINGLE_WRITER", "MULTI_NODE_MULTI_WRITER"}
}

// csi checks a volume of a CSI plugin.
func (c *checker) csi(path []string, v fields) {
	if c.version.Before(1, 11) {
		return // tenured refuses it
	}
	options := v.object("external").object("options")
	path = below(path, "options")
	if options.text("pluginName") == "" {
		c.refuse(Finding{Path: path, Rule: "app-volume-csi", Msg: "has a CSI volume that names no plugin", Hint: "write pluginName"})
	}
	capability := options.object("capability")
	path = below(path, "capability")
	c.csiAccess(inside(path, capability, "accessMode"), capability.text("accessMode"), v.word("mode", ""))
	switch kind := capability.text("accessType"); {
	case kind != "block" && kind != "mount":
		c.refuse(Finding{
			Path: inside(path, capability, "accessType"), Rule: "app-volume-csi",
			Msg: fmt.Sprintf("has a CSI volume with the accessType %q, which Marathon does not know", kind), Hint: `write "block" or "mount", in small letters`,
		})
	case kind == "mount" && !capability.has("fsType"):
		c.refuse(Finding{
			Path: path, Rule: "app-volume-csi",
			Msg: "has a CSI volume to mount and no fsType for it", Hint: `write fsType; it may be ""`,
		})
	}
}

func (c *checker) csiAccess(path []string, access, mode string) {
	reading := slices.Contains(csiReading(), access)
	switch {
	case !reading && !slices.Contains(csiWriting(), access):
		c.refuse(Finding{
			Path: path, Rule: "app-volume-csi",
			Msg:  fmt.Sprintf("has a CSI volume with the accessMode %q, which Marathon does not know", access),
			Hint: "write one of " + strings.Join(append(csiWriting(), csiReading()[:2]...), ", ") + ", in capitals",
		})
	case reading && mode != "RO":
		c.refuse(Finding{
			Path: path, Rule: "app-volume-csi",
			Msg:  fmt.Sprintf("has a CSI volume with the accessMode %s, and may write to it", access),
			Hint: `write mode: "RO"`,
		})
	}
}
