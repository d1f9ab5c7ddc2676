package load

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/rawjson"
)

// ciliumPolicyObject is cilium.io/v2 (cilium/cilium pkg/policy/api/rule.go). Deny
// rules only take away: what is asked is whether anything lets a port through.
type ciliumPolicyObject struct {
	Metadata metadata     `json:"metadata"`
	Spec     *ciliumRule  `json:"spec"`
	Specs    []ciliumRule `json:"specs"`
}

type ciliumRule struct {
	EndpointSelector *labelSelector `json:"endpointSelector"` // nil in policies for nodes
	// EnableDefaultDeny says whether the rule isolates, since Cilium 1.16; unless
	// told it does in each direction that it has rules for.
	EnableDefaultDeny struct {
		Ingress *bool `json:"ingress"`
		Egress  *bool `json:"egress"`
	} `json:"enableDefaultDeny"`
	Ingress     []ciliumAllow `json:"ingress"`
	IngressDeny []ciliumAllow `json:"ingressDeny"`
	Egress      []ciliumAllow `json:"egress"`
	EgressDeny  []ciliumAllow `json:"egressDeny"`
}

// ciliumAllow is a rule of either direction; which peers it names matters only by whether it does.
type ciliumAllow struct {
	peers map[string]jsontext.Value
	ports []policyPort
}

func (c *ciliumAllow) UnmarshalJSON(text []byte) error {
	var ports struct {
		ToPorts []struct {
			Ports []policyPort `json:"ports"`
		} `json:"toPorts"`
	}
	if err := json.Unmarshal(text, &ports, rawjson.Lenient()); err != nil {
		return err
	}
	for _, p := range ports.ToPorts {
		if len(p.Ports) == 0 {
			c.ports = append(c.ports, policyPort{}) // all of them
		}
		c.ports = append(c.ports, p.Ports...)
	}
	return json.Unmarshal(text, &c.peers, rawjson.Lenient())
}

func (c ciliumAllow) model() mesh.Allowance {
	a := mesh.Allowance{AnyPeer: true}
	for name, value := range c.peers {
		if name == "toPorts" || name == "icmps" || name == "authentication" {
			continue
		}
		a.AnyPeer = false
		a.Blocks = append(a.Blocks, ciliumBlocks(name, value)...)
	}
	slices.SortFunc(a.Blocks, func(x, y mesh.AddressBlock) int { return x.CIDR.Compare(y.CIDR) })
	if a = withPorts(a, c.ports); len(c.ports) == 0 && (a.AnyPeer || c.peers["icmps"] != nil) {
		a.NoTCP = true // a rule that names nothing lets nothing in, which is how all are kept out
	}
	return a
}

// ciliumBlocks are the addresses of a peer field; others name endpoints by what they are.
func ciliumBlocks(field string, value jsontext.Value) (out []mesh.AddressBlock) {
	everywhere := append(addressBlocks("0.0.0.0/0", nil), addressBlocks("::/0", nil)...)
	switch field {
	case "fromCIDR", "toCIDR":
		for _, cidr := range listOf[string](value) {
			out = append(out, addressBlocks(cidr, nil)...)
		}
	case "fromCIDRSet", "toCIDRSet":
		for _, set := range listOf[ciliumCIDR](value) {
			if set.CIDR == "" {
				out = append(out, everywhere...) // a group of them, which may hold any
			}
			out = append(out, addressBlocks(set.CIDR, set.Except)...)
		}
	case "fromEntities", "toEntities":
		if list := listOf[string](value); slices.Contains(list, "all") || slices.Contains(list, "world") {
			return everywhere
		}
	}
	return out
}

type ciliumCIDR struct {
	CIDR   string   `json:"cidr"`
	Except []string `json:"except"`
}

// listOf is nothing where the value is no such list.
func listOf[T any](value jsontext.Value) (list []T) {
	if json.Unmarshal(value, &list, rawjson.Lenient()) != nil {
		return nil
	}
	return list
}

func addCiliumPolicy(m *mesh.Mesh, kind string) func(ciliumPolicyObject, mesh.Evidence) {
	return func(o ciliumPolicyObject, at mesh.Evidence) {
		rules := o.Specs
		if o.Spec != nil {
			rules = append([]ciliumRule{*o.Spec}, rules...)
		}
		for _, r := range rules {
			if r.EndpointSelector == nil {
				continue
			}
			np := &mesh.NetworkPolicy{
				Kind: kind, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Selector: r.EndpointSelector.model(), Source: at,
				Ingress: len(r.Ingress) > 0 || len(r.IngressDeny) > 0, Egress: len(r.Egress) > 0 || len(r.EgressDeny) > 0,
			}
			if told := r.EnableDefaultDeny.Ingress; told != nil {
				np.Ingress = *told
			}
			if told := r.EnableDefaultDeny.Egress; told != nil {
				np.Egress = *told
			}
			for _, a := range r.Ingress {
				np.In = append(np.In, a.model())
			}
			for _, a := range r.Egress {
				np.Out = append(np.Out, a.model())
			}
			m.NetworkPolicies = append(m.NetworkPolicies, np)
		}
	}
}
