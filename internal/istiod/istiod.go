// Package istiod reads the answers of istiod's debug endpoints
// (istio/istio pilot/pkg/xds/debug.go), from 1.22 on.
//
// What istiod would send to ztunnels comes as the ztunnel package's types, in
// the words that a ztunnel would print it in: both sides compare field by field.
package istiod

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/internal/ztunnel"
)

// Type URLs of what a ztunnel subscribes to.
const (
	TypeAddress       = "type.googleapis.com/istio.workload.Address"
	TypeAuthorization = "type.googleapis.com/istio.security.Authorization"
)

// Values of [SyncStatus].ProxyType.
const (
	ProxyZtunnel  = "ztunnel"
	ProxyWaypoint = "waypoint"
	ProxySidecar  = "sidecar"
	ProxyRouter   = "router"
)

// SyncStatus is what one proxy was sent and has acknowledged, of /debug/syncz.
type SyncStatus struct {
	ClusterID string `json:"cluster_id"`
	// Proxy is "<pod>.<namespace>".
	Proxy        string `json:"proxy"`
	ProxyType    string `json:"proxy_type"`
	ProxyVersion string `json:"proxy_version"`
	IstioVersion string `json:"istio_version"`
	// Resources are by type URL; nil below 1.23.
	Resources map[string]ResourceStatus `json:"resources"`

	Extra jsontext.Value `json:",embed"`
}

// ResourceStatus is one type's state on one stream. Sent and Acked are nonces:
// they differ while an answer is awaited, and after a NACK.
type ResourceStatus struct {
	Sent     string    `json:"sent"`
	Acked    string    `json:"acked"`
	SentTime time.Time `json:"sentTime"`
	// LastError is the text of the newest NACK.
	LastError string `json:"lastError"`
}

// ReadSyncz reads /debug/syncz.
func ReadSyncz(r io.Reader) ([]SyncStatus, error) {
	var out []SyncStatus
	err := read(r, "syncz", &out)
	return out, err
}

// Cluster is one cluster that istiod reads, of /debug/clusterz.
type Cluster struct {
	ID         string `json:"id"`
	SecretName string `json:"secretName"`
	// SyncStatus is "synced", "syncing", "timeout" or "closed".
	SyncStatus string `json:"syncStatus"`

	Extra jsontext.Value `json:",embed"`
}

// ReadClusterz reads /debug/clusterz.
func ReadClusterz(r io.Reader) ([]Cluster, error) {
	var out []Cluster
	err := read(r, "clusterz", &out)
	return out, err
}

// NetworkGateway is a way into another network, of /debug/networkz.
type NetworkGateway struct {
	Network   string `json:"Network"`
	Cluster   string `json:"Cluster"`
	Addr      string `json:"Addr"`
	Port      uint32 `json:"Port"`
	HBONEPort uint32 `json:"HBONEPort"` // 0 without HBONE

	Extra jsontext.Value `json:",embed"`
}

// ReadNetworkz reads /debug/networkz; a mesh of one network has none.
func ReadNetworkz(r io.Reader) ([]NetworkGateway, error) {
	var out []NetworkGateway
	err := read(r, "networkz", &out)
	return out, err
}

// Mesh is what /debug/mesh says of the mesh config (istio/api
// mesh/v1alpha1/config.proto), the rest of it in Extra.
type Mesh struct {
	TrustDomain        string   `json:"trustDomain"`
	TrustDomainAliases []string `json:"trustDomainAliases"`
	RootNamespace      string   `json:"rootNamespace"`
	// DiscoverySelectors are Kubernetes label selectors; none means every namespace.
	DiscoverySelectors  []jsontext.Value `json:"discoverySelectors"`
	ServiceScopeConfigs []jsontext.Value `json:"serviceScopeConfigs"`
	DefaultConfig       ProxyConfig      `json:"defaultConfig"`

	Extra jsontext.Value `json:",embed"`
}

// ProxyConfig is the mesh's default for every proxy.
type ProxyConfig struct {
	DiscoveryAddress string            `json:"discoveryAddress"`
	ProxyMetadata    map[string]string `json:"proxyMetadata"`

	Extra jsontext.Value `json:",embed"`
}

// ReadMesh reads /debug/mesh.
func ReadMesh(r io.Reader) (*Mesh, error) {
	out := &Mesh{}
	if err := read(r, "mesh", out); err != nil {
		return nil, err
	}
	return out, nil
}

func read(r io.Reader, endpoint string, to any) error {
	dec := ztunnel.NewDecoder(r)
	err := json.UnmarshalDecode(dec, to, json.WithUnmarshalers(json.JoinUnmarshalers(
		ztunnel.AtMost[SyncStatus](), ztunnel.AtMost[Cluster](), ztunnel.AtMost[NetworkGateway](),
	)))
	if err == nil {
		var tok jsontext.Token
		if tok, err = dec.ReadToken(); err == nil {
			err = fmt.Errorf("unexpected %v after it", tok.Kind())
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("read istiod's answer of /debug/%s: %w", endpoint, err)
	}
	return nil
}

// address decodes an IP in either form that istiod answers in: ambientz gives
// base64 of the text, config_dump base64 of the bytes. The zero address stands
// for anything else.
func address(s string) netip.Addr {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		ip, _ := netip.ParseAddr(s)
		return ip
	}
	if ip, err := netip.ParseAddr(string(b)); err == nil {
		return ip
	}
	ip, _ := netip.AddrFromSlice(b)
	return ip
}
