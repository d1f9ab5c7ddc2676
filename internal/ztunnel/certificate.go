package ztunnel

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Values of [Certificate].State; the third is "Unavailable: <error>".
const (
	CertificateAvailable    = "Available"
	CertificateInitializing = "Initializing"
	certificateUnavailable  = "Unavailable"
)

// Certificate is what a ztunnel holds for one identity, as src/admin.rs CertsDump.
type Certificate struct {
	// Pointer is the JSON pointer of the certificate in the file it was read from.
	Pointer string `json:"-"`

	// Identity is a SPIFFE ID.
	Identity string `json:"identity"`
	State    string `json:"state"`
	// CertChain is leaf first; below 1.24 its last element is the root.
	// Both lists are empty unless the state is Available.
	CertChain []Cert `json:"certChain"`
	// RootCerts is nil below 1.24. See [Certificate.Roots].
	RootCerts []Cert `json:"rootCerts,omitzero"`

	Extra jsontext.Value `json:",embed"`
}

// Available says that there is a certificate to use.
func (c *Certificate) Available() bool { return c.State == CertificateAvailable }

// Unavailable is the error of the failed request; ok is false in any other state.
func (c *Certificate) Unavailable() (reason string, ok bool) {
	rest, ok := strings.CutPrefix(c.State, certificateUnavailable)
	if !ok {
		return "", false
	}
	return strings.TrimPrefix(rest, ": "), true
}

// Leaf is the identity's own certificate, nil where there is none.
func (c *Certificate) Leaf() *Cert {
	if len(c.CertChain) == 0 {
		return nil
	}
	return &c.CertChain[0]
}

// Roots are the trust anchors that came with the leaf, in either shape.
func (c *Certificate) Roots() []Cert {
	if c.RootCerts != nil || len(c.CertChain) < 2 {
		return c.RootCerts
	}
	return c.CertChain[len(c.CertChain)-1:]
}

// Cert is one X.509 certificate.
type Cert struct {
	// PEM is base64 of the PEM text, in some 1.22 builds the text itself. See [Cert.Parse].
	PEM string `json:"pem,omitzero"`
	// Facts stand in the place of the PEM text in a bundle that was made without it.
	Facts *Facts `json:"facts,omitzero"`
	// SerialNumber is decimal.
	SerialNumber   string `json:"serialNumber"`
	ValidFrom      string `json:"validFrom"`
	ExpirationTime string `json:"expirationTime"`

	Extra jsontext.Value `json:",embed"`
}

// Facts are what is known of a certificate whose PEM text was not kept.
type Facts struct {
	Fingerprint string   `json:"fingerprint"`
	Subject     string   `json:"subject"`
	Issuer      string   `json:"issuer"`
	KeyType     string   `json:"keyType"`
	Signature   string   `json:"signature"`
	SANs        []string `json:"sans"`
	IsCA        bool     `json:"isCA"`
}

// Subject is the certificate's subject, "" where neither PEM nor facts tell it.
func (c Cert) Subject() string {
	if c.Facts != nil {
		return c.Facts.Subject
	}
	if parsed, err := c.Parse(); err == nil {
		return parsed.Subject.String()
	}
	return ""
}

// NotBefore is ValidFrom, the zero time where that is not RFC 3339.
func (c Cert) NotBefore() time.Time { return parseRFC3339(c.ValidFrom) }

// NotAfter is ExpirationTime, the zero time where that is not RFC 3339.
func (c Cert) NotAfter() time.Time { return parseRFC3339(c.ExpirationTime) }

// Parse decodes the certificate.
func (c Cert) Parse() (*x509.Certificate, error) {
	der, err := c.der()
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse certificate %s: %w", c.SerialNumber, err)
	}
	return cert, nil
}

// Fingerprint is the SHA-256 of the DER form in hex, "" where neither PEM nor facts tell it.
func (c Cert) Fingerprint() string {
	if c.Facts != nil {
		return c.Facts.Fingerprint
	}
	der, err := c.der()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

func (c Cert) der() ([]byte, error) {
	text := []byte(c.PEM)
	if !bytes.Contains(text, []byte("-----BEGIN")) {
		decoded, err := base64.StdEncoding.DecodeString(c.PEM)
		if err != nil {
			return nil, fmt.Errorf("decode certificate %s: %w", c.SerialNumber, err)
		}
		text = decoded
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("decode certificate %s: %w", c.SerialNumber, errNoPEM)
	}
	return block.Bytes, nil
}

var errNoPEM = errors.New("no PEM block of type CERTIFICATE")

func parseRFC3339(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
