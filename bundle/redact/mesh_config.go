package redact

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"gopkg.in/yaml.v3"
)

// meshSettings are the members of MeshConfig that are kept (istio/api
// mesh/v1alpha1/config.proto). Providers of tracing and authorization hold
// tokens and header values: of these only names and kinds are.
var meshSettings = []string{
	"accessLogEncoding", "accessLogFile", "connectTimeout", "defaultConfig", "defaultDestinationRuleExportTo", "defaultProviders",
	"defaultServiceExportTo", "defaultVirtualServiceExportTo", "discoverySelectors", "dnsRefreshRate", "enableAutoMtls",
	"enablePrometheusMerge", "enableTracing", "extensionProviders", "h2UpgradePolicy", "inboundTrafficPolicy", "ingressClass",
	"ingressControllerMode", "ingressSelector", "ingressService", "localityLbSetting", "meshMTLS", "outboundTrafficPolicy",
	"pathNormalization", "protocolDetectionTimeout", "rootNamespace", "serviceScopeConfigs", "serviceSettings", "tlsDefaults",
	"trustDomain", "trustDomainAliases", "verifyCertificateAtClient",
}

// proxySettings are the members of its defaultConfig that are kept.
var proxySettings = []string{
	"concurrency", "controlPlaneAuthPolicy", "discoveryAddress", "drainDuration", "holdApplicationUntilProxyStarts", "image",
	"parentShutdownDuration", "proxyMetadata", "statusPort", "terminationDrainDuration",
}

// redactMesh takes out of a MeshConfig what may be a secret, and counts it.
func redactMesh(config map[string]any) (removed int) {
	removed = keepOnly(config, meshSettings)
	if proxy, ok := config["defaultConfig"].(map[string]any); ok {
		removed += keepOnly(proxy, proxySettings)
		metadata, _ := proxy["proxyMetadata"].(map[string]any)
		for name := range metadata {
			if !listed(name) {
				delete(metadata, name)
				removed++
			}
		}
	}
	providers, _ := config["extensionProviders"].([]any)
	for _, p := range providers {
		provider, _ := p.(map[string]any)
		for kind := range provider {
			if kind != "name" {
				provider[kind] = map[string]any{}
				removed++
			}
		}
	}
	return removed
}

func keepOnly(m map[string]any, names []string) (removed int) {
	for name := range m {
		if !slices.Contains(names, name) {
			delete(m, name)
			removed++
		}
	}
	return removed
}

// redactMeshText is the value of a ConfigMap's key mesh. What can't be read is withheld.
func redactMeshText(text string) (string, int) {
	var config map[string]any
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		return marker, 1
	}
	removed := redactMesh(config)
	out, err := yaml.Marshal(config)
	if err != nil {
		return marker, 1
	}
	return string(out), removed
}

// MeshConfig copies istiod's answer of /debug/mesh without what may be
// a secret in it, and counts what it took out.
func MeshConfig(w io.Writer, r io.Reader) (removed int, err error) {
	var config map[string]any
	if err := json.NewDecoder(r).Decode(&config); err != nil {
		return 0, fmt.Errorf("read the mesh's configuration: %w", err)
	}
	removed = redactMesh(config)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return removed, enc.Encode(config)
}
