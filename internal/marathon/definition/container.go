package definition

// container fills in the defaults of a container.
func (c former) container() {
	con, ok := c.app["container"].(object)
	if !ok {
		return
	}
	set(con, "type", "DOCKER")
	upper(con, "type")
	set(con, "volumes", []any{})
	isDocker := con["type"] == "DOCKER"
	if d, ok := con["docker"].(object); ok {
		set(d, "forcePullImage", false)
		set(d, "privileged", false)
		set(d, "parameters", []any{})
		if !isDocker {
			d["privileged"] = false
			d["parameters"] = []any{}
		}
	}
	if isDocker {
		delete(con, "linuxInfo")
	}
	c.linuxInfo(con)
	bridge := false
	for _, n := range list(c.app["networks"]) {
		o, _ := n.(object)
		bridge = bridge || o["mode"] == "container/bridge"
	}
	for _, m := range list(con["portMappings"]) {
		if o, ok := m.(object); ok {
			mapping(o, bridge)
		}
	}
	for _, v := range list(con["volumes"]) {
		if o, ok := v.(object); ok {
			c.volume(o)
		}
	}
}

func (c former) linuxInfo(con object) {
	info, ok := con["linuxInfo"].(object)
	if !ok {
		return
	}
	if s, ok := info["seccomp"].(object); ok {
		set(s, "unconfined", false)
	}
	if ipc, ok := info["ipcInfo"].(object); ok {
		upper(ipc, "mode")
	}
	dropEmpty(con, "linuxInfo")
}

func mapping(o object, bridge bool) {
	set(o, "containerPort", int64(0))
	set(o, "servicePort", int64(0))
	set(o, "labels", object{})
	protocol(o)
	dropEmpty(o, "networkNames")
	if bridge {
		set(o, "hostPort", int64(0))
	}
}

// volume fills in the defaults of one volume. Its kind is the first of persistent,
// external, secret and host that it has.
func (c former) volume(o object) {
	upper(o, "mode")
	switch {
	case o["persistent"] != nil:
		persistentVolume(o)
	case o["external"] != nil:
		c.externalVolume(o)
	case o["secret"] != nil:
		delete(o, "mode")
		delete(o, "hostPath")
	}
}

func persistentVolume(o object) {
	delete(o, "hostPath")
	p, ok := o["persistent"].(object)
	if !ok {
		return
	}
	kind := "root"
	if p["profileName"] != nil {
		kind = "mount"
	}
	set(p, "type", kind)
	lower(p, "type")
	set(p, "constraints", []any{})
	p["constraints"] = sortedSet(list(p["constraints"]))
}

func (c former) externalVolume(o object) {
	delete(o, "hostPath")
	e, ok := o["external"].(object)
	if !ok {
		return
	}
	if e["provider"] == "csi" {
		csi(e)
		return
	}
	dropEmpty(e, "options")
	if c.does[sharesVolumes] {
		set(e, "shared", false)
	}
}

// csi drops what Marathon does not keep of a CSI volume.
func csi(e object) {
	delete(e, "size")
	delete(e, "shared")
	opts, ok := e["options"].(object)
	if !ok {
		return
	}
	for _, f := range []string{"nodeStageSecret", "nodePublishSecret", "volumeContext"} {
		dropEmpty(opts, f)
	}
	if capability, ok := opts["capability"].(object); ok {
		dropEmpty(capability, "mountFlags")
		if capability["accessType"] == "block" {
			delete(capability, "fsType")
			delete(capability, "mountFlags")
		}
	}
}

// volumes reports whether the app keeps state in volumes of its own or in external ones.
func (c former) volumes() (persistent, external bool) {
	con, _ := c.app["container"].(object)
	for _, v := range list(con["volumes"]) {
		o, _ := v.(object)
		switch {
		case o["persistent"] != nil:
			persistent = true
		case o["external"] != nil:
			external = true
		}
	}
	return persistent, external
}
