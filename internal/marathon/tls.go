package marathon

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// transport is how requests travel: as the given client's, with what the Marathon's own way is.
func transport(o Options) http.RoundTripper {
	if o.Spec.TLS == nil && o.Spec.Proxy == "" && o.Dial == nil {
		return o.HTTP.Transport
	}
	t := plainTransport(o.HTTP.Transport)
	if o.Spec.TLS != nil {
		t.TLSClientConfig = tlsConfig(o)
	}
	if o.Spec.Proxy != "" {
		u, err := url.Parse(o.Spec.Proxy)
		t.Proxy = func(*http.Request) (*url.URL, error) { return u, err }
	}
	if o.Dial != nil { // a proxy is for this machine
		t.Proxy, t.DialContext = nil, o.Dial
	}
	return t
}

// plainTransport is a copy to be changed.
func plainTransport(from http.RoundTripper) *http.Transport {
	if t, ok := from.(*http.Transport); ok {
		return t.Clone()
	}
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		return t.Clone()
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment}
}

func tlsConfig(o Options) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.Spec.TLS.CA != "" {
		c.RootCAs = x509.NewCertPool()
		c.RootCAs.AppendCertsFromPEM([]byte(o.Spec.TLS.CA)) // validate has read them
	}
	if o.Spec.TLS.Cert != "" {
		client := clientPair{o.Spec.TLS.Cert, &credential{of: o.Spec.Name, source: o.Spec.TLS.Key, ask: o.Credentials}}
		c.GetClientCertificate = client.load
	}
	return c
}

// clientPair is what meshsync shows a Marathon that wants to know who comes.
type clientPair struct {
	cert string
	key  *credential
}

func (p clientPair) load(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	v, err := p.key.get(r.Context())
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair([]byte(p.cert), []byte(v.Reveal()))
	if err != nil { // what it says is left out: it is about the key
		return nil, p.key.failed(fmt.Sprintf("what %s gives is no PEM key, or another one than that of tls.cert", p.key.source))
	}
	return &pair, nil
}

// tlsTrouble says what to do about a connection that failed for its certificates; "" is for another reason.
func tlsTrouble(name string, err error, text string) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	at := "marathons." + name + ".tls"
	switch {
	case errors.As(err, &authority):
		return text + "; name who issued its certificate in " + at + ".ca, as PEM"
	case errors.As(err, &host):
		return text + "; ask it by a name that its certificate has, or give it one with this name"
	case errors.As(err, &invalid):
		return text + "; see until when its certificate and those in " + at + ".ca are good, and the clock of this machine"
	case strings.Contains(text, "tls: certificate required"), strings.Contains(text, "tls: bad certificate"),
		strings.Contains(text, "tls: unknown certificate"), strings.Contains(text, "tls: expired certificate"):
		return text + "; it wants a client's certificate of an authority that it knows: see " + at + ".cert and key"
	case strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "its URL says https, and http is spoken there"
	default:
		return ""
	}
}
