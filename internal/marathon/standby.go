package marathon

import (
	"context"
	"io"
	"net/http"
	"strings"
)

// A standby that cannot pass a request on says why in HTML, and nothing at all to whoever
// takes JSON only.
func standbySays() []struct{ words, means string } {
	return []struct{ words, means string }{
		{
			"Could not determine the current leader",
			"this node is a standby and knows no leader; an election takes some seconds, and if it lasts, see whether the nodes reach ZooKeeper",
		},
		{
			"Detected proxying loop",
			"this node is a standby, and the leader that it knows passes requests back to it: two nodes take each other for the leader; " +
				"see that each has a --hostname of its own by which the others reach it, compare what GET /v2/leader says on each, and restart the one that is wrong",
		},
		{
			"Connection to leader refused",
			"this node is a standby, and the leader that it knows takes no connections: it has just died and another one is elected within some seconds, " +
				"or its --hostname and port cannot be reached from this node",
		},
	}
}

// anyProxy is what an error without words may be.
const anyProxy = "a leader election, too many requests at once, or a proxy in front of it; if it lasts for more than a minute, see the logs of its nodes"

// why asks a node that answered with an empty error once more, in a way that it explains.
func (c *client) why(ctx context.Context, base string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+"/v2/leader", nil)
	if err != nil {
		return anyProxy
	}
	req.Header.Set("Accept", "text/html")
	resp, err := c.do(req)
	if err != nil {
		return anyProxy
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	for _, s := range standbySays() {
		if strings.Contains(string(text), s.words) {
			return s.means
		}
	}
	return anyProxy
}
