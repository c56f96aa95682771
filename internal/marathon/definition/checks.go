package definition

// checks fills in the defaults of health, readiness and generic checks.
func (c former) checks() {
	for _, h := range list(c.app["healthChecks"]) {
		if o, ok := h.(object); ok {
			healthCheck(o)
		}
	}
	for _, r := range list(c.app["readinessChecks"]) {
		if o, ok := r.(object); ok {
			readinessCheck(o)
		}
	}
	if o, ok := c.app["check"].(object); ok {
		set(o, "intervalSeconds", int64(60))
		set(o, "timeoutSeconds", int64(20))
		set(o, "delaySeconds", int64(15))
		if h, ok := o["http"].(object); ok {
			set(h, "scheme", "HTTP")
			upper(h, "scheme")
			portIndex(h)
		}
		if t, ok := o["tcp"].(object); ok {
			portIndex(t)
		}
	}
}

// portIndex 0 is what a check without port and portIndex means and, after a leader
// change, reads as: submitted without, it would restart the app some day.
func portIndex(o object) {
	_, port := o["port"]
	_, index := o["portIndex"]
	if !port && !index {
		o["portIndex"] = int64(0)
	}
}

func healthCheck(o object) {
	set(o, "protocol", "HTTP")
	upper(o, "protocol")
	set(o, "gracePeriodSeconds", int64(300))
	set(o, "intervalSeconds", int64(60))
	set(o, "timeoutSeconds", int64(20))
	set(o, "maxConsecutiveFailures", int64(3))
	set(o, "delaySeconds", int64(15))
	set(o, "ipProtocol", "IPv4")
	if s, ok := o["ipProtocol"].(string); ok && (s == "ipv4" || s == "IPV4") {
		o["ipProtocol"] = "IPv4"
	} else if ok && (s == "ipv6" || s == "IPV6") {
		o["ipProtocol"] = "IPv6"
	}
	switch o["protocol"] {
	case "HTTP", "HTTPS": // checks of Marathon's own lose these two inputs
		o["delaySeconds"], o["ignoreHttp1xx"] = int64(15), false
	case "TCP":
		o["delaySeconds"] = int64(15)
		delete(o, "ignoreHttp1xx")
		delete(o, "path")
	case "MESOS_TCP":
		delete(o, "ignoreHttp1xx")
		delete(o, "path")
	case "COMMAND":
		delete(o, "ignoreHttp1xx")
		delete(o, "portIndex")
		return
	default:
		delete(o, "ignoreHttp1xx")
	}
	portIndex(o)
}

func readinessCheck(o object) {
	set(o, "name", "readinessCheck")
	set(o, "protocol", "HTTP")
	upper(o, "protocol")
	set(o, "path", "/")
	set(o, "portName", "http-api")
	set(o, "intervalSeconds", int64(30))
	set(o, "timeoutSeconds", int64(10))
	set(o, "preserveLastResponse", false)
	codes := list(o["httpStatusCodesForReady"])
	if len(codes) == 0 {
		codes = []any{int64(200)}
	}
	o["httpStatusCodesForReady"] = sortedSet(codes)
}
