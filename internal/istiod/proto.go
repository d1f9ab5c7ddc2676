package istiod

import (
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The messages below follow istio/istio pkg/workloadapi/workload.proto and
// pkg/workloadapi/security/authorization.proto as protojson prints them:
// fields that hold their default are left out.

// enum is an enum's name; a value that istiod itself has no name for is a number.
type enum string

func (e *enum) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '0' {
		var n int64
		if err := json.UnmarshalDecode(dec, &n); err != nil {
			return err
		}
		*e = enum(strconv.FormatInt(n, 10))
		return nil
	}
	return json.UnmarshalDecode(dec, (*string)(e))
}

// in translates to ztunnel's word, which follows its own in words; a value without one stays as it is.
func (e enum) in(words ...string) string {
	for i := 0; i+1 < len(words); i += 2 {
		if string(e) == words[i] {
			return words[i+1]
		}
	}
	return string(e)
}

type protoWorkload struct {
	UID                   string                   `json:"uid"`
	Name                  string                   `json:"name"`
	Namespace             string                   `json:"namespace"`
	Addresses             []string                 `json:"addresses"`
	Hostname              string                   `json:"hostname"`
	Network               string                   `json:"network"`
	TunnelProtocol        enum                     `json:"tunnelProtocol"`
	TrustDomain           string                   `json:"trustDomain"`
	ServiceAccount        string                   `json:"serviceAccount"`
	Waypoint              *protoGateway            `json:"waypoint"`
	NetworkGateway        *protoGateway            `json:"networkGateway"`
	Node                  string                   `json:"node"`
	CanonicalName         string                   `json:"canonicalName"`
	CanonicalRevision     string                   `json:"canonicalRevision"`
	WorkloadType          enum                     `json:"workloadType"`
	WorkloadName          string                   `json:"workloadName"`
	NativeTunnel          bool                     `json:"nativeTunnel"`
	ApplicationTunnel     *protoTunnel             `json:"applicationTunnel"`
	Services              map[string]protoPortList `json:"services"`
	AuthorizationPolicies []string                 `json:"authorizationPolicies"`
	Status                enum                     `json:"status"`
	ClusterID             string                   `json:"clusterId"`
	Locality              *protoLocality           `json:"locality"`
	NetworkMode           enum                     `json:"networkMode"`
	Capacity              *uint32                  `json:"capacity"`
}

type protoLocality struct {
	Region  string `json:"region"`
	Zone    string `json:"zone"`
	Subzone string `json:"subzone"`
}

type protoTunnel struct {
	Protocol enum   `json:"protocol"`
	Port     uint16 `json:"port"`
}

type protoPortList struct {
	Ports []protoPort `json:"ports"`
}

type protoPort struct {
	ServicePort uint16 `json:"servicePort"`
	TargetPort  uint16 `json:"targetPort"`
}

type protoGateway struct {
	Hostname *struct {
		Namespace string `json:"namespace"`
		Hostname  string `json:"hostname"`
	} `json:"hostname"`
	Address       *protoNetworkAddress `json:"address"`
	HBONEMTLSPort uint16               `json:"hboneMtlsPort"`
}

type protoNetworkAddress struct {
	Network string `json:"network"`
	Address string `json:"address"`
	Length  *int   `json:"length"` // of a range; nil for one address
}

type protoService struct {
	Name              string                `json:"name"`
	Namespace         string                `json:"namespace"`
	Hostname          string                `json:"hostname"`
	Addresses         []protoNetworkAddress `json:"addresses"`
	Ports             []protoPort           `json:"ports"`
	SubjectAltNames   []string              `json:"subjectAltNames"`
	Waypoint          *protoGateway         `json:"waypoint"`
	LoadBalancing     *protoLoadBalancing   `json:"loadBalancing"`
	IPFamilies        enum                  `json:"ipFamilies"`
	Canonical         bool                  `json:"canonical"`
	WeightedWaypoints []struct {
		Destination protoGateway `json:"destination"`
		Weight      uint32       `json:"weight"`
	} `json:"weightedWaypoints"`
	Visibility enum `json:"visibility"`
}

type protoLoadBalancing struct {
	RoutingPreference []enum `json:"routingPreference"`
	Mode              enum   `json:"mode"`
	HealthPolicy      enum   `json:"healthPolicy"`
}

type protoPolicy struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Scope     enum   `json:"scope"`
	Action    enum   `json:"action"`
	DryRun    bool   `json:"dryRun"`
	Groups    []struct {
		Rules []struct {
			Matches []protoMatch `json:"matches"`
		} `json:"rules"`
	} `json:"groups"`
}

type protoMatch struct {
	Namespaces          []protoString         `json:"namespaces"`
	NotNamespaces       []protoString         `json:"notNamespaces"`
	ServiceAccounts     []protoServiceAccount `json:"serviceAccounts"`
	NotServiceAccounts  []protoServiceAccount `json:"notServiceAccounts"`
	Principals          []protoString         `json:"principals"`
	NotPrincipals       []protoString         `json:"notPrincipals"`
	SourceIPs           []protoRange          `json:"sourceIps"`
	NotSourceIPs        []protoRange          `json:"notSourceIps"`
	DestinationIPs      []protoRange          `json:"destinationIps"`
	NotDestinationIPs   []protoRange          `json:"notDestinationIps"`
	DestinationPorts    []uint16              `json:"destinationPorts"`
	NotDestinationPorts []uint16              `json:"notDestinationPorts"`
}

type protoServiceAccount struct {
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
}

type protoRange struct {
	Address string `json:"address"`
	Length  int    `json:"length"`
}

// protoString has exactly one of its fields.
type protoString struct {
	Exact    *string        `json:"exact"`
	Prefix   *string        `json:"prefix"`
	Suffix   *string        `json:"suffix"`
	Presence jsontext.Value `json:"presence"`
}
