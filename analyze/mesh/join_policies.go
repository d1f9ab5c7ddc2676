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
			if spec.RuleCount == 0 {
				p.HeldEmpty = append(p.HeldEmpty, views.by[set]...)
			}
			if !spec.DryRun {
				p.EnforcedBy = append(p.EnforcedBy, views.by[set]...)
			}
			if p.Action == "" {
				p.Action, p.Scope, p.RuleCount, p.DryRun = spec.Action, spec.Scope, spec.RuleCount, spec.DryRun
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
	m.joinStrangers()
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
