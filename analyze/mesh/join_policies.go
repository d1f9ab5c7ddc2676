package mesh

import (
	"slices"
	"strings"
)

// joinPolicies adds to the AuthorizationPolicies that Kubernetes has what
// istiod and the ztunnels hold, and who names a policy without holding it.
func (m *Mesh) joinPolicies() {
	for _, p := range m.Policies {
		m.index.policies[p.Namespace+"/"+p.Name] = p
	}
	views := group(m.Ztunnels, func(z *Ztunnel) (*PolicySet, bool) { return z.Policies, z.Policies != nil })
	for _, set := range views.sets {
		for _, key := range sortedKeys(set.Specs) {
			p := m.policy(key)
			spec := set.Specs[key]
			p.Held = append(p.Held, views.by[set]...)
			if p.ZtunnelSource.File == "" {
				p.ZtunnelSource = spec.Source
			}
			if p.Action == "" {
				p.Action, p.Scope, p.RuleCount = spec.Action, spec.Scope, spec.RuleCount
			}
		}
	}
	for _, i := range m.Istiods {
		if i.Policies == nil {
			continue
		}
		for _, key := range sortedKeys(i.Policies.Specs) {
			m.policy(key).InIstiod = true
		}
	}
	for _, p := range m.Policies {
		for _, set := range views.sets {
			if set.Specs[p.Namespace+"/"+p.Name] == nil {
				p.MissingFrom = append(p.MissingFrom, views.by[set]...)
			}
		}
	}
	m.joinReferences()
	m.joinSelections()
}

// joinSelections counts the captured pods that each policy selects: one for
// an ingress gateway is no business of ztunnel's.
func (m *Mesh) joinSelections() {
	for _, p := range m.Policies {
		if !p.InKubernetes {
			continue
		}
		for _, pod := range m.Pods {
			inScope := p.Namespace == pod.Namespace || p.Namespace == m.RootNamespace
			if pod.Enrolled && inScope && selects(p.Selector, pod.Labels) {
				p.SelectsEnrolled++
			}
		}
	}
}

func selects(selector, labels map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// joinReferences looks only at the policies of workloads on the ztunnel's own
// node: elsewhere a name without its policy has no effect.
func (m *Mesh) joinReferences() {
	for _, w := range m.Workloads {
		if w.Spec == nil {
			continue
		}
		z := m.index.ztunnels[w.Spec.Node]
		for _, key := range w.Spec.Policies {
			p := m.policy(key)
			p.Workloads = append(p.Workloads, w.UID)
			if p.ZtunnelSource.File == "" {
				p.ZtunnelSource = w.Spec.Source
			}
			if z == nil || z.Policies == nil || slices.Contains(p.ReferencedBy, z) {
				continue
			}
			p.ReferencedBy = append(p.ReferencedBy, z)
			if z.Policies.Specs[key] == nil {
				p.Unknown = append(p.Unknown, z)
			}
		}
	}
}

func (m *Mesh) policy(key string) *Policy {
	if p := m.index.policies[key]; p != nil {
		return p
	}
	ns, name, _ := strings.Cut(key, "/")
	p := &Policy{Namespace: ns, Name: name}
	m.index.policies[key] = p
	m.Policies = append(m.Policies, p)
	return p
}

// joinWaypoints ties Gateways to their pods and to what ztunnels send to them.
func (m *Mesh) joinWaypoints() {
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
			if p.Namespace == wp.Namespace && p.Labels["gateway.networking.k8s.io/gateway-name"] == wp.Name {
				wp.Pods = append(wp.Pods, p)
				if p.Ready && !p.Deleting {
					wp.ReadyPods++
				}
			}
		}
		wp.InUse = m.waypointUsed(wp, used)
	}
}

// waypointUsed matches a destination of ztunnel, "<network>/<ip>" or
// "<namespace>/<hostname>", against the waypoint's addresses and service.
func (m *Mesh) waypointUsed(wp *Waypoint, used map[string]bool) bool {
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
