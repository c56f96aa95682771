package config

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"meshsync.dev/meshsync/internal/mesh"
)

// checkCertificates holds what https URLs are asked with to certificates that can be read.
func checkCertificates(m *mesh.Mesh, l *loader) {
	for _, x := range m.Marathons {
		if x.TLS == nil {
			continue
		}
		t, at, what := x.TLS, l.within(x, "tls"), "tls of Marathon "+x.Name
		for name, text := range map[string]string{"ca": t.CA, "cert": t.Cert} {
			why, hint := badCertificates(text), "want the text of a file of PEM certificates, which begin with -----BEGIN CERTIFICATE-----"
			if isFileName(text) {
				why = fmt.Sprintf("that is the name of a file, %q, and no certificate", text)
				hint = `write what is in the file, between """ and """: files beside those that end in .cue are not read`
			}
			if text != "" && why != "" {
				l.errs.add(Error{Pos: at(name), Rule: "marathon-tls", Msg: fmt.Sprintf("%s has a %s %s", what, name, why), Hint: hint})
			}
		}
		if (t.Cert == "") != (t.Key == nil) {
			l.errs.add(Error{Pos: at(), Rule: "marathon-tls", Msg: what + " has one of cert and key: the two go together"})
		}
		if t.Key != nil {
			l.checkSource(*t.Key, what+" has a key", under(at, "key"))
		}
		if !slices.ContainsFunc(x.URLs, func(u string) bool { return strings.HasPrefix(u, "https://") }) {
			l.errs.add(Error{Pos: at(), Rule: "marathon-tls", Msg: what + " is for https, and none of its URLs is", Hint: "Marathon serves https on port 8443 if nothing else is set"})
		}
	}
}

// isFileName reports whether a text that should be certificates names a file instead.
func isFileName(text string) bool {
	if strings.ContainsAny(text, "\n\r") {
		return false
	}
	ends := []string{".pem", ".crt", ".cer", ".cert"}
	starts := []string{"/", "./", "../", "~/", "file:"}
	return slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(text, end) }) ||
		slices.ContainsFunc(starts, func(start string) bool { return strings.HasPrefix(text, start) })
}

// badCertificates says what is wrong with a text of certificates; "" is nothing.
func badCertificates(text string) string {
	rest, n := []byte(text), 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return "with something else in it, a " + block.Type + ": if that is a private key, it is in git, so make a new one"
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return "that holds a certificate which cannot be read"
		}
		n++
	}
	if n == 0 || strings.TrimSpace(string(rest)) != "" {
		return "that is not made of certificates"
	}
	return ""
}
