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
		Selector          string       `json:"selector"`
		NamespaceSelector string       `json:"namespaceSelector"`
		Types             []string     `json:"types"`
		Ingress           []calicoRule `json:"ingress"`
		Egress            []calicoRule `json:"egress"`
	} `json:"spec"`
}

type calicoRule struct {
	Action      string         `json:"action"`
	Protocol    jsontext.Value `json:"protocol"`
	Source      calicoEntity   `json:"source"`
	Destination calicoEntity   `json:"destination"`
}

type calicoEntity struct {
	Nets              []string         `json:"nets"`
	Selector          string           `json:"selector"`
	NamespaceSelector string           `json:"namespaceSelector"`
	Ports             []jsontext.Value `json:"ports"`
}

// calicoPolicy keeps those whose rules only allow: where others deny or pass
// on, or the selector says more than this reads, order decides, and nothing is
// said of it.
func (l *loader) calicoPolicy(kind string) func(calicoPolicyObject, mesh.Evidence) {
	return func(o calicoPolicyObject, at mesh.Evidence) {
		selector, ok := calicoSelector(o.Spec.Selector)
		allows := func(r calicoRule) bool { return r.Action == "Allow" }
		if !ok || o.Spec.NamespaceSelector != "" || !every(o.Spec.Ingress, allows) || !every(o.Spec.Egress, allows) {
			return
		}
		np := &mesh.NetworkPolicy{Kind: kind, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name, Selector: selector, Source: at}
		np.Ingress = slices.Contains(o.Spec.Types, "Ingress") || len(o.Spec.Types) == 0 && (len(o.Spec.Ingress) > 0 || len(o.Spec.Egress) == 0)
		np.Egress = slices.Contains(o.Spec.Types, "Egress") || len(o.Spec.Types) == 0 && len(o.Spec.Egress) > 0
		for _, r := range o.Spec.Ingress {
			np.In = append(np.In, r.model(r.Source))
		}
		for _, r := range o.Spec.Egress {
			np.Out = append(np.Out, r.model(r.Destination))
		}
		l.mesh.NetworkPolicies = append(l.mesh.NetworkPolicies, np)
	}
}

func every[T any](list []T, ok func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !ok(v) })
}

func (r calicoRule) model(peer calicoEntity) mesh.Allowance {
	a := mesh.Allowance{AnyPeer: len(peer.Nets) == 0 && peer.Selector == "" && peer.NamespaceSelector == ""}
	for _, net := range peer.Nets {
		a.Blocks = append(a.Blocks, addressBlocks(net, nil)...)
	}
	protocol := strings.Trim(string(r.Protocol), `"`)
	if protocol == "" || protocol == "null" {
		return a
	}
	if !strings.EqualFold(protocol, "TCP") && protocol != "6" {
		a.NoTCP = true
		return a
	}
	var ports []policyPort
	for _, p := range r.Destination.Ports {
		ports = append(ports, policyPort{Port: p})
	}
	return withPorts(a, ports)
}

var calicoTerm = regexp.MustCompile(`^([\w./-]+)\s*(==|!=)\s*['"]([^'"]*)['"]$`)

// calicoSelector reads the selectors that people mostly write: all(), has(k),
// !has(k), k == 'v', k != 'v' and these joined by &&.
func calicoSelector(text string) (mesh.LabelSelector, bool) {
	var out mesh.LabelSelector
	for _, term := range strings.Split(text, "&&") {
		term = strings.TrimSpace(term)
		match := calicoTerm.FindStringSubmatch(term)
		key, isHas := strings.CutPrefix(strings.TrimSuffix(term, ")"), "has(")
		absent, isNot := strings.CutPrefix(strings.TrimSuffix(term, ")"), "!has(")
		r := mesh.Requirement{}
		switch {
		case term == "" || term == "all()":
			continue
		case match != nil && match[2] == "==":
			r = mesh.Requirement{Key: match[1], Operator: "In", Values: []string{match[3]}}
		case match != nil:
			r = mesh.Requirement{Key: match[1], Operator: "NotIn", Values: []string{match[3]}}
		case isHas:
			r = mesh.Requirement{Key: key, Operator: "Exists"}
		case isNot:
			r = mesh.Requirement{Key: absent, Operator: "DoesNotExist"}
		default:
			return out, false
		}
		out.Expressions = append(out.Expressions, r)
	}
	return out, true
}
