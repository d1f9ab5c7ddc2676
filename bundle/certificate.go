package bundle

import (
	"bytes"
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
)

// CertificateFacts stand in a certificate's place of its PEM text.
type CertificateFacts struct {
	Fingerprint string   `json:"fingerprint"` // SHA-256 of the DER form, in hex; of a chain's leaf its first 16 digits
	Subject     string   `json:"subject"`
	Issuer      string   `json:"issuer"`
	KeyType     string   `json:"keyType"` // "ECDSA P-256", "RSA 2048", …
	Signature   string   `json:"signature"`
	SANs        []string `json:"sans"` // SPIFFE IDs, DNS names and addresses
	IsCA        bool     `json:"isCA"`
}

// chainFacts takes the PEM bodies out of a chain. Of its leaf, which the
// serial number names as well and of which every node has its own for each
// identity, the fingerprint is cut to leafDigits.
func chainFacts(chain jsontext.Value) []byte { return certificateFacts(chain, leafDigits) }

const leafDigits = 16

// rootFacts takes the PEM bodies out of trust roots, whose fingerprints are compared.
func rootFacts(roots jsontext.Value) []byte { return certificateFacts(roots, 2*sha256.Size) }

// certificateFacts leaves so many digits of the first one's fingerprint.
func certificateFacts(list jsontext.Value, digits int) []byte {
	if list.Kind() != '[' {
		return list
	}
	dec := jsontext.NewDecoder(bytes.NewReader(list), decodeOptions()...)
	if _, err := dec.ReadToken(); err != nil {
		return list
	}
	var out []byte
	copied := int64(0)
	for dec.PeekKind() != ']' {
		cert, err := dec.ReadValue()
		if err != nil {
			return list
		}
		end := dec.InputOffset()
		out = append(out, list[copied:end-int64(len(cert))]...)
		out = append(out, editMember(cert, "pem", func(v jsontext.Value) []byte { return factsOf(v, digits) })...)
		copied, digits = end, 2*sha256.Size
	}
	return append(out, list[copied:]...)
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
	f := CertificateFacts{Fingerprint: hex.EncodeToString(sum[:])[:digits], SANs: []string{}}
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

// editMember puts another member in the place of the one of that name.
func editMember(v jsontext.Value, name string, member func(jsontext.Value) []byte) []byte {
	if v.Kind() != '{' {
		return v
	}
	dec := jsontext.NewDecoder(bytes.NewReader(v), decodeOptions()...)
	if _, err := dec.ReadToken(); err != nil {
		return v
	}
	for dec.PeekKind() == '"' {
		key, err := dec.ReadValue()
		if err != nil {
			return v
		}
		at, found := dec.InputOffset()-int64(len(key)), string(key) == `"`+name+`"`
		value, err := dec.ReadValue()
		if err != nil {
			return v
		}
		if found {
			return bytes.Join([][]byte{v[:at], member(value), v[dec.InputOffset():]}, nil)
		}
	}
	return v
}
