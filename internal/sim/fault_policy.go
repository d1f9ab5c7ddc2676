package sim

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func policyFaults() []Fault {
	return []Fault{
		{"policy-missing-in-ztunnel", "one ztunnel was never told of a policy that binds no pod on its node", plantPolicyMissing},
		{"policy-allow-nothing", "an ALLOW policy without rules is the only one of its pods", plantAllowNothing},
		{"policy-l7-at-l4", "a policy that selects captured pods matches HTTP methods", plantHTTPPolicy},
		{"policy-action-unsupported", "a policy that selects captured pods asks an external authorizer", showing((*mesh).pickPod, plantCustomPolicy)},
		{"policy-target-unresolved", "a policy is for a service that does not exist", showing((*mesh).pickPod, plantTargetless)},
		{"policy-spiffe-typo", "a policy names a caller with spiffe:// before it", plantPrincipal("spiffe://", "frontend")},
		{"policy-principal-unknown", "a policy names a caller that does not exist", plantPrincipal("", "frontent")},
		{"policy-dryrun", "a policy is on trial", showing((*mesh).pickPod, plantTrial)},
		{"policy-late-drop", "open connections were closed when a policy changed", onPair((*mesh).pickPeers, plantLateDrop)},
		{"strict-blocks-plaintext", "a caller outside the mesh calls pods that demand mutual TLS", on((*mesh).pickPod, plantStrict)},
		{"pa-disable-ignored", "a PeerAuthentication asks captured pods to go without mutual TLS", showing((*mesh).pickPod, plantDisable)},
	}
}

func (p *meshPolicy) subject() Subject {
	return Subject{Kind: "authorizationpolicy", Namespace: p.namespace, Name: p.name}
}

func plantPolicyMissing(m *mesh, _ string) (Subject, error) {
	for _, p := range m.policies {
		bound := map[*meshNode]bool{}
		for _, pod := range m.pods {
			for _, other := range pod.bound {
				bound[pod.onNode] = bound[pod.onNode] || other == p
			}
		}
		for _, n := range m.nodes {
			if !bound[n] && n.ztunnel != nil && !n.ztunnel.touched() {
				n.ztunnel.unknown[p.key()] = true
				return p.subject(), nil
			}
		}
	}
	// All policies bind pods on all nodes, so protect an application that some node has nothing of.
	s, src, err := m.pickCalled("")
	if err != nil {
		return Subject{}, err
	}
	p := m.protect(s.pods[0], s.pods[0].app+"-viewer", []*meshPod{src})
	src.onNode.ztunnel.unknown[p.key()] = true
	return p.subject(), nil
}

// protectPicked binds a policy to a pod that had none, with a caller that it admits.
func (m *mesh) protectPicked(arg, suffix string) (*meshPolicy, *meshPod, error) {
	p, src, err := m.pickPeers(arg)
	if err != nil {
		return nil, nil, err
	}
	return m.protect(p, p.app+suffix, []*meshPod{src}), p, nil
}

// amendPolicy changes the policy's object before it is served.
func (m *mesh) amendPolicy(p *meshPolicy, change func(object, spec map[string]any)) {
	m.amend = append(m.amend, func(o stored) {
		u, ok := o.object.(*unstructured.Unstructured)
		if ok && o.resource == "authorizationpolicies" && u.GetNamespace() == p.namespace && u.GetName() == p.name {
			spec, _ := u.Object["spec"].(map[string]any)
			change(u.Object, spec)
		}
	})
}

func plantAllowNothing(m *mesh, arg string) (Subject, error) {
	policy, p, err := m.protectPicked(arg, "-nobody")
	if err != nil {
		return Subject{}, err
	}
	policy.principals, policy.empty = nil, true
	src, err := m.pickCaller(p, nil, nil)
	if err != nil {
		return Subject{}, err
	}
	m.calls = append(m.calls, func(at time.Time) { m.callPod(src, p, at) })
	return policy.subject(), nil
}

func plantHTTPPolicy(m *mesh, arg string) (Subject, error) {
	policy, _, err := m.protectPicked(arg, "-methods")
	if err != nil {
		return Subject{}, err
	}
	m.amendPolicy(policy, func(object, spec map[string]any) {
		rules, _ := spec["rules"].([]any)
		spec["rules"] = append(rules, map[string]any{"to": []any{map[string]any{"operation": map[string]any{"methods": []any{"GET"}}}}})
		object["status"] = policyStatus("UnsupportedValue", "ztunnel does not support HTTP attributes (found: methods). "+
			"In ambient mode you must use waypoint proxy to enforce HTTP rules. Within a waypoint proxy, ALLOW policies are fully enforced.", m.started)
	})
	return policy.subject(), nil
}

func plantCustomPolicy(m *mesh, p *meshPod) Subject {
	policy := customObject(p.namespace, p.app+"-external", m.started.Truncate(time.Second), map[string]any{
		"action": "CUSTOM", "provider": map[string]any{"name": "oauth"}, "selector": selectorOf(p.app), "rules": []any{map[string]any{}},
	})
	policy.Object["status"] = map[string]any{"conditions": []any{
		condition("ZtunnelAccepted", "False", "UnsupportedValue", "ztunnel does not support the CUSTOM action", m.started),
	}}
	m.extra = append(m.extra, stored{"authorizationpolicies", policy})
	return Subject{Kind: "authorizationpolicy", Namespace: p.namespace, Name: p.app + "-external"}
}

func plantTargetless(m *mesh, p *meshPod) Subject {
	const name = "old-api-viewer"
	policy := customObject(p.namespace, name, m.started.Truncate(time.Second), map[string]any{
		"action": "ALLOW", "targetRefs": []any{map[string]any{"group": "", "kind": "Service", "name": "old-api"}},
		"rules": []any{map[string]any{"to": []any{map[string]any{"operation": map[string]any{"methods": []any{"GET"}}}}}},
	})
	policy.Object["status"] = map[string]any{"conditions": []any{
		condition("WaypointAccepted", "False", "TargetNotFound", `failed to find service "old-api" in namespace "`+p.namespace+`"`, m.started),
	}}
	m.extra = append(m.extra, stored{"authorizationpolicies", policy})
	return Subject{Kind: "authorizationpolicy", Namespace: p.namespace, Name: name}
}

func plantPrincipal(before, account string) planter {
	return func(m *mesh, arg string) (Subject, error) {
		policy, _, err := m.protectPicked(arg, "-clients")
		if err != nil {
			return Subject{}, err
		}
		policy.principals = append(policy.principals, before+m.trustDomain+"/ns/shop/sa/"+account)
		return policy.subject(), nil
	}
}

func plantTrial(m *mesh, p *meshPod) Subject {
	policy := &meshPolicy{namespace: p.namespace, name: p.app + "-trial", app: p.app, deny: true, plaintext: true, trial: true}
	m.policies = append(m.policies, policy)
	for _, other := range m.pods {
		if other.namespace == p.namespace && other.app == p.app {
			other.policies = append(other.policies, policy.key())
		}
	}
	return policy.subject()
}

func plantLateDrop(m *mesh, p, src *meshPod) {
	m.calls = append(m.calls, func(at time.Time) {
		a := access{at: at, src: src, dst: p, mutual: true, hbone: m.appAddress(p), dstAddr: p.ip() + ":15008"}
		(&failure{inbound: "connection closed due to policy change", theirs: "DENY"}).atDestination(m, a, p)
	})
}

func plantStrict(m *mesh, p *meshPod) {
	policy := &meshPolicy{namespace: systemNamespace, name: strictPolicy, deny: true, plaintext: true, converted: true}
	m.policies = append(m.policies, policy)
	for _, other := range m.pods {
		if other.namespace == p.namespace && other.app == p.app {
			other.policies = append(other.policies, policy.key())
			other.strict = true
		}
	}
	m.extra = append(m.extra, stored{"peerauthentications", customObject(p.namespace, p.app, m.started.Truncate(time.Second), map[string]any{
		"selector": selectorOf(p.app), "mtls": map[string]any{"mode": "STRICT"},
	})})
	m.calls = append(m.calls, func(at time.Time) {
		m.fromOutside(p, outsider, "connection closed due to policy rejection: explicitly denied by: "+policy.key(), at)
	})
}

func plantDisable(m *mesh, p *meshPod) Subject {
	m.extra = append(m.extra, stored{"peerauthentications", customObject(p.namespace, p.app, m.started.Truncate(time.Second), map[string]any{
		"selector": selectorOf(p.app), "mtls": map[string]any{"mode": "DISABLE"},
	})})
	return Subject{Kind: "peerauthentication", Namespace: p.namespace, Name: p.app}
}
