package hostd

import (
	"slices"
	"strings"
)

// haproxy answers "haproxy -c -f FILE…" in words of HAProxy 2.6, once its package is there. It knows the
// sections and that there must be a listener; what stands behind a keyword it takes as it is.
func (h *Host) haproxy(c *toolCall) {
	if !h.exists("/usr/lib/systemd/system/haproxy.service") {
		c.fail(127, "haproxy: not found")
		return
	}
	o, problem := c.parse("c f= q")
	if problem != "" || !o.has("c") || len(o.list["f"]) == 0 {
		c.fail(1, "sandbox: of haproxy only -c -f FILE is answered")
		return
	}
	listens := false
	for _, name := range o.list["f"] {
		text, err := h.read(strings.TrimPrefix(name, h.root))
		if err != nil {
			c.fail(1, "[ALERT]    (%s) : Cannot open configuration file/directory %s : No such file or directory", c.pid, name)
			return
		}
		fault, bind := lookAtHAProxy(string(text))
		if listens = listens || bind; fault != "" {
			c.fail(1, "[ALERT]    (%s) : config : parsing [%s] : %s", c.pid, name, fault)
			return
		}
	}
	if !listens {
		c.fail(2, "Configuration file has no error but will not start (no listener) => exit(2).")
		return
	}
	c.printf("Configuration file is valid\n")
}

// lookAtHAProxy finds what HAProxy would refuse of a file, and tells whether it has a listener.
func lookAtHAProxy(text string) (fault string, listens bool) {
	if text != "" && !strings.HasSuffix(text, "\n") {
		return "Missing LF on last line, file might have been truncated.", false
	}
	section := ""
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case slices.Contains([]string{"global", "defaults", "frontend", "backend", "listen"}, words[0]):
			section = words[0]
		case section == "":
			return "unknown keyword '" + words[0] + "' out of section.", false
		case words[0] == "bind":
			listens = true
		case slices.Contains([]string{"contimeout", "clitimeout", "srvtimeout"}, words[0]):
			return "the '" + words[0] + "' directive is not supported anymore since HAProxy 2.1.", false
		}
	}
	return "", listens
}
