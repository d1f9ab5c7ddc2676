package mesh

import (
	"strings"
	"time"
)

// TrafficRule tells proxies how to treat calls of services: an Istio VirtualService or
// DestinationRule, or a route of the Gateway API.
type TrafficRule struct {
	Created time.Time `expr:"created"`
	// Kind is "VirtualService", "DestinationRule", "HTTPRoute", "GRPCRoute", "TCPRoute" or "TLSRoute".
	Kind       string  `expr:"kind"`
	Namespace  string  `expr:"namespace"`
	Name       string  `expr:"name"`
	AgeSeconds float64 `expr:"ageSeconds"`
	// Hosts are those that it is for calls of within the mesh; of a route, the services that are its parents.
	Hosts []string `expr:"hosts"`
	// Backends are the hosts that it sends calls to.
	Backends []string `expr:"backends"`
	// Gateway is true where some gateway reads it, Mesh where the proxies of callers and waypoints do.
	Gateway bool `expr:"gateway"`
	Mesh    bool `expr:"mesh"`
	// Settings are what it asks of proxies: "http", "tls" or "tcp" of a VirtualService,
	// "loadBalancer", "connectionPool" or "outlierDetection" of a DestinationRule.
	Settings []string `expr:"settings"`
	// Sidecars counts the sidecars that it is exported to, which are proxies of callers.
	Sidecars int `expr:"sidecars"`
	// Bare are the services with captured pods among its hosts that have no waypoint and that
	// no gateway sends to; Foreign are those whose waypoint is in another namespace than it,
	// as the service is: waypoints read what is in either of both.
	Bare    []*Service `expr:"bare"`
	Foreign []*Service `expr:"foreign"`

	// ExportTo is spec.exportTo, empty for all namespaces.
	ExportTo []string `expr:"-"`
	Source   Evidence
}

func (r *TrafficRule) Subject() Subject {
	return Subject{Kind: strings.ToLower(r.Kind), Namespace: r.Namespace, Name: r.Name}
}

// Refs are the rule and the services that nothing reads it for.
func (r *TrafficRule) Refs() []string {
	keys := []string{r.Subject().Key()}
	for _, services := range [][]*Service{r.Bare, r.Foreign} {
		keys = append(keys, keysOf(services)...)
	}
	return refs(keys...)
}

func (r *TrafficRule) Evidence() []Evidence {
	es := []Evidence{r.Source}
	for _, services := range [][]*Service{r.Bare, r.Foreign} {
		if len(services) > 0 {
			es = append(es, services[0].Source)
		}
	}
	return evidence(es...)
}

func (r *TrafficRule) Gap(string) (*Gap, bool) { return nil, false }
