package hostd

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The files of a host's accounts.
const (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
	shadowFile = "/etc/shadow"
)

// The ranges from which numbers are chosen, as Debian's login.defs has them.
const (
	firstPerson, lastPerson = 1000, 60000
	firstSystem, lastSystem = 101, 999
)

// A table is a file of lines with fields between colons. What is no such line is one row
// with one field, and stays.
type table [][]string

// accounts are a host's accounts as its files have them.
type accounts struct {
	users  table // name, password, uid, gid, comment, home, shell
	groups table // name, password, gid, members
	shadow table
}

func (h *Host) accounts() (*accounts, error) {
	a := &accounts{}
	for _, f := range []struct {
		name   string
		fields int
		to     *table
	}{{passwdFile, 7, &a.users}, {groupFile, 4, &a.groups}, {shadowFile, 9, &a.shadow}} {
		text, err := h.read(f.name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSuffix(line, "\n")
			row := strings.Split(line, ":")
			if len(row) != f.fields {
				row = []string{line}
			}
			*f.to = append(*f.to, row)
		}
	}
	return a, nil
}

func (t table) text() string {
	var b strings.Builder
	for _, row := range t {
		b.WriteString(strings.Join(row, ":") + "\n")
	}
	return b.String()
}

// find returns the row of a name; nil when there is none.
func (t table) find(name string) []string {
	return t.where(0, name)
}

// where returns the first row with a value in a field.
func (t table) where(field int, value string) []string {
	for _, row := range t {
		if len(row) > field && len(row) > 1 && row[field] == value {
			return row
		}
	}
	return nil
}

func (t *table) drop(name string) {
	*t = slices.DeleteFunc(*t, func(row []string) bool { return len(row) > 1 && row[0] == name })
}

// key finds a row by name, or by number when the key is one, as getent does.
func (t table) key(k string) []string {
	if _, err := strconv.ParseUint(k, 10, 32); err == nil {
		if row := t.where(2, k); row != nil {
			return row
		}
	}
	return t.find(k)
}

// free chooses a number that no row has: the one that is preferred, else for a system's
// account the one below the lowest that is taken, for a person's the one above the highest.
func (t table) free(system bool, preferred string) (string, bool) {
	first, last := firstPerson, lastPerson
	if system {
		first, last = firstSystem, lastSystem
	}
	taken := map[int]bool{}
	lowest, highest := last+1, first-1
	for _, row := range t {
		if len(row) < 3 {
			continue
		}
		if n, err := strconv.Atoi(row[2]); err == nil && n >= first && n <= last {
			taken[n] = true
			lowest, highest = min(lowest, n), max(highest, n)
		}
	}
	next := highest + 1
	if system {
		next = lowest - 1
	}
	if n, err := strconv.Atoi(preferred); err == nil && n >= first && n <= last && !taken[n] {
		next = n
	}
	for i := 0; next < first || next > last || taken[next]; i++ { // then any that is free
		if i > last-first {
			return "", false
		}
		next = first + i
		if system {
			next = last - i
		}
	}
	return strconv.Itoa(next), true
}

// isNumber reports whether a text is an id that the tools accept.
func isNumber(s string) bool {
	n, err := strconv.ParseUint(s, 10, 32)
	return err == nil && n < 1<<32-1
}

// isAccount reports whether Debian's tools accept a name for an account.
func isAccount(name string) bool {
	return name != "" && len(name) <= 32 && name != "." && name != ".." && !strings.ContainsAny(name[:1], "-+~") && !strings.ContainsAny(name, ":,/ \t\n\v\f\r")
}

// membersOf are the names in the last field of a group.
func membersOf(row []string) []string {
	if row[3] == "" {
		return nil
	}
	return strings.Split(row[3], ",")
}

// join adds a user to a group, leave takes one out.
func join(row []string, user string) {
	if m := membersOf(row); !slices.Contains(m, user) {
		row[3] = strings.Join(append(m, user), ",")
	}
}

func leave(row []string, user string) {
	row[3] = strings.Join(slices.DeleteFunc(membersOf(row), func(m string) bool { return m == user }), ",")
}

// save writes the accounts back. Where that fails it says so as the tools do.
func (h *Host) save(c *toolCall, a *accounts) {
	if h.exists(shadowFile) {
		if err := h.put(shadowFile, a.shadow.text(), 0o640); err != nil {
			c.fail(1, "%s: failure while writing changes to %s", c.name, shadowFile)
			return
		}
	}
	if err := h.overwrite(passwdFile, a.users.text()); err != nil {
		c.fail(1, "%s: failure while writing changes to %s", c.name, passwdFile)
		return
	}
	if err := h.overwrite(groupFile, a.groups.text()); err != nil {
		c.fail(10, "%s: failure while writing changes to %s", c.name, groupFile)
		return
	}
	if k, ok := h.cage.(interface{ refreshUsers() error }); ok {
		if err := k.refreshUsers(); err != nil {
			c.fail(1, "sandbox: %v", err)
		}
	}
}

// overwrite puts content into a file without replacing it: the host's passwd and group are
// mounted over the machine's, and a new file would not be. Where the disk is full the file
// keeps what it held.
func (h *Host) overwrite(file, text string) error {
	old, err := h.read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return h.put(file, text, 0o644)
	}
	if err != nil || string(old) == text {
		return err
	}
	name, err := h.inRoot(file)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err = f.WriteAt([]byte(text), 0); err == nil {
		return f.Truncate(int64(len(text)))
	}
	_, again := f.WriteAt(old, 0)
	return errors.Join(err, again, f.Truncate(int64(len(old))))
}

// today is the day of a password's last change, as shadow counts.
func today() string { return strconv.FormatInt(time.Now().Unix()/(24*60*60), 10) }

// mayChange says that only root may change accounts.
func (c *toolCall) mayChange(file string) bool {
	if c.root {
		return true
	}
	c.errorf("%s: Permission denied.\n", c.name)
	c.fail(map[string]int{passwdFile: 1, groupFile: 10}[file], "%s: cannot lock %s; try again later.", c.name, file)
	return false
}

// onAccount is how each tool begins that works on one account or group, which its only word
// names: the options apart, and the accounts read. ok is false when it said why it cannot begin.
func (h *Host) onAccount(c *toolCall, known, word string) (o options, a *accounts, ok bool) {
	o, problem := c.parse(known)
	if problem != "" || len(o.words) != 1 {
		c.usage(problem, word)
		return o, nil, false
	}
	a, err := h.accounts()
	if err != nil {
		c.fail(1, "%s: %s", c.name, said(err))
		return o, nil, false
	}
	return o, a, true
}

// usage says that a command line cannot be understood.
func (c *toolCall) usage(problem, words string) {
	if problem != "" {
		c.errorf("%s\n", problem)
	}
	c.fail(2, "Usage: %s [options] %s", c.name, words)
}

// lines prints rows as their files have them.
func (c *toolCall) lines(rows ...[]string) {
	for _, row := range rows {
		c.printf("%s\n", strings.Join(row, ":"))
	}
}

// getent asks the databases of the host's own files.
func (h *Host) getent(c *toolCall) {
	o, problem := c.parse("no-idn/i service/s=")
	if problem != "" || len(o.words) == 0 {
		if problem == "" {
			problem = "getent: wrong number of arguments"
		}
		c.fail(1, "%s\nTry `getent --help' or `getent --usage' for more information.", problem)
		return
	}
	a, err := h.accounts()
	if err != nil {
		c.fail(2, "getent: %s", said(err))
		return
	}
	var t table
	switch o.words[0] {
	case "passwd":
		t = a.users
	case "group":
		t = a.groups
	case "shadow":
		if t = a.shadow; !c.root {
			t = nil
		}
	case "hosts", "ahosts", "ahostsv4":
		h.getentHosts(c, o.words[1:])
		return
	default:
		c.fail(1, "Unknown database: %s\nTry `getent --help' or `getent --usage' for more information.", o.words[0])
		return
	}
	for _, k := range o.words[1:] {
		row := t.key(k)
		if row == nil {
			c.code = 2
			continue
		}
		c.lines(row)
	}
	if len(o.words) == 1 {
		c.lines(slices.DeleteFunc(t, func(row []string) bool { return len(row) == 1 })...)
	}
}

// getentHosts looks names and addresses up in the host's /etc/hosts.
func (h *Host) getentHosts(c *toolCall, keys []string) {
	text, _ := h.read("/etc/hosts")
	found := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		wanted := len(keys) == 0
		for _, k := range keys {
			if slices.Contains(f, k) && !found[k] {
				wanted, found[k] = true, true
			}
		}
		if wanted {
			c.printf("%-15s %s\n", f[0], strings.Join(f[1:], " "))
		}
	}
	if len(found) < len(keys) {
		c.code = 2
	}
}

// shadowRow is the line of an account that nobody can log in to by a password.
func shadowRow(name string, system bool) []string {
	age := []string{"0", "99999", "7"}
	if system {
		age = []string{"", "", ""}
	}
	return append(append([]string{name, "!", today()}, age...), "", "", "")
}

// errNoNumber is the tools' text when a range is used up.
func (c *toolCall) noNumber(code int, kind string) {
	c.fail(code, "%s: Can't get unique %s (no more available %ss)", c.name, kind, kind)
}

// groupNamed finds a group by name or number and says when there is none.
func (c *toolCall) groupNamed(a *accounts, name string) []string {
	row := a.groups.key(name)
	if row == nil {
		c.fail(6, "%s: group '%s' does not exist", c.name, name)
	}
	return row
}

// groupsNamed finds the groups of a list between commas. ok is false when one is not there.
func (c *toolCall) groupsNamed(a *accounts, list string) (rows table, ok bool) {
	ok = true
	for _, name := range strings.Split(list, ",") {
		if name == "" {
			continue
		}
		row := c.groupNamed(a, name)
		ok = ok && row != nil
		rows = append(rows, row)
	}
	return rows, ok
}
