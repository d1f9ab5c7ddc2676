package fault

import (
	"time"

	"github.com/zbundle/zbundle/internal/sim/plant"
	"github.com/zbundle/zbundle/internal/sim/world"
)

func workloadFaults() []Fault {
	return []Fault{
		{"workload-missing-in-ztunnel", "one ztunnel was never told of a pod on another node", showingPair(plant.PickPeersApart, plantMissing)},
		{"workload-missing-in-istiod", "istiod doesn't know a running pod, so no ztunnel does", onPair(plant.PickPeers, plantUnknownToIstiod)},
		{"workload-stale-deleted-pod", "one ztunnel still holds a pod that was deleted", showingPair(plant.PickPeersApart, plantStale)},
		{"workload-not-hbone", "istiod sends an enrolled pod without HBONE", onPair(plant.PickPeers, plantNotHBONE)},
		{"service-endpoints-missing", "no workload stands in a service that has ready endpoints", plantNoEndpoints},
	}
}

func plantMissing(m *world.Mesh, p, src *world.Pod) world.Subject {
	z := src.OnNode.Ztunnel
	z.Missing[p], p.Faulty = true, true
	plant.Show(m, src, p)
	return world.Subject{Kind: "pod", Namespace: p.Namespace, Name: p.Name, Node: z.Node.Name}
}

func plantUnknownToIstiod(m *world.Mesh, p, dst *world.Pod) {
	p.InIstiod = false
	plant.Show(m, p, dst)
}

func plantStale(m *world.Mesh, p, src *world.Pod) world.Subject {
	z := src.OnNode.Ztunnel
	z.Stale = append(z.Stale, p)
	p.Proxy, p.Gone = world.ProxyAbsent, true
	m.RemovePod(p)
	if len(p.Services) > 0 {
		s := p.Services[0]
		m.Calls = append(m.Calls, func(at time.Time) { m.CallService(src, s, at) })
	}
	return world.Subject{Kind: "pod", Namespace: p.Namespace, Name: p.Name, Node: z.Node.Name}
}

func plantNotHBONE(m *world.Mesh, p, src *world.Pod) {
	p.Protocol = "TCP"
	plant.Show(m, src, p)
}

func plantNoEndpoints(m *world.Mesh, arg string) (world.Subject, error) {
	for _, s := range m.Services {
		if arg != "" && arg != world.PodKey(s.Namespace, s.Name) || s.Through != nil || len(s.Pods) == 0 || s.Pods[0].System ||
			!s.Pods[0].Mesh || s.Pods[0].Native || s.Pods[0].Touched() {
			continue
		}
		src, err := plant.PickCaller(m, s.Pods[0], nil, nil)
		if err != nil {
			return world.Subject{}, err
		}
		for _, p := range s.Pods {
			p.Services, p.Faulty = world.AllBut(p.Services, s), true
		}
		m.Calls = append(m.Calls, func(at time.Time) { m.CallService(src, s, at) })
		return world.Subject{Kind: "service", Namespace: s.Namespace, Name: s.Name}, nil
	}
	return world.Subject{}, plant.ErrNoSubject
}
