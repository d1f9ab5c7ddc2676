package mesh

import (
	"net/netip"
	"slices"
	"strings"
)

// NetworkPolicy is one of Kubernetes', Cilium's or Calico's, and whom of the mesh it keeps from what.
type NetworkPolicy struct {
	Namespace string `expr:"namespace"` // "" for those of the whole cluster
	Name      string `expr:"name"`
	// Kind is "NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy",
	// "CalicoNetworkPolicy" or "GlobalNetworkPolicy".
	Kind string `expr:"kind"`
	// Ingress and Egress are true where it isolates the pods that it selects in that direction.
	Ingress bool `expr:"ingress"`
	Egress  bool `expr:"egress"`
	// BlocksHBONEIn are captured pods that it lets TCP in to, on ports that HBONE's 15008 is not
	// among, and that no other policy opens 15008 of; BlocksHBONEOut are those whose calls it
	// treats so. That a policy says so does not prove that anything enforces it.
	BlocksHBONEIn  []*Pod `expr:"blocksHboneIn"`
	BlocksHBONEOut []*Pod `expr:"blocksHboneOut"`
	// BlocksProbes are captured pods that it isolates from the kubelet's probes, which the CNI
	// agent gives an address of their own.
	BlocksProbes []*Pod `expr:"blocksProbes"`

	Selector LabelSelector `expr:"-"`
	In       []Allowance   `expr:"-"`
	Out      []Allowance   `expr:"-"`
	Source   Evidence
}

// LabelSelector is Kubernetes' own (apimachinery meta/v1).
type LabelSelector struct {
	MatchLabels map[string]string
	Expressions []Requirement
}

// Requirement is one of a selector's matchExpressions.
type Requirement struct {
	Key      string
	Operator string // "In", "NotIn", "Exists" or "DoesNotExist"
	Values   []string
}

// Matches tells whether labels are those that the selector asks for; an empty one asks for nothing.
func (s LabelSelector) Matches(labels map[string]string) bool {
	for k, v := range s.MatchLabels {
		if have, ok := labels[k]; !ok || have != v {
			return false
		}
	}
	for _, r := range s.Expressions {
		have, ok := labels[r.Key]
		switch r.Operator {
		case "In":
			ok = ok && slices.Contains(r.Values, have)
		case "NotIn":
			ok = !ok || !slices.Contains(r.Values, have)
		case "DoesNotExist":
			ok = !ok
		}
		if !ok {
			return false
		}
	}
	return true
}

// Allowance is what one rule of a policy lets through.
type Allowance struct {
	// Ports are TCP's, empty where the rule lets through all of them; NoTCP is true of a rule
	// whose ports are all of other protocols.
	Ports []PortRange
	NoTCP bool
	// AnyPeer is true where the rule names no peer, Blocks are the addresses that it names.
	AnyPeer bool
	Blocks  []AddressBlock
}

// PortRange is a port, a range of them, or one by the name that the pod gives it.
type PortRange struct {
	From, To int
	Name     string
}

// AddressBlock is a CIDR without the parts that it leaves out.
type AddressBlock struct {
	CIDR   netip.Prefix
	Except []netip.Prefix
}

func (b AddressBlock) contains(a netip.Addr) bool {
	return b.CIDR.Contains(a) && !slices.ContainsFunc(b.Except, func(p netip.Prefix) bool { return p.Contains(a) })
}

// opens tells whether the rule lets TCP through to a port of the pod.
func (a Allowance) opens(p *Pod, port int) bool {
	if a.NoTCP {
		return false
	}
	return len(a.Ports) == 0 || slices.ContainsFunc(a.Ports, func(r PortRange) bool {
		if r.Name != "" {
			return p.namedPort(r.Name) == port
		}
		return r.From <= port && port <= r.To
	})
}

func (a Allowance) admits(addr netip.Addr) bool {
	return a.AnyPeer || slices.ContainsFunc(a.Blocks, func(b AddressBlock) bool { return b.contains(addr) })
}

// meansTCP is true of a rule that lets TCP through to ports that it names, other than DNS's.
func (a Allowance) meansTCP() bool {
	return slices.ContainsFunc(a.Ports, func(r PortRange) bool { return r.Name != "" || r.From != 53 || r.To != 53 })
}

func (n *NetworkPolicy) Subject() Subject {
	return Subject{Kind: strings.ToLower(n.Kind), Namespace: n.Namespace, Name: n.Name}
}

// Refs are the policy and those that it keeps from something.
func (n *NetworkPolicy) Refs() []string {
	keys := []string{n.Subject().Key()}
	for _, pods := range [][]*Pod{n.BlocksHBONEIn, n.BlocksHBONEOut, n.BlocksProbes} {
		keys = append(keys, keysOf(pods)...)
	}
	return refs(keys...)
}
func (n *NetworkPolicy) Evidence() []Evidence    { return evidence(n.Source) }
func (n *NetworkPolicy) Gap(string) (*Gap, bool) { return nil, false }
