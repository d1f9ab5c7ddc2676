package redact

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/internal/rawjson"
	"github.com/zbundle/zbundle/internal/ztunnel"
)

// chainFacts takes the PEM bodies out of a chain. Of its leaf, which the
// serial number names as well and of which every node has its own for each
// identity, the fingerprint is cut to leafDigits.
func chainFacts(chain jsontext.Value) []byte { return certificateFacts(chain, leafDigits) }

const leafDigits = 16

// rootFacts takes the PEM bodies out of trust roots, whose fingerprints are compared.
func rootFacts(roots jsontext.Value) []byte { return certificateFacts(roots, 2*sha256.Size) }

// certificateFacts leaves so many digits of the first one's fingerprint.
func certificateFacts(list jsontext.Value, digits int) []byte {
	return rawjson.EditElements(list, func(cert jsontext.Value) []byte {
		of := digits
		digits = 2 * sha256.Size
		return rawjson.ReplaceMember(cert, "pem", func(pem jsontext.Value) []byte { return factsOf(pem, of) })
	})
}

// factsOf is the member that stands for a PEM text, which ztunnel prints in
// base64 and which 1.22 printed as it is.
func factsOf(v jsontext.Value, digits int) []byte {
	facts := `"facts": null`
	var text string
	if json.Unmarshal(v, &text) != nil {
		return []byte(facts)
	}
	raw := []byte(text)
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
		raw = decoded
	}
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != "CERTIFICATE" {
		return []byte(facts)
	}
	sum := sha256.Sum256(block.Bytes)
	f := ztunnel.Facts{Fingerprint: hex.EncodeToString(sum[:])[:digits], SANs: []string{}}
	if c, err := x509.ParseCertificate(block.Bytes); err == nil {
		f.Subject, f.Issuer, f.KeyType, f.Signature, f.IsCA = c.Subject.String(), c.Issuer.String(), keyType(c), c.SignatureAlgorithm.String(), c.IsCA
		for _, u := range c.URIs {
			f.SANs = append(f.SANs, u.String())
		}
		f.SANs = append(f.SANs, c.DNSNames...)
		for _, ip := range c.IPAddresses {
			f.SANs = append(f.SANs, ip.String())
		}
	}
	encoded, err := json.Marshal(f)
	if err != nil {
		return []byte(facts)
	}
	return append([]byte(`"facts": `), encoded...)
}

func keyType(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	}
	return c.PublicKeyAlgorithm.String()
}
