package mesh

import (
	"strconv"
	"strings"
)

// A Release is a version of Marathon. The zero release is unknown and counts as the newest.
type Release struct{ Major, Minor, Patch int }

// ParseRelease reads "1.11.24" or "1.8.244-SNAPSHOT"; what it cannot read is unknown.
func ParseRelease(s string) Release {
	s, _, _ = strings.Cut(s, "-")
	parts := strings.Split(s, ".")
	var n [3]int
	for i := range min(3, len(parts)) {
		v, err := strconv.Atoi(parts[i])
		if err != nil {
			return Release{}
		}
		n[i] = v
	}
	return Release{n[0], n[1], n[2]}
}

// Before reports whether the release is known and older than major.minor.
func (r Release) Before(major, minor int) bool {
	return r != Release{} && (r.Major < major || r.Major == major && r.Minor < minor)
}

// HasLabels reports whether apps have labels, in which their record and lease are kept: since 0.8.
func (r Release) HasLabels() bool { return !r.Before(0, 8) }

// SameRelease reports whether a Marathon is of the release that was declared: all the parts that
// were written are its own. An empty declaration is of each release.
func SameRelease(declared, is string) bool {
	if declared == "" {
		return true
	}
	is, _, _ = strings.Cut(is, "-")
	return is == declared || strings.HasPrefix(is, declared+".")
}
