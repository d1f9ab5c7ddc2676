package mesh

import (
	"slices"
	"strings"
)

// policyJoin finds policies by name, and makes those that only istiod or ztunnels know.
type policyJoin struct {
	mesh *Mesh
	by   map[string]*Policy // "<ns>/<name>"
}

// joinPolicies adds to the AuthorizationPolicies that Kubernetes has what
// istiod and the ztunnels hold, and who names a policy without holding it.
func joinPolicies(m *Mesh) {
	j := &policyJoin{mesh: m, by: make(map[string]*Policy, len(m.Policies))}
	for _, p := range m.Policies {
		j.by[p.Namespace+"/"+p.Name] = p
	}
	held := planeOf(m.Ztunnels, func(z *Ztunnel) *PolicySet { return z.Policies })
	for _, key := range sortedKeys(held.keys()) {
		held.each(key, func(spec *PolicySpec, zs []*Ztunnel) {
			if spec != nil {
				j.policy(key).holds(held, spec, zs)
			}
		})
	}
	for _, i := range m.Istiods {
		if i.Policies == nil {
			continue
		}
		for _, key := range sortedKeys(i.Policies.Specs) {
			j.policy(key).InIstiod = true
		}
	}
	for _, p := range m.Policies {
		held.each(p.Namespace+"/"+p.Name, func(spec *PolicySpec, zs []*Ztunnel) {
			if spec == nil {
				p.MissingFrom = held.join(p.MissingFrom, zs)
			}
		})
	}
	j.references()
	joinSelections(m)
	joinWaypointSelections(m)
	joinPrincipals(m)
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
func joinSelections(m *Mesh) {
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
			p.DeniedPods = append(p.DeniedPods, pod)
		}
	}
}

// joinWaypointSelections finds the policies whose selectors are meant for waypoints, which look at targetRefs alone
// (istio/istio pilot/pkg/model/policyattachment.go).
func joinWaypointSelections(m *Mesh) {
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
func (j *policyJoin) references() {
	for _, w := range j.mesh.Workloads {
		if w.Spec == nil {
			continue
		}
		z := j.mesh.index.ztunnels[w.Spec.Node]
		for _, key := range w.Spec.Policies {
			p := j.policy(key)
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

func (j *policyJoin) policy(key string) *Policy {
	if p := j.by[key]; p != nil {
		return p
	}
	ns, name, _ := strings.Cut(key, "/")
	p := &Policy{Namespace: ns, Name: name}
	j.by[key] = p
	j.mesh.Policies = append(j.mesh.Policies, p)
	return p
}

// inScope is true of the pods that a policy of the namespace can be about: its own, or any for the root namespace's.
func (m *Mesh) inScope(namespace string, pod *Pod) bool {
	return namespace == pod.Namespace || namespace == m.RootNamespace
}

// joinPrincipals finds the principals that nobody here can have. Patterns are left out.
func joinPrincipals(m *Mesh) {
	if len(m.ServiceAccounts) == 0 {
		return
	}
	for _, p := range m.Policies {
		for _, principal := range p.Principals {
			domain, rest, ok := strings.Cut(strings.TrimPrefix(principal, "spiffe://"), "/ns/")
			ns, account, named := strings.Cut(rest, "/sa/")
			if !ok || !named || strings.Contains(principal, "*") {
				continue
			}
			own := domain == m.TrustDomain || slices.Contains(m.TrustDomainAliases, domain)
			if !own || !m.ServiceAccounts[ns+"/"+account] {
				p.UnknownPrincipals = append(p.UnknownPrincipals, principal)
			}
		}
	}
}
