package redact

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
)

// configMaps are those whose data is kept; an empty list keeps every key.
var configMaps = map[string][]string{
	"istio":            {"mesh", "meshNetworks"},
	"istio-cni-config": {},
	"cilium-config":    {"cni-exclusive", "enable-bpf-masquerade", "kube-proxy-replacement", "bpf-lb-sock", "bpf-lb-sock-hostns-only"},
	rootCertMap:        {"root-cert.pem"},
}

const rootCertMap = "istio-ca-root-cert"

func configMapKeys(name string) []string {
	if keys, ok := configMaps[name]; ok {
		return keys
	}
	if strings.HasPrefix(name, "istio-") && !strings.Contains(name, "sidecar-injector") && !strings.Contains(name, "leader") {
		return configMaps["istio"]
	}
	return nil
}

func (r *redactor) configMap(obj map[string]any) bool {
	meta, _ := obj["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	keys := configMapKeys(name)
	if keys == nil {
		return false
	}
	data, _ := obj["data"].(map[string]any)
	for key, value := range data {
		if len(keys) > 0 && !slices.Contains(keys, key) {
			delete(data, key)
			r.removed++
			continue
		}
		text, _ := value.(string)
		switch {
		case name == rootCertMap:
			data[key] = fingerprints(text)
		case key == "mesh":
			kept, removed := redactMeshText(text)
			data[key] = kept
			r.removed += removed
		}
	}
	return true
}

// fingerprints stands for a bundle of certificates: one sha256 a line.
func fingerprints(text string) string {
	var out []string
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return strings.Join(out, "\n")
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err == nil {
			sum := sha256.Sum256(block.Bytes)
			out = append(out, "sha256:"+hex.EncodeToString(sum[:]))
		}
	}
}
