package definition

import "strings"

// roleIn is the role of an app that names none: that of the Marathon, in a group that enforces
// roles the name of its top-level group. sure is false where the group is not known, and then
// the role is the likelier one.
func (t *table) roleIn(id any) (role string, sure bool) {
	text, _ := id.(string)
	name, _, deeper := strings.Cut(strings.TrimPrefix(text, "/"), "/")
	if !deeper {
		return t.info.MesosRole, true
	}
	enforced, known := t.info.EnforceRole["/"+name]
	if enforced {
		return name, true
	}
	made := t.info.EnforceRole != nil && strings.EqualFold(t.info.NewGroupEnforceRole, "off")
	return t.info.MesosRole, known || made
}
