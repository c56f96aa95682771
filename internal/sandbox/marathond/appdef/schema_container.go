package appdef

import (
	"encoding/json"
	"math"
	"regexp"
)

func portName() shape { return text(1, regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`), 0) }

func protocol() field { return standard("protocol", enum("tcp", "udp", "udp,tcp"), "tcp") }

func portDefinition() shape {
	return record(false, standard("port", portNumber(), 0), protocol(), optional("name", portName()), optional("labels", dict(plain())))
}

func portMapping() shape {
	return record(false, standard("containerPort", portNumber(), 0), optional("hostPort", portNumber()), standard("servicePort", portNumber(), 0),
		protocol(), optional("name", portName()), standard("labels", dict(plain()), Object{}), optional("networkNames", list(plain(), 0)))
}

func network() shape {
	return record(false, standard("mode", enum("container", "container/bridge", "host"), "container"),
		optional("name", networkName()), optional("labels", dict(plain())))
}

func networkName() shape { return text(0, regexp.MustCompile(`^[a-z0-9]([-a-z0-9_]*[a-z0-9])?$`), 63) }

func ipAddress() shape {
	port := record(false, standard("number", portNumber(), 0), must("name", portName()), standard("protocol", enum("tcp", "udp", "udp,tcp"), "tcp"), standard("labels", dict(plain()), Object{}))
	return record(false, optional("labels", dict(plain())), optional("networkName", networkName()), optional("groups", list(plain(), 0)),
		optional("discovery", record(false, optional("ports", list(port, 0)))))
}

func container() shape {
	docker := record(false, must("image", text(1, nil, 0)), flag("forcePullImage", false), flag("privileged", false),
		standard("parameters", list(record(false, must("key", text(1, nil, 0)), must("value", plain())), 0), []any{}),
		optional("pullConfig", record(false, must("secret", plain()))),
		optional("credential", record(false, must("principal", plain()), optional("secret", plain()))),
		optional("network", enum("BRIDGE", "HOST", "NONE", "USER")), optional("portMappings", list(portMapping(), 0)))
	linux := record(true,
		optional("seccomp", record(false, optional("profileName", plain()), flag("unconfined", false))),
		optional("ipcInfo", record(true, standard("mode", enum("PRIVATE", "SHARE_PARENT"), "PRIVATE"), optional("shmSize", integer(math.MinInt32, anyInt)))))
	return record(false, standard("type", enum("MESOS", "DOCKER"), "DOCKER"), optional("docker", docker), optional("linuxInfo", linux),
		optional("portMappings", list(portMapping(), 0)), standard("volumes", list(volume(), 0), []any{}))
}

// volume: the first kind that can be read; when none can, the errors are those of a host volume.
func volume() shape {
	mode := must("mode", enum("RO", "RW"))
	at := must("containerPath", plain())
	persistent := record(false, must("size", integer(-anyInt, anyInt)), optional("type", enum("root", "path", "mount")), optional("maxSize", integer(-anyInt, anyInt)),
		optional("profileName", plain()), optional("constraints", list(list(plain(), 0), 0)))
	kinds := []shape{
		record(false, at, must("persistent", persistent), mode),
		record(false, at, must("external", external), mode),
		record(false, at, must("secret", plain())),
	}
	host := record(false, at, must("hostPath", plain()), mode)
	return func(raw json.RawMessage, where string, problems *[]Problem) any {
		for _, k := range kinds {
			var own []Problem
			if v := k(raw, where, &own); len(own) == 0 {
				return v
			}
		}
		return host(raw, where, problems)
	}
}

// external: the options of a CSI volume have types of their own, those of all others are texts.
func external(raw json.RawMessage, at string, problems *[]Problem) any {
	options := dict(plain())
	if m, _ := members(raw); string(m["provider"]) == `"csi"` {
		options = csiOptions()
	}
	return record(false, optional("name", plain()), optional("provider", plain()), optional("size", natural()),
		optional("options", options), flag("shared", false))(raw, at, problems)
}

func csiOptions() shape {
	capability := record(false, optional("accessMode", plain()), optional("accessType", plain()), optional("fsType", plain()), optional("mountFlags", list(plain(), 0)))
	return record(true, optional("pluginName", plain()), optional("capability", capability), optional("nodeStageSecret", dict(plain())),
		optional("nodePublishSecret", dict(plain())), optional("volumeContext", dict(plain())))
}

func healthCheck() shape {
	command := record(false, field{name: "value", read: plain(), required: true, missing: "error.path.missing"})
	return record(false,
		standard("protocol", enum("HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_TCP", "MESOS_HTTP", "MESOS_HTTPS"), "HTTP"),
		standard("gracePeriodSeconds", natural(), 300), standard("intervalSeconds", natural(), 60), standard("timeoutSeconds", natural(), 20),
		standard("maxConsecutiveFailures", natural(), 3), standard("delaySeconds", natural(), 15), standard("ipProtocol", enum("IPv4", "IPv6"), "IPv4"),
		optional("ignoreHttp1xx", boolean), optional("path", plain()), optional("port", portNumber()), optional("portIndex", natural()), optional("command", command))
}

func check() shape {
	index, port := optional("portIndex", natural()), optional("port", portNumber())
	argv := record(false, must("argv", list(plain(), 1)))
	shell := record(false, must("shell", text(1, nil, 0)))
	command := func(raw json.RawMessage, at string, problems *[]Problem) any {
		if m, ok := members(raw); ok && m["shell"] != nil {
			return shell(raw, at, problems)
		}
		return argv(raw, at, problems)
	}
	return record(false,
		optional("http", record(false, index, port, optional("path", text(1, nil, 0)), standard("scheme", enum("HTTP", "HTTPS"), "HTTP"))),
		optional("tcp", record(false, index, port)), optional("exec", record(false, must("command", command))),
		standard("intervalSeconds", natural(), 60), standard("timeoutSeconds", natural(), 20), standard("delaySeconds", natural(), 15))
}

func readinessCheck() shape {
	return record(false, standard("name", text(1, nil, 0), "readinessCheck"), standard("protocol", enum("HTTP", "HTTPS"), "HTTP"),
		standard("path", text(1, nil, 0), "/"), standard("portName", plain(), "http-api"), standard("intervalSeconds", natural(), 30),
		standard("timeoutSeconds", integer(1, anyInt), 10), standard("httpStatusCodesForReady", list(integer(-anyInt-1, anyInt), 1), []any{200}),
		flag("preserveLastResponse", false))
}
