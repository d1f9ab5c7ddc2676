package mesh

import (
	"slices"
	"strings"

	"github.com/zbundle/zbundle/internal/istio"
)

// sidecarProxy is how istiod calls a sidecar among the proxies that are connected to it.
const sidecarProxy = "sidecar"

// joinTrafficConfig finds who reads each object that tells Envoys how to treat traffic.
func joinTrafficConfig(m *Mesh) {
	rules := slices.Concat(m.VirtualServices, m.Routes, m.DestinationRules)
	policies := slices.Concat(m.RequestAuthentications, m.WasmPlugins, m.Telemetries)
	if len(rules)+len(policies) == 0 {
		return
	}
	readers := newRuleReaders(m)
	joinTrafficRules(m, rules, readers)
	joinTargetablePolicies(m, policies, readers)
}

// joinTrafficRules finds who reads each rule: callers' sidecars, the waypoints of its services,
// or gateways that send to them. ztunnel reads none.
func joinTrafficRules(m *Mesh, all []*TrafficRule, readers *ruleReaders) {
	for _, r := range all {
		r.Sidecars = readers.sidecars(r)
	}
	for _, r := range slices.Concat(m.VirtualServices, m.Routes) {
		if r.Mesh {
			readers.judge(r)
		}
		switch {
		case r.Gateway:
			readers.sends(r, readers.byGateways)
		case readers.waypoint(r):
			readers.sends(r, readers.byWaypoints)
		}
	}
	for _, r := range m.DestinationRules {
		readers.judge(r)
	}
}

// ruleReaders are the proxies of a mesh that read traffic rules.
type ruleReaders struct {
	mesh       *Mesh
	services   map[string]*Service // of Kubernetes, "<ns>/<name>"
	pods       map[string][]*Pod   // by namespace
	ofCallers  map[string]int      // sidecars by namespace
	elsewhere  int                 // sidecars that are no pods of this cluster
	everything bool                // a gateway between networks sends to all services
	// What gateways, and waypoints of other services, send to.
	byGateways, byWaypoints map[*Service]bool
}

func newRuleReaders(m *Mesh) *ruleReaders {
	r := &ruleReaders{mesh: m, services: map[string]*Service{}, pods: map[string][]*Pod{}, ofCallers: map[string]int{},
		byGateways: map[*Service]bool{}, byWaypoints: map[*Service]bool{}}
	for _, s := range m.Services {
		if s.InKubernetes {
			r.services[s.Namespace+"/"+s.Name] = s
		}
	}
	known := 0
	for _, p := range m.Pods {
		r.pods[p.Namespace] = append(r.pods[p.Namespace], p)
		if p.Sidecar && p.Phase != "Succeeded" && p.Phase != "Failed" {
			r.ofCallers[p.Namespace]++
			known++
		}
		r.everything = r.everything || p.Component == "gateway" && (p.Labels["istio"] == istio.EastWestGateway || p.Labels[istio.NetworkLabel] != "")
	}
	connected := 0
	for _, i := range m.Istiods {
		connected += i.Proxies[sidecarProxy]
	}
	r.elsewhere = max(0, connected-known)
	return r
}

// sidecars counts those that a rule is exported to. Where others run istiod alone knows.
func (r *ruleReaders) sidecars(rule *TrafficRule) int {
	n := r.elsewhere
	for ns, count := range r.ofCallers {
		if len(rule.ExportTo) == 0 || slices.Contains(rule.ExportTo, "*") || slices.Contains(rule.ExportTo, ns) ||
			ns == rule.Namespace && slices.Contains(rule.ExportTo, ".") {
			n += count
		}
	}
	return n
}

// service is the one that a host names: the short name of one in the rule's
// own namespace or the whole one. Patterns name none.
func (r *ruleReaders) service(rule *TrafficRule, host string) *Service {
	if !strings.Contains(host, ".") {
		return r.services[rule.Namespace+"/"+host]
	}
	s := serviceSubject(host)
	return r.services[s.Namespace+"/"+s.Name]
}

// throughWaypoint tells whether calls of the service go through a waypoint, and which namespace it is in.
func throughWaypoint(s *Service) (namespace string, ok bool) {
	if s.UsesWaypoint != nil && slices.Contains([]string{"workload", "none"}, s.UsesWaypoint.TrafficType) {
		return "", s.Waypoint != ""
	}
	return s.WaypointNamespace, s.UseWaypoint != "" || s.Waypoint != ""
}

func (r *ruleReaders) captured(s *Service) bool {
	return s.HasSelector && slices.ContainsFunc(r.pods[s.Namespace], func(p *Pod) bool {
		return p.Enrolled && p.Running && selects(s.Selector, p.Labels)
	})
}

// judge finds the captured services that nobody but sidecars reads the rule for.
func (r *ruleReaders) judge(rule *TrafficRule) {
	for _, host := range rule.Hosts {
		s := r.service(rule, host)
		if s == nil || !r.captured(s) {
			continue
		}
		namespace, through := throughWaypoint(s)
		switch {
		case rule.Kind == "DestinationRule" && (r.everything || r.byGateways[s] || r.byWaypoints[s] && !through):
		case !through:
			rule.Bare = append(rule.Bare, s)
		case !r.near(rule, s, namespace):
			rule.Foreign = append(rule.Foreign, s)
		}
	}
}

// near tells whether a service's waypoint looks for rules where this one is
// (istio/istio pilot/pkg/networking/core/listener_waypoint.go getVirtualServiceForWaypoint,
// pilot/pkg/model/push_context.go destinationRule).
func (r *ruleReaders) near(rule *TrafficRule, s *Service, waypoint string) bool {
	return waypoint == "" || rule.Namespace == s.Namespace || rule.Namespace == waypoint ||
		rule.Kind == "DestinationRule" && rule.Namespace == r.mesh.RootNamespace
}

// waypoint tells whether one reads a rule of calls within the mesh.
func (r *ruleReaders) waypoint(rule *TrafficRule) bool {
	return rule.Mesh && slices.ContainsFunc(rule.Hosts, func(host string) bool {
		s := r.service(rule, host)
		if s == nil {
			return false
		}
		_, through := throughWaypoint(s)
		return through
	})
}

// sends notes where those who read the rule send to.
func (r *ruleReaders) sends(rule *TrafficRule, to map[*Service]bool) {
	for _, host := range rule.Backends {
		if s := r.service(rule, host); s != nil {
			to[s] = true
		}
	}
}
