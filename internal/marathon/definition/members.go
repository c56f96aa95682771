package definition

// A shape tells which members of a value are known.
type shape struct {
	fields map[string]*shape // of an object; nil where every name is the user's own
	each   *shape            // of the elements of a list and of the values under names of the user's own
	status bool              // a member of Marathon's own: read only, never compared, never sent
}

// names is an object whose members hold what is not looked into.
func names(of ...string) *shape {
	s := &shape{fields: make(map[string]*shape, len(of))}
	for _, n := range of {
		s.fields[n] = nil
	}
	return s
}

// with adds a member that is looked into.
func (s *shape) with(name string, of *shape) *shape {
	s.fields[name] = of
	return s
}

func each(of *shape) *shape { return &shape{each: of} }

// statusFields are Marathon's own. executorResources is among them because a full PUT
// loses it without a new version.
func statusFields() []string {
	return []string{
		"version", "versionInfo", "tasks", "tasksStaged", "tasksRunning", "tasksHealthy", "tasksUnhealthy",
		"deployments", "lastTaskFailure", "taskStats", "tasksStats", "readinessCheckResults",
		"residency", "storeUrls", "taskRateLimit", executorResources,
	}
}

// appShape is all that Marathon 1.4 to 1.11 knows of an app.
func appShape() *shape {
	app := names(
		"id", "cmd", "args", "user", "instances", "cpus", "mem", "disk", "gpus", "executor", "constraints", "requirePorts",
		"backoffSeconds", "backoffFactor", "maxLaunchDelaySeconds", "dependencies", "killSelection", "taskKillGracePeriodSeconds",
		"labels", "acceptedResourceRoles", "role", "tty", "uris", "ports",
	)
	for _, f := range statusFields() {
		app.with(f, &shape{status: true})
	}
	app.with("env", each(names("secret")))
	app.with("secrets", each(names("source")))
	app.with("fetch", each(names("uri", "extract", "executable", "cache", "destPath")))
	app.with("upgradeStrategy", names("minimumHealthCapacity", "maximumOverCapacity"))
	app.with("unreachableStrategy", names("inactiveAfterSeconds", "expungeAfterSeconds"))
	app.with("resourceLimits", names("cpus", "mem"))
	app.with("networks", each(names("mode", "name", "labels")))
	app.with("portDefinitions", each(names("port", "protocol", "name", "labels")))
	discovery := names().with("ports", each(names("number", "name", "protocol", "labels")))
	app.with("ipAddress", names("networkName", "labels", "groups").with("discovery", discovery))
	app.with("container", containerShape())
	return checkShapes(app)
}

func containerShape() *shape {
	mapping := names("containerPort", "hostPort", "servicePort", "protocol", "name", "labels", "networkNames")
	docker := names("image", "forcePullImage", "privileged", "network").
		with("parameters", each(names("key", "value"))).
		with("pullConfig", names("secret")).
		with("credential", names("principal", "secret")).
		with("portMappings", each(mapping))
	volume := names("containerPath", "hostPath", "mode", "secret").
		with("persistent", names("size", "type", "maxSize", "profileName", "constraints")).
		with("external", names("name", "provider", "size", "shared", "options"))
	linux := names().with("seccomp", names("profileName", "unconfined")).with("ipcInfo", names("mode", "shmSize"))
	return names("type").with("docker", docker).with("portMappings", each(mapping)).
		with("volumes", each(volume)).with("linuxInfo", linux)
}

func checkShapes(app *shape) *shape {
	app.with("healthChecks", each(names(
		"protocol", "path", "port", "portIndex", "gracePeriodSeconds", "intervalSeconds", "timeoutSeconds",
		"maxConsecutiveFailures", "delaySeconds", "ignoreHttp1xx", "ipProtocol",
	).with("command", names("value"))))
	app.with("check", names("intervalSeconds", "timeoutSeconds", "delaySeconds").
		with("http", names("portIndex", "port", "path", "scheme")).
		with("tcp", names("portIndex", "port")).
		with("exec", names().with("command", names("shell", "argv"))))
	return app.with("readinessChecks", each(names(
		"name", "protocol", "path", "portName", "intervalSeconds", "timeoutSeconds", "httpStatusCodesForReady", "preserveLastResponse",
	)))
}

// prune takes away what the form does not cover: members that are null, which are absent
// to Marathon, status, and what is not known, which it returns; nil when all is known.
func (s *shape) prune(o object) *foreign {
	var out *foreign
	for k, v := range o {
		below, known := s.member(k)
		switch {
		case !known:
			out = out.member(k, v)
			delete(o, k)
		case v == nil || below != nil && below.status:
			delete(o, k)
		default:
			out = out.below(k, below.pruneValue(v))
		}
	}
	return out
}

// member is the shape of a member, nil where it is not looked into.
func (s *shape) member(name string) (below *shape, known bool) {
	switch {
	case s == nil:
		return nil, true
	case s.fields == nil:
		return s.each, true
	default:
		below, known = s.fields[name]
		return below, known
	}
}

func (s *shape) pruneValue(v any) *foreign {
	switch v := v.(type) {
	case object:
		return s.prune(v)
	case []any:
		return s.pruneList(v)
	default:
		return nil
	}
}

// pruneList keeps the place of a null: to Marathon it is an object without members.
func (s *shape) pruneList(list []any) *foreign {
	var of *shape
	if s != nil {
		of = s.each
	}
	var out *foreign
	for i, e := range list {
		switch e := e.(type) {
		case nil:
			list[i] = object{}
		case object:
			out = out.element(i, e, of.prune(e))
		}
	}
	return out
}
