package remote

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// userCertificate reads the certificate in a file; nil when there is none.
func userCertificate(name string) *ssh.Certificate {
	cert, ok := readPublic(name).(*ssh.Certificate)
	if !ok {
		return nil
	}
	return cert
}

// doubt says what speaks against a certificate; "" for nothing. The host decides: it may
// know principals by other names, and its clock is the one that counts.
func doubt(what string, c *ssh.Certificate, user string, now time.Time) string {
	date := func(t uint64) string { return time.Unix(int64(t), 0).UTC().Format("2006-01-02 15:04 UTC") } //nolint:gosec // of a valid date
	unix := uint64(max(0, now.Unix()))                                                                   //nolint:gosec // not below zero
	switch {
	case c.CertType != ssh.UserCert:
		return what + " is a certificate of a host, not of a user"
	case c.ValidBefore != ssh.CertTimeInfinity && unix >= c.ValidBefore:
		return fmt.Sprintf("%s expired on %s", what, date(c.ValidBefore))
	case unix < c.ValidAfter:
		return fmt.Sprintf("%s is valid from %s on only", what, date(c.ValidAfter))
	case !slices.Contains(c.ValidPrincipals, user):
		return fmt.Sprintf("%s is for %s, not for %s", what, first(strings.Join(c.ValidPrincipals, ", "), "nobody"), user)
	}
	return ""
}
