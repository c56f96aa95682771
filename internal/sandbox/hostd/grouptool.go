package hostd

// groupadd makes a group, as shadow 4.13 does on Debian 12.
func (h *Host) groupadd(c *toolCall) {
	o, a, ok := h.onAccount(c, "g/gid= r/system f/force o/non-unique p/password= U/users= K/key=", "GROUP")
	if !ok {
		return
	}
	name, gid := o.words[0], o.set["g"]
	if o.has("f") && a.groups.find(name) != nil {
		return
	}
	switch {
	case o.has("g") && !isNumber(gid):
		c.fail(3, "groupadd: invalid group ID '%s'", gid)
	case !isAccount(name):
		c.fail(3, "groupadd: '%s' is not a valid group name", name)
	case a.groups.find(name) != nil:
		c.fail(9, "groupadd: group '%s' already exists", name)
	case o.has("g") && !o.has("o") && !o.has("f") && a.groups.where(2, gid) != nil:
		c.fail(4, "groupadd: GID '%s' already exists", gid)
	case c.mayChange(groupFile):
		ok := true
		if gid == "" || !o.has("o") && a.groups.where(2, gid) != nil {
			gid, ok = a.groups.free(o.has("r"), "")
		}
		if !ok {
			c.noNumber(4, "GID")
			return
		}
		a.groups = append(a.groups, []string{name, "x", gid, o.set["U"]})
		h.save(c, a)
	}
}

// groupmod changes a group, and the primary group of those who have it with its number.
func (h *Host) groupmod(c *toolCall) {
	o, a, ok := h.onAccount(c, "g/gid= n/new-name= o/non-unique p/password= a/append U/users=", "GROUP")
	if !ok {
		return
	}
	name, gid, to := o.words[0], o.set["g"], o.set["n"]
	row := a.groups.find(name)
	switch {
	case o.has("g") && !isNumber(gid):
		c.fail(3, "groupmod: invalid group ID '%s'", gid)
	case row == nil:
		c.fail(6, "groupmod: group '%s' does not exist", name)
	case o.has("g") && gid != row[2] && !o.has("o") && a.groups.where(2, gid) != nil:
		c.fail(4, "groupmod: GID '%s' already exists", gid)
	case o.has("n") && !isAccount(to):
		c.fail(3, "groupmod: invalid group name '%s'", to)
	case o.has("n") && to != name && a.groups.find(to) != nil:
		c.fail(9, "groupmod: group '%s' already exists", to)
	case c.mayChange(groupFile):
		if o.has("g") {
			for _, u := range a.users {
				if len(u) > 1 && u[3] == row[2] {
					u[3] = gid
				}
			}
			row[2] = gid
		}
		if o.has("n") {
			row[0] = to
		}
		h.save(c, a)
	}
}

// groupdel removes a group that is nobody's primary one.
func (h *Host) groupdel(c *toolCall) {
	o, a, ok := h.onAccount(c, "f/force", "GROUP")
	if !ok {
		return
	}
	name := o.words[0]
	row := a.groups.find(name)
	if row == nil {
		c.fail(6, "groupdel: group '%s' does not exist", name)
		return
	}
	if u := a.users.where(3, row[2]); u != nil && !o.has("f") {
		c.fail(8, "groupdel: cannot remove the primary group of user '%s'", u[0])
		return
	}
	if c.mayChange(groupFile) {
		a.groups.drop(name)
		h.save(c, a)
	}
}
