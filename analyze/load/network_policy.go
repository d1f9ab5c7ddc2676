package load

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// labelSelector is Kubernetes' (apimachinery meta/v1); Cilium's puts a source before the key.
type labelSelector struct {
	MatchLabels      map[string]string `json:"matchLabels"`
	MatchExpressions []struct {
		Key      string   `json:"key"`
		Operator string   `json:"operator"`
		Values   []string `json:"values"`
	} `json:"matchExpressions"`
}

func (s labelSelector) model() mesh.LabelSelector {
	out := mesh.LabelSelector{MatchLabels: make(map[string]string, len(s.MatchLabels))}
	for k, v := range s.MatchLabels {
		out.MatchLabels[labelKey(k)] = v
	}
	for _, e := range s.MatchExpressions {
		out.Expressions = append(out.Expressions, mesh.Requirement{Key: labelKey(e.Key), Operator: e.Operator, Values: e.Values})
	}
	return out
}

// labelKey is a key without Cilium's source (pkg/labels of cilium/cilium).
func labelKey(k string) string {
	for _, source := range []string{"k8s:", "any:"} {
		k = strings.TrimPrefix(k, source)
	}
	return k
}

// networkPolicyObject is networking.k8s.io/v1 (kubernetes/api networking/v1).
type networkPolicyObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		PodSelector labelSelector `json:"podSelector"`
		PolicyTypes []string      `json:"policyTypes"`
		Ingress     []struct {
			From  []policyPeer `json:"from"`
			Ports []policyPort `json:"ports"`
		} `json:"ingress"`
		Egress []struct {
			To    []policyPeer `json:"to"`
			Ports []policyPort `json:"ports"`
		} `json:"egress"`
	} `json:"spec"`
}

type policyPeer struct {
	IPBlock *struct {
		CIDR   string   `json:"cidr"`
		Except []string `json:"except"`
	} `json:"ipBlock"`
}

type policyPort struct {
	Protocol string         `json:"protocol"`
	Port     jsontext.Value `json:"port"`
	EndPort  int            `json:"endPort"`
}

func addNetworkPolicy(m *mesh.Mesh, o networkPolicyObject, at mesh.Evidence) {
	np := &mesh.NetworkPolicy{
		Kind: "NetworkPolicy", Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Selector: o.Spec.PodSelector.model(), Source: at,
	}
	// Without policyTypes a policy is for ingress, and for egress where it has such rules.
	np.Ingress = len(o.Spec.PolicyTypes) == 0 || slices.Contains(o.Spec.PolicyTypes, "Ingress")
	np.Egress = len(o.Spec.PolicyTypes) == 0 && len(o.Spec.Egress) > 0 || slices.Contains(o.Spec.PolicyTypes, "Egress")
	for _, r := range o.Spec.Ingress {
		np.In = append(np.In, allowance(r.From, r.Ports))
	}
	for _, r := range o.Spec.Egress {
		np.Out = append(np.Out, allowance(r.To, r.Ports))
	}
	m.NetworkPolicies = append(m.NetworkPolicies, np)
}

func allowance(peers []policyPeer, ports []policyPort) mesh.Allowance {
	a := mesh.Allowance{AnyPeer: len(peers) == 0}
	for _, p := range peers {
		if p.IPBlock != nil {
			a.Blocks = append(a.Blocks, addressBlocks(p.IPBlock.CIDR, p.IPBlock.Except)...)
		}
	}
	return withPorts(a, ports)
}

// withPorts adds the TCP ports among ports; none at all opens every port.
func withPorts(a mesh.Allowance, ports []policyPort) mesh.Allowance {
	for _, p := range ports {
		if p.Protocol != "" && !strings.EqualFold(p.Protocol, "TCP") && !strings.EqualFold(p.Protocol, "ANY") {
			continue
		}
		if r, ok := portRange(p); ok {
			a.Ports = append(a.Ports, r)
		}
	}
	a.NoTCP = len(ports) > 0 && len(a.Ports) == 0
	return a
}

// portRange reads a port: a number, a number as text, a range "80:90" of Calico's, or a name.
func portRange(p policyPort) (mesh.PortRange, bool) {
	text := strings.Trim(string(p.Port), `"`)
	if text == "" || text == "null" || text == "0" {
		return mesh.PortRange{From: 1, To: 65535}, true
	}
	from, to, ranged := strings.Cut(text, ":")
	first, err := strconv.Atoi(from)
	if err != nil {
		return mesh.PortRange{Name: text}, true
	}
	last := first
	if ranged {
		if last, err = strconv.Atoi(to); err != nil {
			return mesh.PortRange{}, false
		}
	}
	last = max(last, p.EndPort)
	return mesh.PortRange{From: first, To: last}, first <= last
}

// addressBlocks reads a CIDR, or a single address as Cilium and Calico take one.
func addressBlocks(cidr string, except []string) []mesh.AddressBlock {
	block, err := netip.ParsePrefix(cidr)
	if address, addressErr := netip.ParseAddr(cidr); addressErr == nil {
		block, err = netip.PrefixFrom(address, address.BitLen()), nil
	}
	if err != nil {
		return nil
	}
	out := mesh.AddressBlock{CIDR: block}
	for _, e := range except {
		if p, err := netip.ParsePrefix(e); err == nil {
			out.Except = append(out.Except, p)
		}
	}
	return []mesh.AddressBlock{out}
}
