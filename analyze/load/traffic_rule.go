package load

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// hostRef is where a route sends to.
type hostRef struct {
	Host string `json:"host"`
}

type routeDestination struct {
	Destination hostRef `json:"destination"`
}

// virtualServiceObject is networking.istio.io (istio/api networking/v1alpha3/virtual_service.proto).
type virtualServiceObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Hosts    []string           `json:"hosts"`
		Gateways []string           `json:"gateways"`
		ExportTo []string           `json:"exportTo"`
		HTTP     []virtualHTTPRoute `json:"http"`
		TLS      []virtualRoute     `json:"tls"`
		TCP      []virtualRoute     `json:"tcp"`
	} `json:"spec"`
}

type virtualRoute struct {
	Route []routeDestination `json:"route"`
}

type virtualHTTPRoute struct {
	Route   []routeDestination `json:"route"`
	Mirror  *hostRef           `json:"mirror"`
	Mirrors []routeDestination `json:"mirrors"`
}

// meshGateway is the name by which a VirtualService is for calls within the mesh.
const meshGateway = "mesh"

func addVirtualService(m *mesh.Mesh, o virtualServiceObject, at mesh.Evidence) {
	r := trafficRule("VirtualService", o.Metadata, at)
	r.Hosts, r.ExportTo = o.Spec.Hosts, o.Spec.ExportTo
	r.Mesh = len(o.Spec.Gateways) == 0 || slices.Contains(o.Spec.Gateways, meshGateway)
	// One without hosts is a part of another, which may be a gateway's.
	r.Gateway = len(o.Spec.Hosts) == 0 || slices.ContainsFunc(o.Spec.Gateways, func(g string) bool { return g != meshGateway })
	backends := func(list []routeDestination) {
		for _, d := range list {
			r.Backends = append(r.Backends, d.Destination.Host)
		}
	}
	for _, h := range o.Spec.HTTP {
		backends(h.Route)
		backends(h.Mirrors)
		if h.Mirror != nil {
			r.Backends = append(r.Backends, h.Mirror.Host)
		}
	}
	for _, t := range slices.Concat(o.Spec.TLS, o.Spec.TCP) {
		backends(t.Route)
	}
	for _, part := range []struct {
		name string
		n    int
	}{{"http", len(o.Spec.HTTP)}, {"tls", len(o.Spec.TLS)}, {"tcp", len(o.Spec.TCP)}} {
		if part.n > 0 {
			r.Settings = append(r.Settings, part.name)
		}
	}
	m.VirtualServices = append(m.VirtualServices, r)
}

func trafficRule(kind string, m metadata, at mesh.Evidence) *mesh.TrafficRule {
	return &mesh.TrafficRule{Kind: kind, Namespace: m.Namespace, Name: m.Name, Created: m.CreationTimestamp, Source: at}
}

// destinationRuleObject is networking.istio.io (istio/api networking/v1alpha3/destination_rule.proto).
type destinationRuleObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Host             string              `json:"host"`
		ExportTo         []string            `json:"exportTo"`
		TrafficPolicy    trafficPolicyObject `json:"trafficPolicy"`
		WorkloadSelector *selectorObject     `json:"workloadSelector"`
		Subsets          []struct {
			TrafficPolicy trafficPolicyObject `json:"trafficPolicy"`
		} `json:"subsets"`
	} `json:"spec"`
}

// trafficPolicyObject is what of a traffic policy only an Envoy acts by. What it says of TLS is left
// out: between captured pods ztunnel encrypts whatever it says.
type trafficPolicyObject struct {
	LoadBalancer      jsontext.Value        `json:"loadBalancer"`
	ConnectionPool    jsontext.Value        `json:"connectionPool"`
	OutlierDetection  jsontext.Value        `json:"outlierDetection"`
	PortLevelSettings []trafficPolicyObject `json:"portLevelSettings"`
}

// settings are those that it has, for all ports or for single ones.
func (p trafficPolicyObject) settings() map[string]bool {
	set := map[string]bool{
		"loadBalancer": len(p.LoadBalancer) > 0, "connectionPool": len(p.ConnectionPool) > 0, "outlierDetection": len(p.OutlierDetection) > 0,
	}
	for _, port := range p.PortLevelSettings {
		for name, has := range port.settings() {
			set[name] = set[name] || has
		}
	}
	return set
}

func addDestinationRule(m *mesh.Mesh, o destinationRuleObject, at mesh.Evidence) {
	r := trafficRule("DestinationRule", o.Metadata, at)
	r.Mesh, r.ExportTo = true, o.Spec.ExportTo
	all := trafficPolicyObject{PortLevelSettings: []trafficPolicyObject{o.Spec.TrafficPolicy}}
	for _, s := range o.Spec.Subsets {
		all.PortLevelSettings = append(all.PortLevelSettings, s.TrafficPolicy)
	}
	for name, has := range byKey(all.settings()) {
		if has {
			r.Settings = append(r.Settings, name)
		}
	}
	if o.Spec.WorkloadSelector == nil { // else it is for the proxies of single workloads
		r.Hosts = []string{o.Spec.Host}
	}
	m.DestinationRules = append(m.DestinationRules, r)
}

// routeObject is any route of the Gateway API (gateway-api apis/v1 and v1alpha2).
type routeObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		ParentRefs []objectRef `json:"parentRefs"`
		Rules      []struct {
			BackendRefs []objectRef `json:"backendRefs"`
			Filters     []struct {
				RequestMirror struct {
					BackendRef objectRef `json:"backendRef"`
				} `json:"requestMirror"`
			} `json:"filters"`
		} `json:"rules"`
	} `json:"spec"`
}

type objectRef struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// host is the whole name of the service that is meant, from the namespace of who names it.
func (o objectRef) host(from string) string {
	ns := o.Namespace
	if ns == "" {
		ns = from
	}
	return o.Name + "." + ns + ".svc.cluster.local"
}

func addRoute(m *mesh.Mesh, kind string) func(routeObject, mesh.Evidence) {
	return func(o routeObject, at mesh.Evidence) {
		r := trafficRule(kind, o.Metadata, at)
		for _, p := range o.Spec.ParentRefs {
			if p.Kind == "Service" {
				r.Mesh = true
				r.Hosts = append(r.Hosts, p.host(r.Namespace))
			} else {
				r.Gateway = true
			}
		}
		for _, rule := range o.Spec.Rules {
			backends := rule.BackendRefs
			for _, f := range rule.Filters {
				backends = append(backends, f.RequestMirror.BackendRef)
			}
			for _, b := range backends {
				r.Backends = append(r.Backends, b.host(r.Namespace))
			}
		}
		m.Routes = append(m.Routes, r)
	}
}
