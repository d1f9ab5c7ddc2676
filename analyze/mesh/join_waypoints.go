package mesh

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/internal/istio"
)

// useWaypoint follows istio.io/use-waypoint of the service, else of its namespace.
func useWaypoint(m *Mesh, s *Service) {
	if !s.InKubernetes {
		return
	}
	labels := s.Labels
	if _, own := labels[istio.UseWaypointLabel]; !own {
		if ns := m.index.namespaces[s.Namespace]; ns != nil {
			labels = ns.Labels
		}
	}
	if v := labels[istio.UseWaypointLabel]; v != "" && v != "none" {
		s.UseWaypoint, s.WaypointNamespace = v, cmp.Or(labels[istio.UseWaypointNamespaceLabel], s.Namespace)
	}
}

// joinWaypoints ties Gateways to their pods and to what ztunnels send to them.
func joinWaypoints(m *Mesh) {
	used := map[string]bool{}
	for _, s := range m.Services {
		if s.Waypoint != "" {
			used[s.Waypoint] = true
		}
	}
	for _, w := range m.Workloads {
		if w.Spec != nil && w.Spec.Waypoint != "" {
			used[w.Spec.Waypoint] = true
		}
	}
	for _, wp := range m.Waypoints {
		for _, p := range m.Pods {
			if p.Namespace == wp.Namespace && p.Labels[istio.GatewayNameLabel] == wp.Name {
				wp.Pods = append(wp.Pods, p)
				if p.Ready && !p.Deleting {
					wp.ReadyPods++
				}
			}
		}
		wp.InUse = waypointUsed(m, wp, used)
	}
	joinWaypointUsers(m)
}

// joinWaypointUsers ties services and pods to the Gateways that their labels name.
func joinWaypointUsers(m *Mesh) {
	for _, s := range m.Services {
		if s.UseWaypoint != "" {
			s.UsesWaypoint = m.index.gateways[s.WaypointNamespace+"/"+s.UseWaypoint]
		}
	}
	joinThroughWaypoint(m)
	for _, p := range m.Pods {
		if name := p.Labels[istio.UseWaypointLabel]; name != "" && name != "none" {
			p.UsesWaypoint = m.index.gateways[cmp.Or(p.Labels[istio.UseWaypointNamespaceLabel], p.Namespace)+"/"+name]
		}
	}
}

// waypointUsed matches a destination of ztunnel, "<network>/<ip>" or
// "<namespace>/<hostname>", against the waypoint's addresses and service.
func waypointUsed(m *Mesh, wp *Waypoint, used map[string]bool) bool {
	for dest := range used {
		ns, rest, _ := strings.Cut(dest, "/")
		if slices.Contains(wp.Addresses, rest) {
			return true
		}
		if ns == wp.Namespace && (rest == wp.Name || strings.HasPrefix(rest, wp.Name+"."+wp.Namespace+".svc.")) {
			return true
		}
		if s := m.index.services[wp.Namespace+"/"+wp.Name+"."+wp.Namespace+".svc.cluster.local"]; s != nil && slices.Contains(s.VIPs, rest) {
			return true
		}
	}
	return false
}

func joinThroughWaypoint(m *Mesh) {
	direct := map[*Workload]bool{}
	for _, s := range m.Services {
		for _, w := range s.Workloads {
			if s.Waypoint == "" || w.ThroughWaypoint != "" && w.ThroughWaypoint != s.Waypoint {
				direct[w] = true
			}
			w.ThroughWaypoint = s.Waypoint
		}
	}
	for _, w := range m.Workloads {
		if direct[w] {
			w.ThroughWaypoint = ""
		}
		if w.Spec != nil && w.Spec.Waypoint != "" {
			w.ThroughWaypoint = w.Spec.Waypoint
		}
	}
}
