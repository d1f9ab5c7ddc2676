package mesh

import (
	"net/netip"
	"slices"
	"strings"
)

// hbonePort is where captured pods take HBONE.
const hbonePort = 15008

// Addresses that istio-cni gives the kubelet's probes where it is not told others (cni/pkg/config/config.go).
var probeAddresses = []string{"169.254.7.127", "fd16:9254:7127:1337:ffff:ffff:ffff:ffff"}

// joinNetworkPolicies asks of every captured pod what the policies that select it keep from it.
func (m *Mesh) joinNetworkPolicies() {
	probes := m.probeSources()
	for _, p := range m.Pods {
		if !p.Enrolled || !p.Running || p.HostNetwork {
			continue
		}
		var in, out []*NetworkPolicy
		for _, np := range m.NetworkPolicies {
			if np.Namespace != "" && np.Namespace != p.Namespace || !np.Selector.Matches(p.Labels) {
				continue
			}
			if np.Ingress {
				in = append(in, np)
			}
			if np.Egress {
				out = append(out, np)
			}
		}
		for _, np := range blocking(p, in, func(np *NetworkPolicy) []Allowance { return np.In }) {
			np.BlocksHBONEIn = append(np.BlocksHBONEIn, p)
		}
		for _, np := range blocking(p, out, func(np *NetworkPolicy) []Allowance { return np.Out }) {
			np.BlocksHBONEOut = append(np.BlocksHBONEOut, p)
		}
		if probesShut(p, in, probes) {
			p.ProbesBlockedBy = in
			for _, np := range in {
				np.BlocksProbes = append(np.BlocksProbes, p)
			}
		}
	}
}

// blocking are those policies that open TCP ports of the pod while none opens
// HBONE's. One that opens nothing at all means to keep everybody out.
func blocking(p *Pod, policies []*NetworkPolicy, rules func(*NetworkPolicy) []Allowance) []*NetworkPolicy {
	var out []*NetworkPolicy
	for _, np := range policies {
		if slices.ContainsFunc(rules(np), func(a Allowance) bool { return a.opens(p, hbonePort) }) {
			return nil
		}
		if slices.ContainsFunc(rules(np), Allowance.meansTCP) {
			out = append(out, np)
		}
	}
	return out
}

// probesShut tells whether a port that the kubelet probes is closed to it.
func probesShut(p *Pod, policies []*NetworkPolicy, sources []netip.Addr) bool {
	if len(policies) == 0 {
		return false
	}
	return slices.ContainsFunc(p.ProbePorts, func(port int) bool {
		return !slices.ContainsFunc(policies, func(np *NetworkPolicy) bool {
			return slices.ContainsFunc(np.In, func(a Allowance) bool {
				return a.opens(p, port) && slices.ContainsFunc(sources, a.admits)
			})
		})
	})
}

func (m *Mesh) probeSources() []netip.Addr {
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

// joinEvents ties events to the mesh's DaemonSets, and counts the failed probes that the kubelet told of.
func (m *Mesh) joinEvents() {
	for _, e := range m.Events {
		for _, d := range m.DaemonSets {
			if e.Kind == "DaemonSet" && e.Namespace == d.Namespace && e.Name == d.Name {
				e.DaemonSet = d
			}
		}
		if e.Kind != "Pod" || e.Reason != "Unhealthy" {
			continue
		}
		if p := m.index.podByName[e.Namespace+"/"+e.Name]; p != nil {
			p.ProbeFailures += max(1, e.Count)
		}
	}
}

func (n *NetworkPolicy) Subject() Subject {
	return Subject{Kind: strings.ToLower(n.Kind), Namespace: n.Namespace, Name: n.Name}
}

// Refs are the policy and those that it keeps from something.
func (n *NetworkPolicy) Refs() []string {
	keys := []string{n.Subject().Key()}
	for _, pods := range [][]*Pod{n.BlocksHBONEIn, n.BlocksHBONEOut, n.BlocksProbes} {
		for _, p := range pods {
			keys = append(keys, p.Subject().Key())
		}
	}
	return refs(keys...)
}
func (n *NetworkPolicy) Evidence() []Evidence    { return evidence(n.Source) }
func (n *NetworkPolicy) Gap(string) (*Gap, bool) { return nil, false }
