package world

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"time"
)

// meshCA signs workload certificates. Its keys follow from names, so that the same world has the
// same certificates in every run.
type meshCA struct {
	Cert *x509.Certificate
	key  ed25519.PrivateKey
	leaf ed25519.PrivateKey
	root dumpCert
}

// The lifetimes that istiod gives, pilot/pkg/bootstrap and security/pkg/pki/ca.
const (
	leafLifetime = 24 * time.Hour
	RootLifetime = 3650 * 24 * time.Hour
	backdated    = 2 * time.Minute
	// leafAge is how long ago certificates were renewed: they are at half of their lifetime.
	leafAge = 3 * time.Hour
)

func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("zsim key of " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// NewMeshCA makes an authority for a trust domain.
func NewMeshCA(name, trustDomain string, started time.Time) (*meshCA, error) {
	key := keyOf(name)
	template := &x509.Certificate{
		SerialNumber: serialOf("root", name), Subject: pkix.Name{Organization: []string{trustDomain}},
		NotBefore: started.Add(-backdated).Truncate(time.Second), NotAfter: started.Add(RootLifetime).Truncate(time.Second),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing the mesh's root: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &meshCA{Cert: cert, key: key, leaf: keyOf(name + " leaf"), root: encodeCert(cert)}, nil
}

// issue signs a certificate for identity that is valid from notBefore to notAfter.
func (c *meshCA) issue(identity, node string, notBefore, notAfter time.Time) (dumpCert, error) {
	uri, err := url.Parse(identity)
	if err != nil {
		return dumpCert{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serialOf(identity, node, notBefore.String()),
		NotBefore:    notBefore.Truncate(time.Second), NotAfter: notAfter.Truncate(time.Second),
		URIs: []*url.URL{uri}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.Cert, c.leaf.Public(), c.key)
	if err != nil {
		return dumpCert{}, fmt.Errorf("signing the certificate of %s: %w", identity, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return dumpCert{}, err
	}
	return encodeCert(cert), nil
}

func serialOf(parts ...string) *big.Int {
	sum := sha256.New()
	for _, part := range parts {
		sum.Write([]byte(part + "\x00"))
	}
	return new(big.Int).SetBytes(sum.Sum(nil)[:16])
}

func encodeCert(cert *x509.Certificate) dumpCert {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	return dumpCert{
		ExpirationTime: cert.NotAfter.UTC().Format(time.RFC3339),
		PEM:            base64.StdEncoding.EncodeToString(text),
		SerialNumber:   cert.SerialNumber.String(),
		ValidFrom:      cert.NotBefore.UTC().Format(time.RFC3339),
	}
}

func (c *meshCA) rootPEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Cert.Raw}))
}
