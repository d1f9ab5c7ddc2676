package mesh

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/zbundle/zbundle/internal/istio"
)

// Addresses that istio-cni gives the kubelet's probes where it is not told others (cni/pkg/config/config.go).
var probeAddresses = []string{"169.254.7.127", "fd16:9254:7127:1337:ffff:ffff:ffff:ffff"}

// joinNetworkPolicies asks of every captured pod what the policies that select it keep from it.
func joinNetworkPolicies(m *Mesh) {
	if len(m.NetworkPolicies) == 0 {
		return
	}
	probes := probeSources(m)
	for _, p := range m.Pods {
		if !p.Enrolled || !p.Running || p.HostNetwork {
			continue
		}
		labels := policyLabels(p, m.index.namespaces[p.Namespace])
		var in, out shut
		for _, np := range m.NetworkPolicies {
			if np.Namespace != "" && np.Namespace != p.Namespace || !np.Selector.Matches(labels) {
				continue
			}
			in.add(np, np.Ingress, np.In)
			out.add(np, np.Egress, np.Out)
		}
		for _, np := range in.blocking(p, func(np *NetworkPolicy) []Allowance { return np.In }) {
			np.BlocksHBONEIn = append(np.BlocksHBONEIn, p)
		}
		for _, np := range out.blocking(p, func(np *NetworkPolicy) []Allowance { return np.Out }) {
			np.BlocksHBONEOut = append(np.BlocksHBONEOut, p)
		}
		if in.probes(p, probes) {
			p.ProbesBlockedBy = in.by
			for _, np := range in.by {
				np.BlocksProbes = append(np.BlocksProbes, p)
			}
		}
	}
}

// policyLabels are a pod's labels with those by which Cilium and Calico know
// where it comes from (cilium/cilium pkg/k8s/apis/cilium.io/const.go,
// projectcalico/api pkg/apis/projectcalico/v3/constants.go).
func policyLabels(p *Pod, n *Namespace) map[string]string {
	labels := map[string]string{
		"io.kubernetes.pod.namespace":         p.Namespace,
		"io.cilium.k8s.policy.serviceaccount": p.ServiceAccount,
		"projectcalico.org/namespace":         p.Namespace,
		"projectcalico.org/serviceaccount":    p.ServiceAccount,
		"projectcalico.org/orchestrator":      "k8s",
	}
	maps.Copy(labels, p.Labels)
	if n != nil {
		for k, v := range n.Labels {
			labels["io.cilium.k8s.namespace.labels."+k] = v
		}
	}
	return labels
}

// shut is what of a pod's traffic in one direction is let through.
type shut struct {
	by   []*NetworkPolicy // policies that isolate the pod
	open []Allowance      // by them, and by those that only open
}

func (s *shut) add(np *NetworkPolicy, isolates bool, opens []Allowance) {
	if isolates {
		s.by = append(s.by, np)
	}
	s.open = append(s.open, opens...)
}

// blocking are those policies that open TCP ports of the pod while none opens
// HBONE's. One that opens nothing at all means to keep everybody out.
func (s shut) blocking(p *Pod, rules func(*NetworkPolicy) []Allowance) []*NetworkPolicy {
	if slices.ContainsFunc(s.open, func(a Allowance) bool { return a.opens(p, istio.HBONEPort) }) {
		return nil
	}
	var out []*NetworkPolicy
	for _, np := range s.by {
		if slices.ContainsFunc(rules(np), Allowance.meansTCP) {
			out = append(out, np)
		}
	}
	return out
}

// probes tells whether a port that the kubelet probes is closed to it.
func (s shut) probes(p *Pod, sources []netip.Addr) bool {
	if len(s.by) == 0 {
		return false
	}
	return slices.ContainsFunc(p.ProbePorts, func(port int) bool {
		return !slices.ContainsFunc(s.open, func(a Allowance) bool {
			return a.opens(p, port) && slices.ContainsFunc(sources, a.admits)
		})
	})
}

func probeSources(m *Mesh) []netip.Addr {
	texts := m.ProbeSources
	if len(texts) == 0 {
		texts = probeAddresses
	}
	var out []netip.Addr
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil {
			out = append(out, a)
		}
	}
	return out
}
