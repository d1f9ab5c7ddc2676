package ztunnel

import "github.com/go-json-experiment/json/jsontext"

// Values of [Workload].Protocol, NetworkMode and of every Status.
const (
	ProtocolTCP   = "TCP"
	ProtocolHBONE = "HBONE"

	NetworkModeStandard    = "Standard"
	NetworkModeHostNetwork = "HostNetwork"

	StatusHealthy   = "Healthy"
	StatusUnhealthy = "Unhealthy"
)

// Workload is one endpoint that istiod told the ztunnel of, as
// src/state/workload.rs serialises it. Empty fields are left out of the dump,
// so an empty one here means the default.
type Workload struct {
	// Pointer is the JSON pointer of the workload in the file it was read from.
	Pointer string `json:"-"`

	WorkloadIPs []string `json:"workloadIps"`
	// Waypoint and NetworkGateway are nil where the workload has none.
	Waypoint       *GatewayAddress `json:"waypoint,omitzero"`
	NetworkGateway *GatewayAddress `json:"networkGateway,omitzero"`
	Protocol       string          `json:"protocol"`
	// NetworkMode is "" below 1.24, which stands for Standard.
	NetworkMode       string `json:"networkMode,omitzero"`
	UID               string `json:"uid,omitzero"`
	Name              string `json:"name"`
	Namespace         string `json:"namespace"`
	TrustDomain       string `json:"trustDomain,omitzero"`
	ServiceAccount    string `json:"serviceAccount,omitzero"`
	Network           string `json:"network,omitzero"`
	WorkloadName      string `json:"workloadName,omitzero"`
	WorkloadType      string `json:"workloadType"`
	CanonicalName     string `json:"canonicalName,omitzero"`
	CanonicalRevision string `json:"canonicalRevision,omitzero"`
	Hostname          string `json:"hostname,omitzero"`
	Node              string `json:"node,omitzero"`
	// NativeTunnel says that the workload itself speaks HBONE.
	NativeTunnel      bool               `json:"nativeTunnel,omitzero"`
	ApplicationTunnel *ApplicationTunnel `json:"applicationTunnel,omitzero"`
	// AuthorizationPolicies are "<namespace>/<name>" of the policies that select the workload.
	AuthorizationPolicies []string  `json:"authorizationPolicies,omitzero"`
	Status                string    `json:"status"`
	ClusterID             string    `json:"clusterId"`
	Locality              *Locality `json:"locality,omitzero"`
	// Services are "<namespace>/<hostname>"; ztunnel prints them in random order, from 1.24.
	Services []string `json:"services,omitzero"`
	// Capacity is the load-balancing weight; nil below 1.26. See [Workload.Weight].
	Capacity *uint32 `json:"capacity,omitzero"`

	Extra jsontext.Value `json:",embed"`
}

// Weight is the workload's load-balancing weight, 1 where the dump does not say.
func (w *Workload) Weight() uint32 {
	if w.Capacity == nil {
		return 1
	}
	return *w.Capacity
}

// SPIFFEID is the identity that the workload must present, "" where its
// service account is not known.
func (w *Workload) SPIFFEID() string {
	if w.TrustDomain == "" || w.ServiceAccount == "" {
		return ""
	}
	return "spiffe://" + w.TrustDomain + "/ns/" + w.Namespace + "/sa/" + w.ServiceAccount
}

// GatewayAddress is where a waypoint or network gateway is to be found.
type GatewayAddress struct {
	// Destination is "<network>/<ip>" or "<namespace>/<hostname>".
	Destination   string `json:"destination"`
	HBONEMTLSPort uint16 `json:"hboneMtlsPort,omitzero"`
	// Port is what early 1.22 builds printed in place of hboneMtlsPort.
	Port uint16 `json:"port,omitzero"`

	Extra jsontext.Value `json:",embed"`
}

// HBONEPort is the port to reach the gateway at.
func (g *GatewayAddress) HBONEPort() uint16 {
	if g.HBONEMTLSPort != 0 {
		return g.HBONEMTLSPort
	}
	return g.Port
}

// ApplicationTunnel is how the workload itself wants to receive traffic:
// Protocol is "NONE" or "PROXY" (the PROXY protocol). Port 0 is the port called.
type ApplicationTunnel struct {
	Protocol string `json:"protocol"`
	Port     uint16 `json:"port,omitzero"`

	Extra jsontext.Value `json:",embed"`
}

// Locality is where a workload runs.
type Locality struct {
	Region  string `json:"region,omitzero"`
	Zone    string `json:"zone,omitzero"`
	Subzone string `json:"subzone,omitzero"`

	Extra jsontext.Value `json:",embed"`
}
