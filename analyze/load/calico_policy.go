package load

import (
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// calicoPolicyObject is a NetworkPolicy or GlobalNetworkPolicy of crd.projectcalico.org/v1
// (projectcalico/api pkg/apis/projectcalico/v3).
type calicoPolicyObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Selector               string       `json:"selector"`
		NamespaceSelector      string       `json:"namespaceSelector"`
		ServiceAccountSelector string       `json:"serviceAccountSelector"`
		Types                  []string     `json:"types"`
		Ingress                []calicoRule `json:"ingress"`
		Egress                 []calicoRule `json:"egress"`
		DoNotTrack             bool         `json:"doNotTrack"`
		PreDNAT                bool         `json:"preDNAT"`
	} `json:"spec"`
}

type calicoRule struct {
	Action      string         `json:"action"`
	Protocol    jsontext.Value `json:"protocol"`
	NotProtocol jsontext.Value `json:"notProtocol"`
	Source      calicoEntity   `json:"source"`
	Destination calicoEntity   `json:"destination"`
}

type calicoEntity struct {
	Nets              []string         `json:"nets"`
	Selector          string           `json:"selector"`
	NamespaceSelector string           `json:"namespaceSelector"`
	ServiceAccounts   jsontext.Value   `json:"serviceAccounts"`
	Services          jsontext.Value   `json:"services"`
	Ports             []jsontext.Value `json:"ports"`
}

// addCalicoPolicy keeps what a policy lets through. It isolates only where its
// rules do no more than allow: where others deny or pass on, order decides,
// and where a selector says more than this reads, whom it is for is not known.
func addCalicoPolicy(m *mesh.Mesh, kind string) func(calicoPolicyObject, mesh.Evidence) {
	return func(o calicoPolicyObject, at mesh.Evidence) {
		if o.Spec.DoNotTrack || o.Spec.PreDNAT {
			return // for the interfaces of hosts alone
		}
		selector, ok := calicoSelector(o.Spec.Selector)
		if o.Spec.NamespaceSelector != "" || o.Spec.ServiceAccountSelector != "" {
			ok = false
		}
		if !ok {
			selector = mesh.LabelSelector{}
		}
		np := &mesh.NetworkPolicy{Kind: kind, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Selector: selector, Source: at}
		np.Ingress = slices.Contains(o.Spec.Types, "Ingress") || len(o.Spec.Types) == 0 && (len(o.Spec.Ingress) > 0 || len(o.Spec.Egress) == 0)
		np.Egress = slices.Contains(o.Spec.Types, "Egress") || len(o.Spec.Types) == 0 && len(o.Spec.Egress) > 0
		for _, r := range o.Spec.Ingress {
			if r.Action == "Allow" {
				np.In = append(np.In, r.model(r.Source))
			}
		}
		for _, r := range o.Spec.Egress {
			if r.Action == "Allow" {
				np.Out = append(np.Out, r.model(r.Destination))
			}
		}
		orders := func(r calicoRule) bool { return r.Action != "Allow" && r.Action != "Log" }
		if !ok || slices.ContainsFunc(o.Spec.Ingress, orders) || slices.ContainsFunc(o.Spec.Egress, orders) {
			np.Ingress, np.Egress = false, false
		}
		m.NetworkPolicies = append(m.NetworkPolicies, np)
	}
}

func (r calicoRule) model(peer calicoEntity) mesh.Allowance {
	a := mesh.Allowance{AnyPeer: len(peer.Nets) == 0 && peer.Selector == "" && peer.NamespaceSelector == "" && given(peer.ServiceAccounts) == "" && given(peer.Services) == ""}
	for _, net := range peer.Nets {
		a.Blocks = append(a.Blocks, addressBlocks(net, nil)...)
	}
	protocol := given(r.Protocol)
	if not := given(r.NotProtocol); not != "" && isTCP(not) || protocol != "" && !isTCP(protocol) {
		a.NoTCP = true
		return a
	}
	// Ports that a rule leaves out are not looked at: it is taken to open them all.
	var ports []policyPort
	for _, p := range r.Destination.Ports {
		ports = append(ports, policyPort{Port: p})
	}
	return withPorts(a, ports)
}

// given is a value as text, "" where there is none.
func given(v jsontext.Value) string {
	text := strings.Trim(string(v), `"`)
	if text == "null" {
		return ""
	}
	return text
}

func isTCP(protocol string) bool { return strings.EqualFold(protocol, "TCP") || protocol == "6" }

var (
	calicoHas    = regexp.MustCompile(`^(!?)\s*has\(\s*([\w./-]+)\s*\)$`)
	calicoEquals = regexp.MustCompile(`^([\w./-]+)\s*(==|!=)\s*(?:'([^']*)'|"([^"]*)")$`)
	calicoIn     = regexp.MustCompile(`^([\w./-]+)\s+(in|not\s+in)\s*\{([^{}]*)\}$`)
	calicoValue  = regexp.MustCompile(`'([^']*)'|"([^"]*)"`)
)

// calicoSelector reads the selectors that people mostly write: all(), has(k),
// !has(k), k == 'v', k != 'v', k in {'v', 'w'}, k not in {'v'} and these
// joined by &&.
func calicoSelector(text string) (mesh.LabelSelector, bool) {
	var out mesh.LabelSelector
	for term := range strings.SplitSeq(text, "&&") {
		term = strings.TrimSpace(term)
		if term == "" || term == "all()" {
			continue
		}
		r, ok := calicoRequirement(term)
		if !ok {
			return mesh.LabelSelector{}, false
		}
		out.Expressions = append(out.Expressions, r)
	}
	return out, true
}

func calicoRequirement(term string) (r mesh.Requirement, ok bool) {
	if m := calicoHas.FindStringSubmatch(term); m != nil {
		if m[1] == "!" {
			return mesh.Requirement{Key: m[2], Operator: "DoesNotExist"}, true
		}
		return mesh.Requirement{Key: m[2], Operator: "Exists"}, true
	}
	if m := calicoEquals.FindStringSubmatch(term); m != nil {
		r = mesh.Requirement{Key: m[1], Operator: "In", Values: []string{m[3] + m[4]}}
		if m[2] == "!=" {
			r.Operator = "NotIn"
		}
		return r, true
	}
	m := calicoIn.FindStringSubmatch(term)
	if m == nil {
		return r, false
	}
	r = mesh.Requirement{Key: m[1], Operator: "In"}
	if m[2] != "in" {
		r.Operator = "NotIn"
	}
	for _, value := range calicoValue.FindAllStringSubmatch(m[3], -1) {
		r.Values = append(r.Values, value[1]+value[2])
	}
	return r, true
}
