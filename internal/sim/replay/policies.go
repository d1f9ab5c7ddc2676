package replay

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/zbundle/zbundle/internal/sim/world"
)

// authorization is a policy as ztunnel prints it, src/rbac.rs.
type authorization struct {
	Name      string                  `json:"name"`
	Namespace string                  `json:"namespace"`
	Rules     [][][]world.PolicyMatch `json:"rules"`
}

// policyObjects turns the recorded policies back into the objects that they were written as.
func (r *recording) policyObjects() []world.Stored {
	rules := map[string][][][]world.PolicyMatch{}
	for _, n := range r.nodes {
		for _, p := range n.state.Policies {
			rules[world.PodKey(p.Namespace, p.Name)] = p.Rules
		}
	}
	var out []world.Stored
	for _, p := range r.Policies {
		if p.Name == world.StrictPolicy {
			out = append(out, world.Stored{Resource: "peerauthentications", Object: peerAuthentication(p, r.settled())})
			continue
		}
		out = append(out, world.Stored{Resource: "authorizationpolicies", Object: p.AuthorizationPolicy(rules[world.PodKey(p.Namespace, p.Name)], r.settled())})
	}
	return out
}

func peerAuthentication(p world.RecordedPolicy, created time.Time) *unstructured.Unstructured {
	spec := map[string]any{"mtls": map[string]any{"mode": "STRICT"}}
	if p.App != "" {
		spec["selector"] = world.SelectorOf(p.App)
	}
	return world.CustomObject(p.Namespace, "default", created, spec)
}
