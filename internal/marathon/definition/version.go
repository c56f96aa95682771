package definition

import (
	"strconv"
	"strings"
)

// version is a release of Marathon. The zero version is unknown and counts as the newest.
type version struct{ major, minor, patch int }

// parseVersion reads "1.11.24" or "1.8.244-SNAPSHOT".
func parseVersion(s string) version {
	s, _, _ = strings.Cut(s, "-")
	parts := strings.Split(s, ".")
	var n [3]int
	for i := range min(3, len(parts)) {
		v, err := strconv.Atoi(parts[i])
		if err != nil {
			return version{}
		}
		n[i] = v
	}
	return version{n[0], n[1], n[2]}
}

// before reports whether the release is known and older than major.minor.
func (v version) before(major, minor int) bool {
	return v != version{} && (v.major < major || v.major == major && v.minor < minor)
}

// waitsBeforeUnreachable: these releases had other defaults for unreachableStrategy.
func (v version) waitsBeforeUnreachable() bool {
	return v.major == 1 && (v.minor == 4 && v.patch <= 8 || v.minor == 5 && v.patch == 0)
}
