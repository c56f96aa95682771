package rules

import "fmt"

// unreachable checks how long instances of a lost agent are waited for.
func (c *checker) unreachable() {
	u := fields(c.def).object("unreachableStrategy")
	inactive, expunge := u.number("inactiveAfterSeconds", 0), u.number("expungeAfterSeconds", 0)
	if inactive <= expunge {
		return
	}
	f := Finding{
		Path: pathTo("unreachableStrategy", "inactiveAfterSeconds"), Rule: "app-strategy",
		Msg:  fmt.Sprintf("replaces an unreachable instance after %s seconds and gives it up after %s, which is before that", shown(inactive), shown(expunge)),
		Hint: "expungeAfterSeconds must be at least inactiveAfterSeconds",
	}
	if u["expungeAfterSeconds"] == nil {
		f.Msg = fmt.Sprintf("replaces an unreachable instance after %s seconds and says nothing of expungeAfterSeconds, which then is 0", shown(inactive))
		f.Hint = "write expungeAfterSeconds, with at least that"
	}
	c.refuse(f)
}

// upgrade: since 1.5 an upgradeStrategy says both of its members, or is not there.
func (c *checker) upgrade() {
	u := fields(c.def).object("upgradeStrategy")
	if u == nil || c.version.Before(1, 5) {
		return
	}
	standard := map[string]string{"minimumHealthCapacity": "1", "maximumOverCapacity": "1"}
	if hasVolume(c.def, kindPersistent) || hasVolume(c.def, kindExternal) {
		standard = map[string]string{"minimumHealthCapacity": "0.5", "maximumOverCapacity": "0"}
	}
	for name, value := range standard {
		if u[name] == nil {
			c.refuse(Finding{
				Path: pathTo("upgradeStrategy"), Rule: "app-strategy",
				Msg:  "has an upgradeStrategy without " + name + ": Marathon wants both of its members, or none of it",
				Hint: "write " + name + ": " + value + ", which it is without an upgradeStrategy",
			})
		}
	}
}

const singleInstance = "MARATHON_SINGLE_INSTANCE_APP"

// singleInstance checks apps that are never to run twice: not in an update either, so the old
// instance has to be stopped first.
func (c *checker) singleInstance() {
	if v, _ := textIn(fields(c.def).object("labels"), singleInstance); v != "true" {
		return
	}
	if n := fields(c.def).number("instances", 1); n > 1 {
		c.refuse(Finding{
			Path: pathTo("instances"), Rule: "app-single-instance", Msg: fmt.Sprintf("has %s instances and the label %s, which allows one", shown(n), singleInstance),
			Hint: "take the label out, or write 1",
		})
	}
	u := fields(c.def).object("upgradeStrategy")
	if u.number("minimumHealthCapacity", 1) != 0 || u.number("maximumOverCapacity", 1) != 0 {
		path := pathTo("upgradeStrategy")
		if u == nil {
			path = pathTo("labels", singleInstance)
		}
		c.refuse(Finding{
			Path: path, Rule: "app-single-instance",
			Msg:  "has the label " + singleInstance + ", and its updates would run it twice, or keep the old instance until the new one is healthy",
			Hint: "write upgradeStrategy: {minimumHealthCapacity: 0, maximumOverCapacity: 0}",
		})
	}
}
