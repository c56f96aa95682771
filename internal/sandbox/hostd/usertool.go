package hostd

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// userOptions are what useradd and usermod have in common.
const userOptions = "u/uid= g/gid= G/groups= d/home-dir/home= s/shell= c/comment= o/non-unique m/create-home/move-home p/password= e/expiredate= f/inactive= badname "

// fields checks what is the same for a new and a changed user; false when it said something.
func (c *toolCall) fields(o options) bool {
	switch {
	case o.has("u") && !isNumber(o.set["u"]):
		c.fail(3, "%s: invalid user ID '%s'", c.name, o.set["u"])
	case o.has("d") && !isHome(o.set["d"]):
		c.fail(3, "%s: invalid home directory '%s'", c.name, o.set["d"])
	case o.has("s") && !isShell(o.set["s"]):
		c.fail(3, "%s: invalid shell '%s'", c.name, o.set["s"])
	case o.has("c") && strings.ContainsAny(o.set["c"], ":\n"):
		c.fail(3, "%s: invalid comment '%s'", c.name, o.set["c"])
	default:
		return true
	}
	return false
}

func isHome(s string) bool { return strings.HasPrefix(s, "/") && !strings.ContainsAny(s, ":\n") }

func isShell(s string) bool {
	return s == "" || (strings.HasPrefix(s, "/") || s == "*") && !strings.ContainsAny(s, ":\n")
}

// useradd makes an account, as shadow 4.13 does on Debian 12.
func (h *Host) useradd(c *toolCall) {
	o, a, ok := h.onAccount(c, userOptions+"r/system M/no-create-home N/no-user-group U/user-group k/skel= K/key= l/no-log-init b/base-dir=", "LOGIN")
	if !ok {
		return
	}
	name := o.words[0]
	row := []string{name, "x", "", "", o.set["c"], "/home/" + name, "/bin/sh"}
	if !c.newUser(a, o, row) || !c.mayChange(passwdFile) {
		return
	}
	extra, _ := c.groupsNamed(a, o.set["G"])
	for _, g := range extra {
		join(g, name)
	}
	if row[3] == "" { // a group of its own
		gid, ok := a.groups.free(o.has("r"), row[2])
		if !ok {
			c.noNumber(4, "GID")
			return
		}
		a.groups = append(a.groups, []string{name, "x", gid, ""})
		row[3] = gid
	}
	secret := shadowRow(name, o.has("r"))
	if o.has("p") {
		secret[1] = o.set["p"]
	}
	a.users, a.shadow = append(a.users, row), append(a.shadow, secret)
	h.save(c, a)
	if c.code == 0 && o.has("m") && !o.has("M") {
		h.makeHome(c, row)
	}
}

// newUser fills the row of a new user, or says why there can be none. The group stays
// empty when it gets one of its own.
func (c *toolCall) newUser(a *accounts, o options, row []string) bool {
	name := row[0]
	if !c.fields(o) {
		return false
	}
	if o.has("g") {
		g := c.groupNamed(a, o.set["g"])
		if g == nil {
			return false
		}
		row[3] = g[2]
	} else if o.has("N") {
		row[3] = "100" // users
	}
	if _, ok := c.groupsNamed(a, o.set["G"]); !ok {
		return false
	}
	switch {
	case !isAccount(name):
		c.fail(3, "useradd: invalid user name '%s': use --badname to ignore", name)
	case a.users.find(name) != nil:
		c.fail(9, "useradd: user '%s' already exists", name)
	case row[3] == "" && a.groups.find(name) != nil:
		c.fail(9, "useradd: group %s exists - if you want to add this user to that group, use -g.", name)
	case o.has("u") && !o.has("o") && a.users.where(2, o.set["u"]) != nil:
		c.fail(4, "useradd: UID %s is not unique", o.set["u"])
	default:
		ok := true
		if row[2] = o.set["u"]; row[2] == "" {
			row[2], ok = a.users.free(o.has("r"), "")
		}
		if !ok {
			c.noNumber(4, "UID")
		}
		if o.has("d") {
			row[5] = o.set["d"]
		}
		if o.has("s") {
			row[6] = o.set["s"]
		}
		return ok
	}
	return false
}

// makeHome makes a home directory that only its owner can enter.
func (h *Host) makeHome(c *toolCall, row []string) {
	if h.exists(row[5]) {
		return
	}
	err := h.mkdir(row[5])
	name, err2 := h.inRoot(row[5])
	if err == nil && err2 == nil {
		if err = os.Chmod(name, 0o700); err == nil {
			err = h.chown(name, row[2], row[3], row[0])
		}
	}
	if err != nil {
		c.fail(12, "useradd: cannot create directory %s", row[5])
	}
}

// usermod changes an account.
func (h *Host) usermod(c *toolCall) {
	o, a, ok := h.onAccount(c, userOptions+"a/append l/login= L/lock U/unlock r/remove", "LOGIN")
	if !ok {
		return
	}
	name := o.words[0]
	row := a.users.find(name)
	if row == nil {
		c.fail(6, "usermod: user '%s' does not exist", name)
		return
	}
	if len(o.set) == 0 {
		c.errorf("usermod: no changes\n")
		return
	}
	before := row[2]
	if !c.fields(o) || !c.changedUser(a, o, row) || !c.mayChange(passwdFile) {
		return
	}
	h.save(c, a)
	if c.code == 0 && before != row[2] {
		h.giveHome(row[5], before, row[2])
	}
}

// giveHome gives what belongs to a number in a home to another number. Where owners are
// kept beside the files they are names.
func (h *Host) giveHome(home, from, to string) {
	dir, err := h.inRoot(home)
	uid, err2 := strconv.Atoi(to)
	if err != nil || err2 != nil || dir == h.seen() || h.world.mode != ModeNamespaces {
		return
	}
	_ = filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return nil // what is gone meanwhile belongs to nobody
		}
		info, err := os.Lstat(name)
		if err != nil {
			return nil
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok && strconv.FormatUint(uint64(s.Uid), 10) == from {
			_ = os.Lchown(name, uid, -1)
		}
		return nil
	})
}

// changedUser puts the changes into the row of a user and into the groups.
func (c *toolCall) changedUser(a *accounts, o options, row []string) bool {
	name := row[0]
	var group []string
	if o.has("g") {
		if group = c.groupNamed(a, o.set["g"]); group == nil {
			return false
		}
	}
	extra, ok := c.groupsNamed(a, o.set["G"])
	if !ok {
		return false
	}
	if u := o.set["u"]; o.has("u") && u != row[2] && !o.has("o") && a.users.where(2, u) != nil {
		c.fail(4, "usermod: UID '%s' already exists", u)
		return false
	}
	if l := o.set["l"]; o.has("l") && l != name && a.users.find(l) != nil {
		c.fail(9, "usermod: user '%s' already exists", l)
		return false
	}
	if group != nil {
		row[3] = group[2]
	}
	for option, field := range map[string]int{"u": 2, "c": 4, "d": 5, "s": 6} {
		if o.has(option) {
			row[field] = o.set[option]
		}
	}
	if o.has("G") {
		for _, g := range a.groups {
			switch {
			case len(g) == 1:
			case slices.ContainsFunc(extra, func(e []string) bool { return e[0] == g[0] }):
				if o.has("r") {
					leave(g, name)
				} else {
					join(g, name)
				}
			case !o.has("a") && !o.has("r"):
				leave(g, name)
			}
		}
	}
	c.password(a, o, name)
	if l := o.set["l"]; o.has("l") {
		a.rename(name, l)
	}
	return true
}

// password sets, locks and unlocks a password.
func (c *toolCall) password(a *accounts, o options, name string) {
	row := a.shadow.find(name)
	if row == nil {
		return
	}
	if o.has("p") {
		row[1] = o.set["p"]
	}
	if o.has("L") && !strings.HasPrefix(row[1], "!") {
		row[1] = "!" + row[1]
	}
	if rest, locked := strings.CutPrefix(row[1], "!"); o.has("U") && locked {
		if rest == "" {
			c.errorf("usermod: unlocking the user's password would result in a passwordless account.\n" +
				"You should set a password with usermod -p to unlock this user's password.\n")
			return
		}
		row[1] = rest
	}
}

func (a *accounts) rename(from, to string) {
	for _, t := range []table{a.users, a.shadow} {
		if row := t.find(from); row != nil {
			row[0] = to
		}
	}
	for _, g := range a.groups {
		if len(g) > 1 && slices.Contains(membersOf(g), from) {
			leave(g, from)
			join(g, to)
		}
	}
}

// userdel removes an account, and the group of its own name when nobody else is in it.
func (h *Host) userdel(c *toolCall) {
	o, a, ok := h.onAccount(c, "r/remove f/force", "LOGIN")
	if !ok {
		return
	}
	name := o.words[0]
	row := a.users.find(name)
	if row == nil {
		c.fail(6, "userdel: user '%s' does not exist", name)
		return
	}
	if !c.mayChange(passwdFile) {
		return
	}
	a.users.drop(name)
	a.shadow.drop(name)
	for _, g := range a.groups {
		if len(g) > 1 {
			leave(g, name)
		}
	}
	if own := a.groups.find(name); own != nil {
		switch {
		case own[2] != row[3]:
			c.errorf("userdel: group %s not removed because it is not the primary group of user %s.\n", name, name)
		case own[3] != "":
			c.errorf("userdel: group %s not removed because it has other members.\n", name)
		case a.users.where(3, own[2]) == nil:
			a.groups.drop(name)
		default:
			c.errorf("userdel: group %s is the primary group of another user and is not removed.\n", name)
		}
	}
	h.save(c, a)
	if c.code == 0 && o.has("r") {
		c.errorf("userdel: %s mail spool (/var/mail/%s) not found\n", name, name)
		if home, err := h.inRoot(row[5]); err == nil && home != h.seen() {
			_ = os.RemoveAll(home)
		}
	}
}
