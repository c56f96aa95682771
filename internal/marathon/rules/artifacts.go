package rules

import (
	"fmt"
	"unicode/utf16"
)

// maxURI is in UTF-16 units, as Java counts.
const maxURI = 1024

// artifacts checks what is fetched before a task starts.
func (c *checker) artifacts() {
	fetch, uris := fields(c.def).list("fetch"), fields(c.def).list("uris")
	for i, f := range fetch {
		if uri, ok := textIn(asFields(f), "uri"); ok {
			c.uri(uri, pathTo("fetch", i, "uri"))
		}
	}
	for i, u := range uris {
		if uri, ok := u.(string); ok && uri != "" {
			c.uri(uri, pathTo("uris", i))
		} else if ok && !c.version.Before(1, 5) {
			c.refuse(Finding{
				Path: pathTo("uris", i), Rule: "app-fetch-sent",
				Msg:  "fetches an empty URI: Marathon takes it in uris, and refuses it in fetch, as which it is sent",
				Hint: "leave it out",
			})
		}
	}
}

// uri checks one, and does not show it: it may have a password in it.
func (c *checker) uri(uri string, at []string) {
	if n := len(utf16.Encode([]rune(uri))); n > maxURI {
		c.refuse(Finding{
			Path: at, Rule: "app-fetch", Msg: fmt.Sprintf("fetches a URI of %d characters, and Marathon takes %d", n, maxURI),
			Hint: "give the file a shorter name, or let the command fetch it",
		})
		return
	}
	if wrong, hint := uriFault(uri); wrong != "" {
		c.refuse(Finding{Path: at, Rule: "app-fetch", Msg: "fetches what is no URI: " + wrong, Hint: hint})
	}
}
