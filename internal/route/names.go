package route

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// appID is what Marathon takes as the id of an app: parts of lower-case letters, digits, - and . only.
var appID = regexp.MustCompile(`^(/?[a-z0-9]([a-z0-9.-]*[a-z0-9])?)+$`)

// hostLabel is one part of a host name.
var hostLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// portLabel are the labels of an app that say something of one of its ports.
var portLabel = regexp.MustCompile(`^HAPROXY_([0-9]{1,3})_(VHOST|ENABLED)$`)

// hostName is a host name as it is compared, or why it is none.
func hostName(text string) (string, error) {
	const longest, longestPart = 253, 63 // octets, by RFC 1035
	name := strings.ToLower(text)
	if len(name) > longest {
		return "", fmt.Errorf("%.40q… is no host name: it has more than %d characters", text, longest)
	}
	for part := range strings.SplitSeq(name, ".") {
		if len(part) > longestPart || !hostLabel.MatchString(part) {
			return "", fmt.Errorf("%q is no host name", text)
		}
	}
	return name, nil
}

// ownName is the name of an app that names none: the first part of host names such as www.example.com. Of an app in a
// group it has all parts of the id, /shop/web is shop-web.
func ownName(id string) (string, error) {
	name := strings.ReplaceAll(strings.Trim(id, "/"), "/", "-")
	if strings.Contains(name, ".") {
		return "", errors.New("an id with a dot is no first part of a host name: name one in the label HAPROXY_0_VHOST")
	}
	if _, err := hostName(name); err != nil {
		return "", fmt.Errorf("%w: name one in the label HAPROXY_0_VHOST", err)
	}
	return name, nil
}

// backendName is that of one port of an app. No two have the same: ids and names of Marathons have no underscore.
func backendName(marathon, id string, port int) string {
	return marathon + "_" + strings.ReplaceAll(strings.Trim(id, "/"), "/", "_") + "_" + strconv.Itoa(port)
}

// portLabels are what an app says of one port.
type portLabels struct {
	names []string // as they are written
	given bool     // it names some
	off   bool
}

// labelsOf reads the labels of an app, by port.
func labelsOf(labels map[string]string) map[int]portLabels {
	out := map[int]portLabels{}
	for key, value := range labels {
		m := portLabel.FindStringSubmatch(key)
		if m == nil {
			continue
		}
		port, _ := strconv.Atoi(m[1])
		of := out[port]
		switch m[2] {
		case "ENABLED":
			of.off = strings.EqualFold(strings.TrimSpace(value), "false")
		case "VHOST":
			of.given = true
			for name := range strings.SplitSeq(value, ",") {
				of.names = append(of.names, strings.TrimSpace(name))
			}
		}
		out[port] = of
	}
	return out
}

// compareByApp orders by Marathon, then by id.
func compareByApp(marathonA, idA, marathonB, idB string) int {
	return cmp.Or(strings.Compare(marathonA, marathonB), strings.Compare(idA, idB))
}
