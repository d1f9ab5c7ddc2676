package sim

import (
	"fmt"
	"maps"
)

func gatewayFaults() []Fault {
	return []Fault{
		{"gateway-hbone-failing", "one of a waypoint's two pods has every fifth of its requests cut off, and the other none", plantCutTunnels},
	}
}

func plantCutTunnels(m *mesh, _ string) (Subject, error) {
	users := m.throughWaypoint()
	if len(users) == 0 || !m.waypointRuns() || !m.waypoint.pod.ready {
		return Subject{}, ErrNoSubject
	}
	m.addWaypointPod()
	m.waypoint.pod.cutOff(users)
	return m.waypoint.pod.subject(), nil
}

// cutOff has every fifth request that the pod's Envoy sends on to the services cut off.
func (p *meshPod) cutOff(services []*meshService) {
	for _, s := range services {
		p.sent = append(p.sent, sentOn{service: s, requests: 40, cut: 8})
	}
}

// scaled is true of a waypoint that has got more pods than its first.
func (wp *meshWaypoint) scaled() bool { return len(wp.service.pods) > 1 }

// addWaypointPod gives the waypoint a second pod, as good as its first.
func (m *mesh) addWaypointPod() *meshPod {
	first := m.waypoint.pod
	p := m.addBeside(first, m.nodes[len(m.nodes)-1], 0, m.started)
	p.app, p.serviceAccount, p.owner, p.container = first.app, first.serviceAccount, first.owner, first.container
	p.name = fmt.Sprintf("%s-%s", replicaSetName(first.name), nameSuffix("waypoint", len(m.pods)))
	p.uid = string(stableUID("pods", p.namespace, p.name))
	p.labels = maps.Clone(first.labels)
	p.native, p.mesh, p.protocol, p.port, p.mute = first.native, first.mesh, first.protocol, first.port, first.mute
	m.join(m.waypoint.service, p)
	return p
}
