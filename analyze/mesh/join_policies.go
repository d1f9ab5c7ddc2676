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
	held := planeOf(m.Ztunnels, func(z *Ztunnel) *PolicySet { return z.Policies })
	for _, key := range sortedKeys(held.keys()) {
		held.each(key, func(spec *PolicySpec, zs []*Ztunnel) {
			if spec != nil {
				m.policy(key).holds(held, spec, zs)
			}
		})
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
		held.each(p.Namespace+"/"+p.Name, func(spec *PolicySpec, zs []*Ztunnel) {
			if spec == nil {
				p.MissingFrom = held.join(p.MissingFrom, zs)
			}
		})
	}
	m.joinReferences()
	m.joinSelections()
	m.joinWaypointSelections()
	m.joinStrangers()
}

// holds adds what some ztunnels hold of the policy.
func (p *Policy) holds(held *plane[PolicySpec], spec *PolicySpec, zs []*Ztunnel) {
	p.Held = held.join(p.Held, zs)
	if p.ZtunnelSource.File == "" {
		p.ZtunnelSource = spec.Source
	}
	if spec.RuleCount == 0 {
		p.HeldEmpty = held.join(p.HeldEmpty, zs)
	}
	if !spec.DryRun {
		p.EnforcedBy = held.join(p.EnforcedBy, zs)
	}
	if p.Action == "" {
		p.Action, p.Scope, p.RuleCount, p.DryRun = spec.Action, spec.Scope, spec.RuleCount, spec.DryRun
	}
}

// joinSelections finds the captured pods that each policy selects: one for an
// ingress gateway is no business of ztunnel's. A pod that only one ALLOW
// policy selects can be called by nobody but those that this one allows.
func (m *Mesh) joinSelections() {
	for _, p := range m.Policies {
		if !p.InKubernetes {
			continue
		}
		for _, pod := range m.Pods {
			if !pod.Enrolled || !m.inScope(p.Namespace, pod) || !selects(p.Selector, pod.Labels) {
				continue
			}
			p.SelectsEnrolled++
			if p.Action == "ALLOW" && !p.TargetRefs {
				pod.allow = append(pod.allow, p)
			}
		}
	}
	for _, pod := range m.Pods {
		if len(pod.allow) == 1 {
			p := pod.allow[0]
			p.ShutOff = append(p.ShutOff, pod)
		}
	}
}

// joinWaypointSelections finds the policies whose selectors are meant for waypoints, which look at targetRefs alone
// (istio/istio pilot/pkg/model/policyattachment.go).
func (m *Mesh) joinWaypointSelections() {
	for _, p := range m.Policies {
		if !p.InKubernetes || p.TargetRefs || len(p.Selector) == 0 || p.SelectsEnrolled > 0 {
			continue
		}
		for _, pod := range m.Pods {
			if !pod.Running || !m.inScope(p.Namespace, pod) || !selects(p.Selector, pod.Labels) {
				continue
			}
			if pod.Component != "waypoint" {
				p.OnlyWaypoints = nil
				break
			}
			p.OnlyWaypoints = append(p.OnlyWaypoints, pod)
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
			if z.Policies.Spec(key) == nil {
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
