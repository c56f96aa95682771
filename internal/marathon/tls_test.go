package marathon

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"meshsync.dev/meshsync/internal/mesh"
	"meshsync.dev/meshsync/internal/plan"
)

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.cert, a.key, a.pem, _ = issue(t, nil, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue makes a certificate with its key; without an authority it issues itself.
func issue(t *testing.T, by *authority, c *x509.Certificate) (cert *x509.Certificate, key *ecdsa.PrivateKey, certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: "test"}
	c.NotBefore = time.Now().Add(-time.Hour)
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(time.Hour)
	} else {
		c.NotBefore = c.NotAfter.Add(-time.Hour)
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

// secured is a Marathon behind https, with a certificate that an authority issued.
func secured(t *testing.T, by *authority, c *x509.Certificate, clients *authority) *httptest.Server {
	t.Helper()
	c.KeyUsage = x509.KeyUsageDigitalSignature
	cert, key, _, _ := issue(t, by, c)
	s := httptest.NewUnstartedServer(server(t))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}}
	if clients != nil {
		s.TLS.ClientCAs = x509.NewCertPool()
		s.TLS.ClientCAs.AddCert(clients.cert)
		s.TLS.ClientAuth = tls.RequireAndVerifyClientCert
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections) // before that: a server waits for its streams
	return s
}

func local() *x509.Certificate {
	return &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
}

func over(url string, t *mesh.MarathonTLS, from *source) *Marathon {
	o := asking(url).o
	o.Spec.TLS, o.Credentials = t, from.ask
	return New(o)
}

func TestAPrivateAuthorityAndAClientsCertificate(t *testing.T) {
	t.Parallel()
	ca, clients := newAuthority(t), newAuthority(t)
	s := secured(t, ca, local(), clients)
	_, _, cert, key := issue(t, clients, &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	from := &source{gives: key}
	m := over(s.URL, &mesh.MarathonTLS{CA: ca.pem, Cert: cert, Key: &mesh.SecretSource{Env: "KEY"}}, from)
	out, _ := reach(t, m, map[string]map[string]any{"/a": {"cmd": "sleep 1"}})
	if last(out).Result != plan.ResultDone || from.asked != 1 {
		t.Errorf("asked %d times, %+v", from.asked, out)
	}
}

func TestWhatIsWrongWithCertificatesIsTold(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	_, _, cert, key := issue(t, other, &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature})
	_, _, _, otherKey := issue(t, other, &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature})
	with := &mesh.MarathonTLS{CA: ca.pem, Cert: cert, Key: &mesh.SecretSource{Env: "KEY"}}
	elsewhere := &x509.Certificate{DNSNames: []string{"marathon.example.com"}}
	old := local()
	old.NotAfter = time.Now().Add(-time.Hour)
	plain := httptest.NewServer(server(t))
	t.Cleanup(plain.Close)
	for name, x := range map[string]struct {
		url  string
		tls  *mesh.MarathonTLS
		key  string
		want string
	}{
		"unknown authority": {secured(t, ca, local(), nil).URL, nil, "", "name who issued its certificate in marathons.main.tls.ca"},
		"another authority": {secured(t, ca, local(), nil).URL, &mesh.MarathonTLS{CA: other.pem}, "", "name who issued its certificate in marathons.main.tls.ca"},
		"another name":      {secured(t, ca, elsewhere, nil).URL, &mesh.MarathonTLS{CA: ca.pem}, "", "ask it by a name that its certificate has"},
		"expired":           {secured(t, ca, old, nil).URL, &mesh.MarathonTLS{CA: ca.pem}, "", "see until when its certificate"},
		"no client":         {secured(t, ca, local(), other).URL, &mesh.MarathonTLS{CA: ca.pem}, "", "it wants a client's certificate"},
		"no such client":    {secured(t, ca, local(), ca).URL, with, key, "it wants a client's certificate of an authority that it knows"},
		"another key":       {secured(t, ca, local(), other).URL, with, otherKey, "what the environment variable KEY gives is no PEM key, or another one than that of tls.cert"},
		"no key":            {secured(t, ca, local(), other).URL, with, "canary", "what the environment variable KEY gives is no PEM key"},
		"http":              {strings.Replace(plain.URL, "http:", "https:", 1), &mesh.MarathonTLS{CA: ca.pem}, "", "its URL says https, and http is spoken there"},
	} {
		s := over(x.url, x.tls, &source{gives: x.key}).Observe(context.Background())
		if s.Outcome == mesh.OK || !strings.Contains(s.Message, x.want) || strings.Contains(s.Message, "PRIVATE") || strings.Contains(s.Message, "canary") {
			t.Errorf("%s: %s: %s", name, s.Outcome, s.Message)
		}
	}
}

// What is sent over https is not sent again over http, whoever says so.
func TestARedirectFromHTTPSToHTTPIsNotFollowed(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/v2/info", http.StatusFound)
	}))
	t.Cleanup(s.Close)
	o := asking(s.URL).o
	o.HTTP = s.Client()
	if got := New(o).Observe(context.Background()); !strings.Contains(got.Message, "redirects from https to http") {
		t.Errorf("%s: %s", got.Outcome, got.Message)
	}
}
