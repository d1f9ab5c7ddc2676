package sim

import (
	"fmt"
	"time"
)

func trafficFaults() []Fault {
	return []Fault{
		{"hbone-absent", "calls of an enrolled pod to enrolled pods leave in plain text", plantPlaintext},
		{"netpol-blocks-hbone", "a NetworkPolicy shuts port 15008 of an application", showingPair((*mesh).pickPeers, plantBlocked)},
		{"hbone-15008-blocked", "a firewall between the nodes drops port 15008 to a pod", onPair((*mesh).pickPeersApart, plantFirewall)},
		{"policy-denied", "an AuthorizationPolicy leaves out a caller", showingPair((*mesh).pickPeers, plantDenied)},
		{"policy-unknown-in-ztunnel", "one ztunnel was never told of a policy that binds a pod on its node", plantPolicyUnknown},
		{"no-healthy-upstream", "a service that is called has no pods", showing((*mesh).pickPod, plantEmptyService)},
		{"waypoint-down", "a waypoint that services use has no ready pod", plantWaypointDown},
	}
}

func plantPlaintext(m *mesh, arg string) (Subject, error) {
	p, dst, err := m.pickPeers(arg)
	if err != nil {
		return Subject{}, err
	}
	if p.touched() {
		return Subject{}, ErrNoSubject
	}
	p.plainOut = true
	m.show(p, dst)
	return p.subject(), nil
}

func plantBlocked(m *mesh, p, src *meshPod) Subject {
	for _, other := range m.pods {
		if other.namespace == p.namespace && other.app == p.app {
			other.shutHBONE = true
		}
	}
	m.netpols = append(m.netpols, p)
	m.show(src, p)
	return Subject{Kind: "networkpolicy", Namespace: p.namespace, Name: appPortPolicy(p)}
}

// plantFirewall shuts one pod's port where no object of the cluster tells of it.
func plantFirewall(m *mesh, p, src *meshPod) {
	p.shutHBONE = true
	m.calls = append(m.calls, func(at time.Time) { m.callPod(src, p, at) })
}

func plantDenied(m *mesh, p, src *meshPod) Subject {
	var others []*meshPod
	for _, other := range m.members() {
		if other.identity() != src.identity() && len(others) < 200 {
			others = append(others, other)
		}
	}
	policy := m.protect(p, p.app+"-others-only", others)
	p.faulty = true
	m.show(src, p)
	return Subject{Kind: "authorizationpolicy", Namespace: policy.namespace, Name: policy.name}
}

func plantPolicyUnknown(m *mesh, arg string) (Subject, error) {
	for _, p := range m.members() {
		if len(p.bound) == 0 || arg != "" && arg != p.bound[0].key() {
			continue
		}
		policy, z := p.bound[0], p.onNode.ztunnel
		src, err := m.pickCaller(p, nil, nil)
		if err != nil {
			return Subject{}, err
		}
		z.unknown[policy.key()], p.faulty = true, true
		m.calls = append(m.calls, func(at time.Time) {
			id := stableUID("trace", p.uid, at.String())
			z.lines = append(z.lines, record(at.Add(-time.Millisecond), "warn",
				fmt.Sprintf("state:proxy%s:inbound{id=%x peer=%s}", span(p), []byte(id)[:16], m.tunnelSocket(src, p)),
				"skipping unknown policy "+policy.key(), ""))
			m.callPod(src, p, at)
		})
		return Subject{Kind: "authorizationpolicy", Namespace: policy.namespace, Name: policy.name, Node: z.node.name}, nil
	}
	return Subject{}, ErrNoSubject
}

func plantEmptyService(m *mesh, src *meshPod) Subject {
	s := m.addService(src.namespace, "ratings", "ratings", 80, 9080)
	m.calls = append(m.calls, func(at time.Time) { m.callService(src, s, at) })
	return Subject{Kind: "service", Namespace: s.namespace, Name: s.name}
}

func plantWaypointDown(m *mesh, _ string) (Subject, error) {
	if !m.waypointRuns() || m.waypoint.scaled() {
		return Subject{}, ErrNoSubject
	}
	m.waypoint.pod.ready = false
	for _, s := range m.services {
		if s.through != m.waypoint || len(s.pods) == 0 {
			continue
		}
		src, err := m.pickCaller(s.pods[0], nil, nil)
		if err != nil {
			return Subject{}, err
		}
		m.calls = append(m.calls, func(at time.Time) { m.callService(src, s, at) })
	}
	return Subject{Kind: "gateway", Namespace: m.waypoint.namespace, Name: m.waypoint.name}, nil
}
