package marathon

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"meshsync.dev/meshsync/internal/mesh"
)

// tunnels is a proxy that connects whoever asks to one address.
func tunnels(t *testing.T, to string) *node {
	t.Helper()
	return newNode(t, func(*node) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			there, err := net.Dial("tcp", to)
			if err != nil {
				t.Error(err)
				return
			}
			here, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			// Not WriteHeader before the hijack: what the client sends on it may land in the buffer.
			_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
			go func() {
				_, _ = io.Copy(there, buffered)
				_ = there.Close()
			}()
			_, _ = io.Copy(here, there)
			_ = here.Close()
		})
	})
}

func through(proxy, url string, tls *mesh.MarathonTLS) *Marathon {
	o := asking(url).o
	o.Spec.Proxy, o.Spec.TLS = proxy, tls
	return New(o)
}

// The name of the Marathon is the proxy's to resolve; of an https URL it sees nothing else.
func TestAProxyIsAskedForEachKindOfURL(t *testing.T) {
	t.Parallel()
	s := server(t)
	plain := newNode(t, func(*node) http.Handler { return s })
	observed(t, through(plain.URL, "http://marathon.invalid:8080", nil))
	if got := plain.requests(); got[0] != "GET /v2/info" {
		t.Errorf("the proxy was asked %v", got)
	}
	ca := newAuthority(t)
	c := local()
	c.DNSNames = []string{"marathon.invalid"}
	proxy := tunnels(t, secured(t, ca, c, nil).Listener.Addr().String())
	observed(t, through(proxy.URL, "https://marathon.invalid:8443", &mesh.MarathonTLS{CA: ca.pem}))
	if got := proxy.requests(); len(got) != 1 || got[0] != "CONNECT " {
		t.Errorf("the proxy was asked %q", got)
	}
}

func TestWhatIsWrongWithAProxyIsTold(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	wants := newNode(t, func(*node) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
	})
	for _, x := range []struct{ proxy, url, want string }{
		{closed.URL, "https://marathon.invalid", "the proxy is that of marathons.main.proxy, else of HTTP_PROXY"},
		{closed.URL, "http://marathon.invalid", "the proxy is that of marathons.main.proxy, else of HTTP_PROXY"},
		{wants.URL, "https://marathon.invalid", "the proxy wants an account"},
		{wants.URL, "http://marathon.invalid", "Marathon answered 407 Proxy Authentication Required; the proxy wants an account"},
	} {
		s := through(x.proxy, x.url, nil).Observe(context.Background())
		if s.Outcome == mesh.OK || !strings.Contains(s.Message, x.want) {
			t.Errorf("%s by %s: %s: %s", x.url, x.proxy, s.Outcome, s.Message)
		}
	}
}
