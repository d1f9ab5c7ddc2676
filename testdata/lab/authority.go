package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/zbundle/zbundle/internal/ztunnel"
)

// authority is the mesh's root, plugged into istiod as its CA, so that what
// istiod tells of the root is true of the certificates that are signed here.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"cluster.local"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return &authority{must[*x509.Certificate](t)(x509.ParseCertificate(der)), key}
}

// plugIn writes the files of istiod's cacerts.
func (a *authority) plugIn(t *testing.T, dir string) string {
	t.Helper()
	dir = filepath.Join(dir, "cacerts")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	key := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: must[[]byte](t)(x509.MarshalECPrivateKey(a.key))})
	for name, data := range map[string][]byte{"ca-cert.pem": cert, "cert-chain.pem": cert, "root-cert.pem": cert, "ca-key.pem": key} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// issue signs what a ztunnel holds for one identity.
func (a *authority) issue(t *testing.T, identity string, from, until time.Time) ztunnel.Certificate {
	t.Helper()
	id := must[*url.URL](t)(url.Parse(identity))
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	serial := must[*big.Int](t)(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)))
	template := &x509.Certificate{
		SerialNumber: serial, URIs: []*url.URL{id}, NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der := must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key))
	leaf := must[*x509.Certificate](t)(x509.ParseCertificate(der))
	return ztunnel.Certificate{
		Identity: identity, State: ztunnel.CertificateAvailable,
		CertChain: []ztunnel.Cert{dumped(leaf)}, RootCerts: []ztunnel.Cert{dumped(a.cert)},
	}
}

func dumped(cert *x509.Certificate) ztunnel.Cert {
	return ztunnel.Cert{
		PEM:          base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})),
		SerialNumber: cert.SerialNumber.String(),
		ValidFrom:    cert.NotBefore.UTC().Format(time.RFC3339), ExpirationTime: cert.NotAfter.UTC().Format(time.RFC3339),
	}
}
