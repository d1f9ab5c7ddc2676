package fault

import (
	"fmt"
	"time"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func trafficFaults() []Fault {
	return []Fault{
		{"hbone-absent", "calls of an enrolled pod to enrolled pods leave in plain text", plantPlaintext},
		{"netpol-blocks-hbone", "a NetworkPolicy shuts port 15008 of an application", showingPair(plant.PickPeers, plantBlocked)},
		{"hbone-15008-blocked", "a firewall between the nodes drops port 15008 to a pod", onPair(plant.PickPeersApart, plantFirewall)},
		{"policy-denied", "an AuthorizationPolicy leaves out a caller", showingPair(plant.PickPeers, plantDenied)},
		{"policy-unknown-in-ztunnel", "one ztunnel was never told of a policy that binds a pod on its node", plantPolicyUnknown},
		{"no-healthy-upstream", "a service that is called has no pods", showing(plant.PickPod, plantEmptyService)},
		{"waypoint-down", "a waypoint that services use has no ready pod", plantWaypointDown},
	}
}

func plantPlaintext(m *world.Mesh, arg string) (world.Subject, error) {
	p, dst, err := plant.PickPeers(m, arg)
	if err != nil {
		return world.Subject{}, err
	}
	if p.Touched() {
		return world.Subject{}, plant.ErrNoSubject
	}
	p.PlainOut = true
	plant.Show(m, p, dst)
	return p.Subject(), nil
}

func plantBlocked(m *world.Mesh, p, src *world.Pod) world.Subject {
	for _, other := range m.Pods {
		if other.Namespace == p.Namespace && other.App == p.App {
			other.ShutHBONE = true
		}
	}
	m.Netpols = append(m.Netpols, p)
	plant.Show(m, src, p)
	return world.Subject{Kind: "networkpolicy", Namespace: p.Namespace, Name: world.AppPortPolicy(p)}
}

// plantFirewall shuts one pod's port where no object of the cluster tells of it.
func plantFirewall(m *world.Mesh, p, src *world.Pod) {
	p.ShutHBONE = true
	m.Calls = append(m.Calls, func(at time.Time) { m.CallPod(src, p, at) })
}

func plantDenied(m *world.Mesh, p, src *world.Pod) world.Subject {
	var others []*world.Pod
	for _, other := range m.Members() {
		if other.Identity() != src.Identity() && len(others) < 200 {
			others = append(others, other)
		}
	}
	policy := m.Protect(p, p.App+"-others-only", others)
	p.Faulty = true
	plant.Show(m, src, p)
	return world.Subject{Kind: "authorizationpolicy", Namespace: policy.Namespace, Name: policy.Name}
}

func plantPolicyUnknown(m *world.Mesh, arg string) (world.Subject, error) {
	for _, p := range m.Members() {
		if len(p.Bound) == 0 || arg != "" && arg != p.Bound[0].Key() {
			continue
		}
		policy, z := p.Bound[0], p.OnNode.Ztunnel
		src, err := plant.PickCaller(m, p, nil, nil)
		if err != nil {
			return world.Subject{}, err
		}
		z.Unknown[policy.Key()], p.Faulty = true, true
		m.Calls = append(m.Calls, func(at time.Time) {
			id := world.StableUID("trace", p.UID, at.String())
			z.Lines = append(z.Lines, world.Record(at.Add(-time.Millisecond), "warn",
				fmt.Sprintf("state:proxy%s:inbound{id=%x peer=%s}", plant.Span(p), []byte(id)[:16], m.TunnelSocket(src, p)),
				"skipping unknown policy "+policy.Key(), ""))
			m.CallPod(src, p, at)
		})
		return world.Subject{Kind: "authorizationpolicy", Namespace: policy.Namespace, Name: policy.Name, Node: z.Node.Name}, nil
	}
	return world.Subject{}, plant.ErrNoSubject
}

func plantEmptyService(m *world.Mesh, src *world.Pod) world.Subject {
	s := m.AddService(src.Namespace, "ratings", "ratings", 80, 9080)
	m.Calls = append(m.Calls, func(at time.Time) { m.CallService(src, s, at) })
	return world.Subject{Kind: "service", Namespace: s.Namespace, Name: s.Name}
}

func plantWaypointDown(m *world.Mesh, _ string) (world.Subject, error) {
	if !waypointRuns(m) || scaled(m.Waypoint) {
		return world.Subject{}, plant.ErrNoSubject
	}
	m.Waypoint.Pod.Ready = false
	for _, s := range m.Services {
		if s.Through != m.Waypoint || len(s.Pods) == 0 {
			continue
		}
		src, err := plant.PickCaller(m, s.Pods[0], nil, nil)
		if err != nil {
			return world.Subject{}, err
		}
		m.Calls = append(m.Calls, func(at time.Time) { m.CallService(src, s, at) })
	}
	return world.Subject{Kind: "gateway", Namespace: m.Waypoint.Namespace, Name: m.Waypoint.Name}, nil
}
