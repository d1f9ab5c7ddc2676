package plant

import (
	"fmt"
	"maps"

	"github.com/zbundle/zbundle/internal/sim/world"
)

// CutOff has every fifth request that the pod's Envoy sends on to the services cut off.
func CutOff(p *world.Pod, services []*world.Service) {
	for _, s := range services {
		p.Sent = append(p.Sent, world.SentOn{Service: s, Requests: 40, Cut: 8})
	}
}

// AddWaypointPod gives the waypoint a second pod, as good as its first.
func AddWaypointPod(m *world.Mesh) *world.Pod {
	first := m.Waypoint.Pod
	p := AddBeside(m, first, m.Nodes[len(m.Nodes)-1], 0, m.Started)
	p.App, p.ServiceAccount, p.Owner, p.Container = first.App, first.ServiceAccount, first.Owner, first.Container
	p.Name = fmt.Sprintf("%s-%s", world.ReplicaSetName(first.Name), world.NameSuffix("waypoint", len(m.Pods)))
	p.UID = string(world.StableUID("pods", p.Namespace, p.Name))
	p.Labels = maps.Clone(first.Labels)
	p.Native, p.Mesh, p.Protocol, p.Port, p.Mute = first.Native, first.Mesh, first.Protocol, first.Port, first.Mute
	m.Join(m.Waypoint.Service, p)
	return p
}
