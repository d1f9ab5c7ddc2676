package fault

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func policyFaults() []Fault {
	return []Fault{
		{"policy-missing-in-ztunnel", "one ztunnel was never told of a policy that binds no pod on its node", plantPolicyMissing},
		{"policy-allow-nothing", "an ALLOW policy without rules is the only one of its pods", plantAllowNothing},
		{"policy-l7-at-l4", "a policy that selects captured pods matches HTTP methods", plantHTTPPolicy},
		{"policy-action-unsupported", "a policy that selects captured pods asks an external authorizer", showing(plant.PickPod, plantCustomPolicy)},
		{"policy-target-unresolved", "a policy is for a service that does not exist", showing(plant.PickPod, plantTargetless)},
		{"policy-spiffe-typo", "a policy names a caller with spiffe:// before it", plantPrincipal("spiffe://", "frontend")},
		{"policy-principal-unknown", "a policy names a caller that does not exist", plantPrincipal("", "frontent")},
		{"policy-dryrun", "a policy is on trial", showing(plant.PickPod, plantTrial)},
		{"policy-late-drop", "open connections were closed when a policy changed", onPair(plant.PickPeers, plantLateDrop)},
		{"strict-blocks-plaintext", "a caller outside the mesh calls pods that demand mutual TLS", on(plant.PickPod, plantStrict)},
		{"pa-disable-ignored", "a PeerAuthentication asks captured pods to go without mutual TLS", showing(plant.PickPod, plantDisable)},
	}
}

func plantPolicyMissing(m *world.Mesh, _ string) (world.Subject, error) {
	for _, p := range m.Policies {
		bound := map[*world.Node]bool{}
		for _, pod := range m.Pods {
			for _, other := range pod.Bound {
				bound[pod.OnNode] = bound[pod.OnNode] || other == p
			}
		}
		for _, n := range m.Nodes {
			if !bound[n] && n.Ztunnel != nil && !n.Ztunnel.Touched() {
				n.Ztunnel.Unknown[p.Key()] = true
				return p.Subject(), nil
			}
		}
	}
	// All policies bind pods on all nodes, so protect an application that some node has nothing of.
	s, src, err := pickCalled(m, "")
	if err != nil {
		return world.Subject{}, err
	}
	p := m.Protect(s.Pods[0], s.Pods[0].App+"-viewer", []*world.Pod{src})
	src.OnNode.Ztunnel.Unknown[p.Key()] = true
	return p.Subject(), nil
}

// protectPicked binds a policy to a pod that had none, with a caller that it admits.
func protectPicked(m *world.Mesh, arg, suffix string) (*world.Policy, *world.Pod, error) {
	p, src, err := plant.PickPeers(m, arg)
	if err != nil {
		return nil, nil, err
	}
	return m.Protect(p, p.App+suffix, []*world.Pod{src}), p, nil
}

// amendPolicy changes the policy's object before it is served.
func amendPolicy(m *world.Mesh, p *world.Policy, change func(object, spec map[string]any)) {
	m.Amend = append(m.Amend, func(o world.Stored) {
		u, ok := o.Object.(*unstructured.Unstructured)
		if ok && o.Resource == "authorizationpolicies" && u.GetNamespace() == p.Namespace && u.GetName() == p.Name {
			spec, _ := u.Object["spec"].(map[string]any)
			change(u.Object, spec)
		}
	})
}

func plantAllowNothing(m *world.Mesh, arg string) (world.Subject, error) {
	policy, p, err := protectPicked(m, arg, "-nobody")
	if err != nil {
		return world.Subject{}, err
	}
	policy.Principals, policy.Empty = nil, true
	src, err := plant.PickCaller(m, p, nil, nil)
	if err != nil {
		return world.Subject{}, err
	}
	m.Calls = append(m.Calls, func(at time.Time) { m.CallPod(src, p, at) })
	return policy.Subject(), nil
}

func plantHTTPPolicy(m *world.Mesh, arg string) (world.Subject, error) {
	policy, _, err := protectPicked(m, arg, "-methods")
	if err != nil {
		return world.Subject{}, err
	}
	amendPolicy(m, policy, func(object, spec map[string]any) {
		rules, _ := spec["rules"].([]any)
		spec["rules"] = append(rules, map[string]any{"to": []any{map[string]any{"operation": map[string]any{"methods": []any{"GET"}}}}})
		object["status"] = plant.PolicyStatus("UnsupportedValue", "ztunnel does not support HTTP attributes (found: methods). "+
			"In ambient mode you must use waypoint proxy to enforce HTTP rules. Within a waypoint proxy, ALLOW policies are fully enforced.", m.Started)
	})
	return policy.Subject(), nil
}

func plantCustomPolicy(m *world.Mesh, p *world.Pod) world.Subject {
	policy := world.CustomObject(p.Namespace, p.App+"-external", m.Started.Truncate(time.Second), map[string]any{
		"action": "CUSTOM", "provider": map[string]any{"name": "oauth"}, "selector": world.SelectorOf(p.App), "rules": []any{map[string]any{}},
	})
	policy.Object["status"] = map[string]any{"conditions": []any{
		condition("ZtunnelAccepted", "False", "UnsupportedValue", "ztunnel does not support the CUSTOM action", m.Started),
	}}
	m.Extra = append(m.Extra, world.Stored{Resource: "authorizationpolicies", Object: policy})
	return world.Subject{Kind: "authorizationpolicy", Namespace: p.Namespace, Name: p.App + "-external"}
}

func plantTargetless(m *world.Mesh, p *world.Pod) world.Subject {
	const name = "old-api-viewer"
	policy := world.CustomObject(p.Namespace, name, m.Started.Truncate(time.Second), map[string]any{
		"action": "ALLOW", "targetRefs": []any{map[string]any{"group": "", "kind": "Service", "name": "old-api"}},
		"rules": []any{map[string]any{"to": []any{map[string]any{"operation": map[string]any{"methods": []any{"GET"}}}}}},
	})
	policy.Object["status"] = map[string]any{"conditions": []any{
		condition("WaypointAccepted", "False", "TargetNotFound", `failed to find service "old-api" in namespace "`+p.Namespace+`"`, m.Started),
	}}
	m.Extra = append(m.Extra, world.Stored{Resource: "authorizationpolicies", Object: policy})
	return world.Subject{Kind: "authorizationpolicy", Namespace: p.Namespace, Name: name}
}

func plantPrincipal(before, account string) planter {
	return func(m *world.Mesh, arg string) (world.Subject, error) {
		policy, _, err := protectPicked(m, arg, "-clients")
		if err != nil {
			return world.Subject{}, err
		}
		policy.Principals = append(policy.Principals, before+m.TrustDomain+"/ns/shop/sa/"+account)
		return policy.Subject(), nil
	}
}

func plantTrial(m *world.Mesh, p *world.Pod) world.Subject {
	policy := &world.Policy{Namespace: p.Namespace, Name: p.App + "-trial", App: p.App, Deny: true, Plaintext: true, Trial: true}
	m.Policies = append(m.Policies, policy)
	for _, other := range m.Pods {
		if other.Namespace == p.Namespace && other.App == p.App {
			other.Policies = append(other.Policies, policy.Key())
		}
	}
	return policy.Subject()
}

func plantLateDrop(m *world.Mesh, p, src *world.Pod) {
	m.Calls = append(m.Calls, func(at time.Time) {
		a := world.Access{At: at, Src: src, Dst: p, Mutual: true, HBONE: m.AppAddress(p), DstAddr: p.IP() + ":15008"}
		(&world.Failure{Inbound: "connection closed due to policy change", Theirs: "DENY"}).AtDestination(m, a, p)
	})
}

func plantStrict(m *world.Mesh, p *world.Pod) {
	policy := &world.Policy{Namespace: world.SystemNamespace, Name: world.StrictPolicy, Deny: true, Plaintext: true, Converted: true}
	m.Policies = append(m.Policies, policy)
	for _, other := range m.Pods {
		if other.Namespace == p.Namespace && other.App == p.App {
			other.Policies = append(other.Policies, policy.Key())
			other.Strict = true
		}
	}
	m.Extra = append(m.Extra, world.Stored{Resource: "peerauthentications", Object: world.CustomObject(p.Namespace, p.App, m.Started.Truncate(time.Second), map[string]any{
		"selector": world.SelectorOf(p.App), "mtls": map[string]any{"mode": "STRICT"},
	})})
	m.Calls = append(m.Calls, func(at time.Time) {
		plant.FromOutside(m, p, plant.Outsider, "connection closed due to policy rejection: explicitly denied by: "+policy.Key(), at)
	})
}

func plantDisable(m *world.Mesh, p *world.Pod) world.Subject {
	m.Extra = append(m.Extra, world.Stored{Resource: "peerauthentications", Object: world.CustomObject(p.Namespace, p.App, m.Started.Truncate(time.Second), map[string]any{
		"selector": world.SelectorOf(p.App), "mtls": map[string]any{"mode": "DISABLE"},
	})})
	return world.Subject{Kind: "peerauthentication", Namespace: p.Namespace, Name: p.App}
}
