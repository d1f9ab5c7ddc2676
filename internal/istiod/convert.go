package istiod

import (
	"fmt"
	"maps"
	"slices"

	"github.com/zbundle/zbundle/internal/ztunnel"
)

// builder turns istiod's messages into what a ztunnel makes of them
// (istio/ztunnel src/state/workload.rs, src/state/service.rs, src/state.rs).
type builder struct {
	out     Ambientz
	visit   func(*Workload) error // that takes the workloads; nil keeps them
	serving []serving
}

// serving is what one workload offers of one service.
type serving struct {
	service  string // "<namespace>/<hostname>"
	endpoint ztunnel.Endpoint
}

func (b *builder) workload(p *protoWorkload, pointer string) error {
	w := Workload{
		Pointer:               pointer,
		WorkloadIPs:           addresses(p.Addresses),
		Waypoint:              p.Waypoint.convert(),
		NetworkGateway:        p.NetworkGateway.convert(),
		Protocol:              p.TunnelProtocol.in("", ztunnel.ProtocolTCP, "NONE", ztunnel.ProtocolTCP, "HBONE", ztunnel.ProtocolHBONE),
		NetworkMode:           p.NetworkMode.in("", ztunnel.NetworkModeStandard, "STANDARD", ztunnel.NetworkModeStandard, "HOST_NETWORK", ztunnel.NetworkModeHostNetwork),
		UID:                   p.UID,
		Name:                  p.Name,
		Namespace:             p.Namespace,
		TrustDomain:           p.TrustDomain,
		ServiceAccount:        p.ServiceAccount,
		Network:               p.Network,
		WorkloadName:          p.WorkloadName,
		WorkloadType:          p.WorkloadType.in("", "deployment", "DEPLOYMENT", "deployment", "CRONJOB", "cronjob", "POD", "pod", "JOB", "job"),
		CanonicalName:         p.CanonicalName,
		CanonicalRevision:     p.CanonicalRevision,
		Hostname:              p.Hostname,
		Node:                  p.Node,
		NativeTunnel:          p.NativeTunnel,
		AuthorizationPolicies: p.AuthorizationPolicies,
		Status:                p.Status.in("", ztunnel.StatusHealthy, "HEALTHY", ztunnel.StatusHealthy, "UNHEALTHY", ztunnel.StatusUnhealthy),
		ClusterID:             p.ClusterID,
		Services:              slices.Sorted(maps.Keys(p.Services)),
		Capacity:              p.Capacity,
	}
	if p.Locality != nil {
		w.Locality = &ztunnel.Locality{Region: p.Locality.Region, Zone: p.Locality.Zone, Subzone: p.Locality.Subzone}
	}
	if t := p.ApplicationTunnel; t != nil {
		w.ApplicationTunnel = &ztunnel.ApplicationTunnel{Protocol: t.Protocol.in("", "NONE"), Port: t.Port}
	}
	w.FillDefaults()
	for _, key := range w.Services {
		b.serving = append(b.serving, serving{key, ztunnel.Endpoint{
			WorkloadUID: w.UID, Ports: ports(p.Services[key].Ports), Status: w.Status,
		}})
	}
	if b.visit != nil {
		return b.visit(&w)
	}
	b.out.Workloads = append(b.out.Workloads, w)
	return nil
}

func (b *builder) service(p *protoService, pointer string) {
	s := Service{
		Pointer:         pointer,
		Name:            p.Name,
		Namespace:       p.Namespace,
		Hostname:        p.Hostname,
		VIPs:            []string{},
		Ports:           ports(p.Ports),
		Endpoints:       map[string]ztunnel.Endpoint{},
		SubjectAltNames: append([]string{}, p.SubjectAltNames...),
		Waypoint:        p.Waypoint.convert(),
		LoadBalancer:    p.LoadBalancing.convert(),
		IPFamilies:      p.IPFamilies.in("AUTOMATIC", "", "IPV4_ONLY", "IPv4", "IPV6_ONLY", "IPv6", "DUAL", "Dual"),
		Canonical:       &p.Canonical,
		Visibility:      p.Visibility.in("", ztunnel.VisibilityPublic, "PUBLIC", ztunnel.VisibilityPublic, "NAMESPACE", ztunnel.VisibilityNamespace),
	}
	for _, a := range p.Addresses {
		text := addressText(a.Address)
		if a.Length != nil {
			s.CIDRVIPs = append(s.CIDRVIPs, ztunnel.CIDRVIP{Network: a.Network, CIDR: fmt.Sprintf("%s/%d", text, *a.Length)})
			continue
		}
		s.VIPs = append(s.VIPs, a.Network+"/"+text)
	}
	for _, w := range p.WeightedWaypoints {
		s.WeightedWaypoints = append(s.WeightedWaypoints, ztunnel.WeightedWaypoint{Destination: *w.Destination.convert(), Weight: w.Weight})
	}
	s.FillDefaults()
	b.out.Services = append(b.out.Services, s)
}

// endpoints gives every service those of its workloads that its health policy
// admits, as ztunnel does.
func (b *builder) endpoints() {
	at := map[string]*Service{}
	for i := range b.out.Services {
		at[b.out.Services[i].Key()] = &b.out.Services[i]
	}
	for _, v := range b.serving {
		s := at[v.service]
		if s == nil || v.endpoint.Status != ztunnel.StatusHealthy && !admitsAll(s) {
			continue
		}
		s.Endpoints[v.endpoint.WorkloadUID] = v.endpoint
	}
}

func admitsAll(s *Service) bool {
	return s.LoadBalancer != nil && s.LoadBalancer.HealthPolicy == ztunnel.HealthPolicyAllowAll
}

func (g *protoGateway) convert() *ztunnel.GatewayAddress {
	if g == nil {
		return nil
	}
	out := &ztunnel.GatewayAddress{HBONEMTLSPort: g.HBONEMTLSPort}
	switch {
	case g.Hostname != nil:
		out.Destination = g.Hostname.Namespace + "/" + g.Hostname.Hostname
	case g.Address != nil:
		out.Destination = g.Address.Network + "/" + addressText(g.Address.Address)
	}
	return out
}

func (l *protoLoadBalancing) convert() *ztunnel.LoadBalancer {
	if l == nil {
		return nil
	}
	out := &ztunnel.LoadBalancer{
		RoutingPreferences: []string{},
		Mode: l.Mode.in("", ztunnel.LoadBalancerStandard, "UNSPECIFIED_MODE", ztunnel.LoadBalancerStandard,
			"STRICT", ztunnel.LoadBalancerStrict, "FAILOVER", ztunnel.LoadBalancerFailover, "PASSTHROUGH", ztunnel.LoadBalancerPassthrough),
		HealthPolicy: l.HealthPolicy.in("", ztunnel.HealthPolicyOnlyHealthy,
			"ONLY_HEALTHY", ztunnel.HealthPolicyOnlyHealthy, "ALLOW_ALL", ztunnel.HealthPolicyAllowAll),
	}
	for _, scope := range l.RoutingPreference {
		out.RoutingPreferences = append(out.RoutingPreferences, scope.in("REGION", "Region", "ZONE", "Zone",
			"SUBZONE", "Subzone", "NODE", "Node", "CLUSTER", "Cluster", "NETWORK", "Network"))
	}
	return out
}

func ports(list []protoPort) map[uint16]uint16 {
	out := make(map[uint16]uint16, len(list))
	for _, p := range list {
		out[p.ServicePort] = p.TargetPort
	}
	return out
}

func addresses(list []string) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, addressText(a))
	}
	return out
}

// addressText is the IP as text; what is no address stays as it is.
func addressText(s string) string {
	if ip := address(s); ip.IsValid() {
		return ip.String()
	}
	return s
}
