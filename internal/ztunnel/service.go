package ztunnel

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Values of [LoadBalancer].
const (
	LoadBalancerStandard    = "Standard"
	LoadBalancerStrict      = "Strict"
	LoadBalancerFailover    = "Failover"
	LoadBalancerPassthrough = "Passthrough"

	HealthPolicyOnlyHealthy = "OnlyHealthy"
	HealthPolicyAllowAll    = "AllowAll"
)

// Service is one service with its endpoints, as src/state/service.rs serialises it.
type Service struct {
	// Pointer is the JSON pointer of the service in the file it was read from.
	Pointer string `json:"-"`

	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Hostname  string `json:"hostname"`
	// VIPs are "<network>/<ip>", "/<ip>" in the empty network.
	VIPs []string `json:"vips"`
	// CIDRVIPs are whole ranges, from 1.30.
	CIDRVIPs []CIDRVIP `json:"cidrVips,omitzero"`
	// Ports maps service ports to target ports; 0 is a named port that differs by endpoint.
	Ports map[uint16]uint16 `json:"ports"`
	// Endpoints are keyed by workload UID, below 1.24 by "<uid>:<network>/<ip>".
	// Only endpoints that the service's health policy admits are there.
	Endpoints         map[string]Endpoint `json:"endpoints"`
	SubjectAltNames   []string            `json:"subjectAltNames"`
	Waypoint          *GatewayAddress     `json:"waypoint,omitzero"`
	WeightedWaypoints []WeightedWaypoint  `json:"weightedWaypoints,omitzero"`
	LoadBalancer      *LoadBalancer       `json:"loadBalancer,omitzero"`
	// IPFamilies is "Dual", "IPv4" or "IPv6".
	IPFamilies string `json:"ipFamilies,omitzero"`
	// Canonical is nil below 1.29; Visibility ("Public", "Namespace") "" below 1.31.
	Canonical  *bool  `json:"canonical,omitzero"`
	Visibility string `json:"visibility,omitzero"`

	Extra jsontext.Value `json:",embed"`
}

// Key is "<namespace>/<hostname>", how workloads refer to the service.
func (s *Service) Key() string { return s.Namespace + "/" + s.Hostname }

// Endpoint is one workload that serves a service.
type Endpoint struct {
	WorkloadUID string `json:"workloadUid"`
	// Ports maps service ports to the endpoint's target ports.
	Ports map[uint16]uint16 `json:"port"`
	// Status is "" below 1.24, where every endpoint listed is healthy.
	Status string `json:"status,omitzero"`
	// EndpointOrigin is what 1.22 and 1.23 printed in place of the status, nil from 1.24.
	*EndpointOrigin

	Extra jsontext.Value `json:",embed"`
}

// EndpointOrigin names an endpoint's service ("<namespace>/<hostname>") and
// address ("<network>/<ip>", null for an endpoint by hostname).
type EndpointOrigin struct {
	Service string     `json:"service"`
	Address NullString `json:"address"`
}

// WeightedWaypoint is one of several waypoints that share a service's traffic, from 1.31.
type WeightedWaypoint struct {
	Destination GatewayAddress `json:"destination"`
	Weight      uint32         `json:"weight"`

	Extra jsontext.Value `json:",embed"`
}

// LoadBalancer is how a service's endpoints are chosen.
type LoadBalancer struct {
	// RoutingPreferences are, most important first, of Network, Region, Zone, Subzone, Node, Cluster.
	RoutingPreferences []string `json:"routingPreferences"`
	Mode               string   `json:"mode"`
	// HealthPolicy is "" below 1.24.
	HealthPolicy string `json:"healthPolicy,omitzero"`

	Extra jsontext.Value `json:",embed"`
}

// CIDRVIP is a range of service addresses in one network.
type CIDRVIP struct {
	Network string
	CIDR    string
	text    bool
}

type cidrVIPObject struct {
	Network string `json:"network"`
	CIDR    string `json:"cidr"`
}

// String is "<network>/<cidr>".
func (c CIDRVIP) String() string { return c.Network + "/" + c.CIDR }

// UnmarshalJSONFrom reads an object or the text "<network>/<cidr>".
func (c *CIDRVIP) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '"' {
		var s string
		if err := unmarshalNext(dec, &s); err != nil {
			return err
		}
		network, cidr, _ := strings.Cut(s, "/")
		*c = CIDRVIP{Network: network, CIDR: cidr, text: true}
		return nil
	}
	var o cidrVIPObject
	if err := unmarshalNext(dec, &o); err != nil {
		return err
	}
	*c = CIDRVIP{Network: o.Network, CIDR: o.CIDR}
	return nil
}

// MarshalJSONTo writes the form that was read.
func (c CIDRVIP) MarshalJSONTo(enc *jsontext.Encoder) error {
	if c.text {
		return enc.WriteToken(jsontext.String(c.String()))
	}
	return marshalNext(enc, cidrVIPObject{Network: c.Network, CIDR: c.CIDR})
}
