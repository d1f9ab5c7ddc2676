package ztunnel

import "slices"

// Defaults that ztunnel fills in (src/state/workload.rs, src/state/service.rs).
const (
	DefaultTrustDomain    = "cluster.local"
	DefaultServiceAccount = "default"
	DefaultClusterID      = "Kubernetes"

	VisibilityPublic    = "Public"
	VisibilityNamespace = "Namespace"
)

// FillDefaults sets what the workload's version does not print and sorts what
// it prints in random order, so that workloads of any version and of istiod
// compare field by field.
func (w *Workload) FillDefaults() {
	w.NetworkMode = orElse(w.NetworkMode, NetworkModeStandard)
	w.TrustDomain = orElse(w.TrustDomain, DefaultTrustDomain)
	w.ServiceAccount = orElse(w.ServiceAccount, DefaultServiceAccount)
	w.ClusterID = orElse(w.ClusterID, DefaultClusterID)
	w.Status = orElse(w.Status, StatusHealthy)
	w.Protocol = orElse(w.Protocol, ProtocolTCP)
	if w.Capacity == nil {
		w.Capacity = new(uint32(1))
	}
	slices.Sort(w.Services)
	slices.Sort(w.AuthorizationPolicies)
}

// FillDefaults sets what the service's version does not print.
func (s *Service) FillDefaults() {
	s.Visibility = orElse(s.Visibility, VisibilityPublic)
	if s.Canonical == nil {
		s.Canonical = new(bool)
	}
	if s.LoadBalancer != nil {
		s.LoadBalancer.HealthPolicy = orElse(s.LoadBalancer.HealthPolicy, HealthPolicyOnlyHealthy)
		s.LoadBalancer.Mode = orElse(s.LoadBalancer.Mode, LoadBalancerStandard)
	}
	slices.Sort(s.VIPs)
}

// FillDefaults sets what the policy's version does not print.
func (p *Policy) FillDefaults() {
	p.Scope = orElse(p.Scope, ScopeGlobal)
	p.Action = orElse(p.Action, ActionAllow)
	if p.DryRun == nil {
		p.DryRun = new(bool)
	}
}

// Enforced is false of a dry-run policy.
func (p *Policy) Enforced() bool { return p.DryRun == nil || !*p.DryRun }

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
