package hostd

import (
	"strings"
)

// A tool is a program of the host that the sandbox answers for.
type tool func(h *Host, c *toolCall)

// A toolCall is one run of a tool: who runs it with which arguments, and what it says.
type toolCall struct {
	*answer
	name string
	pid  string
	root bool
	args []string
}

// tools lists them by name. Those beside systemctl change the host's files one at a time.
func tools() map[string]tool {
	return map[string]tool{
		"systemctl": nil, // see Host.answerFor
		"getent":    (*Host).getent,
		"useradd":   (*Host).useradd, "usermod": (*Host).usermod, "userdel": (*Host).userdel,
		"groupadd": (*Host).groupadd, "groupmod": (*Host).groupmod, "groupdel": (*Host).groupdel,
		"dpkg": (*Host).dpkg, "dpkg-query": (*Host).dpkgQuery,
		"apt-get": (*Host).aptGet, "apt-cache": (*Host).aptCache, "apt-mark": (*Host).aptMark,
		"debconf-set-selections": (*Host).debconfSetSelections,
		"modprobe":               (*Host).modprobe, "sysctl": (*Host).sysctl,
		"haproxy": (*Host).haproxy,
	}
}

// answerFor answers for a tool, whose stub is the process pid, as the host counts them.
func (h *Host) answerFor(root bool, pid, name string, args []string) *answer {
	if name == "systemctl" {
		return h.systemctl(root, args)
	}
	c := &toolCall{answer: &answer{}, name: name, pid: pid, root: root, args: args}
	t := tools()[name]
	if t == nil {
		c.fail(127, "%s: not found", name)
		return c.answer
	}
	h.tooling.Lock()
	defer h.tooling.Unlock()
	t(h, c)
	return c.answer
}

// fail says a line on standard error and sets the exit code.
func (c *toolCall) fail(code int, format string, args ...any) {
	c.errorf(format+"\n", args...)
	c.code = code
}

// options are a command line taken apart as getopt does: options in any place, and words.
type options struct {
	set   map[string]string
	list  map[string][]string // every value of an option that may come again
	words []string
}

func (o options) has(name string) bool { _, ok := o.set[name]; return ok }

// parse takes the arguments apart. known lists options, each as "long/short" or just one of
// the two, with = behind it when it takes a value; they are stored under the first name. A
// problem is said in getopt's words.
func (c *toolCall) parse(known string) (o options, problem string) {
	o = options{set: map[string]string{}, list: map[string][]string{}}
	store := func(name, value string) {
		o.set[name] = value
		o.list[name] = append(o.list[name], value)
	}
	for i := 0; i < len(c.args); i++ {
		a := c.args[i]
		switch {
		case a == "--":
			o.words = append(o.words, c.args[i+1:]...)
			return o, ""
		case strings.HasPrefix(a, "--"):
			long, value, given := strings.Cut(a[2:], "=")
			name, takes := lookOption(known, long)
			if name == "" {
				return o, c.name + ": unrecognized option '" + a + "'"
			}
			if takes && !given {
				if i++; i == len(c.args) {
					return o, c.name + ": option '" + a + "' requires an argument"
				}
				value = c.args[i]
			}
			store(name, value)
		case len(a) > 1 && a[0] == '-':
			for j := 1; j < len(a); j++ {
				name, takes := lookOption(known, a[j:j+1])
				if name == "" {
					return o, c.name + ": invalid option -- '" + a[j:j+1] + "'"
				}
				if !takes {
					store(name, "")
					continue
				}
				value := a[j+1:]
				if value == "" {
					if i++; i == len(c.args) {
						return o, c.name + ": option requires an argument -- '" + a[j:j+1] + "'"
					}
					value = c.args[i]
				}
				store(name, value)
				break
			}
		default:
			o.words = append(o.words, a)
		}
	}
	return o, ""
}

func lookOption(known, name string) (stored string, takes bool) {
	for _, k := range strings.Fields(known) {
		k, takes = strings.CutSuffix(k, "=")
		names := strings.Split(k, "/")
		if contains(names, name) {
			return names[0], takes
		}
	}
	return "", false
}
