package config

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"cuelang.org/go/cue"

	"meshsync.dev/meshsync/internal/mesh"
)

// checkURLs finds URLs that name no Marathon, and those with credentials in them. A URL
// with credentials is never shown, nor is one that cannot be read, which may have some.
func checkURLs(m *mesh.Mesh, l *loader) {
	of := map[string]string{} // URL, as seen from somewhere → the Marathon that has it
	for _, marathon := range m.Marathons {
		for i, text := range marathon.URLs {
			e := Error{Pos: l.urlAt(marathon, i), Rule: "marathon-url"}
			what := fmt.Sprintf("urls[%d] of Marathon %s", i, marathon.Name)
			u, err := url.Parse(text)
			place := marathon.Via + " " + sameURL(u)
			switch {
			case err != nil:
				e.Msg, e.Hint = what+" is no URL that can be read", `such as "http://marathon.example.com:8080"`
			case u.User != nil:
				e.Msg = what + " has a user or a password in it: credentials do not belong into a URL"
				e.Hint = "it is in git and would be in every error about this Marathon: take it out, and change a password that was there"
			case u.Hostname() == "":
				e.Msg, e.Hint = fmt.Sprintf("%s is %q, and names no host", what, text), `such as "http://marathon.example.com:8080"`
			case !isPort(u.Port()):
				e.Msg, e.Hint = fmt.Sprintf("%s is %q, and its port is not one from 1 to 65535", what, text), "Marathon listens on 8080 if nothing else is set"
			case of[place] != "" && of[place] != marathon.Name:
				e.Msg = fmt.Sprintf("%s is one of Marathon %s, too: under two names one Marathon would have two records in one place", what, of[place])
				e.Hint = "give its apps one name, or correct the URL"
			default:
				of[place] = marathon.Name
				continue
			}
			l.errs.add(e)
		}
	}
}

// sameURL is equal for two spellings of one URL.
func sameURL(u *url.URL) string {
	if u == nil { // it cannot be read
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port + strings.TrimRight(u.Path, "/")
}

// isPort reports whether a URL's port is one; none stands for that of the scheme.
func isPort(text string) bool {
	n, err := strconv.Atoi(text)
	return text == "" || err == nil && n > 0 && n < 1<<16
}

// urlAt is the line on which a URL is written, else that of its Marathon.
func (l *loader) urlAt(m mesh.MarathonSpec, i int) mesh.Pos {
	return l.marathonAt(m, cue.Str("urls"), cue.Index(i))
}

// marathonAt is the line on which a part of a Marathon is written, else that of what it is part of.
func (l *loader) marathonAt(m mesh.MarathonSpec, part ...cue.Selector) mesh.Pos {
	whole := append([]cue.Selector{cue.Str("marathons"), cue.Str(m.Name)}, part...)
	for n := len(whole); n > 2; n-- {
		if p := userLine(l.value.LookupPath(cue.MakePath(whole[:n]...))); !p.IsZero() {
			return p
		}
	}
	return m.Origin
}
