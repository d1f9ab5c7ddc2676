package sim

import "time"

func workloadFaults() []Fault {
	return []Fault{
		{"workload-missing-in-ztunnel", "one ztunnel was never told of a pod on another node", showingPair((*mesh).pickPeersApart, plantMissing)},
		{"workload-missing-in-istiod", "istiod doesn't know a running pod, so no ztunnel does", onPair((*mesh).pickPeers, plantUnknownToIstiod)},
		{"workload-stale-deleted-pod", "one ztunnel still holds a pod that was deleted", showingPair((*mesh).pickPeersApart, plantStale)},
		{"workload-not-hbone", "istiod sends an enrolled pod without HBONE", onPair((*mesh).pickPeers, plantNotHBONE)},
		{"service-endpoints-missing", "no workload stands in a service that has ready endpoints", plantNoEndpoints},
	}
}

// drift keeps n workloads of other nodes, others for each, from every ztunnel.
func (m *mesh) drift(n int) {
	for _, node := range m.nodes {
		if node.ztunnel == nil {
			continue
		}
		for tries := 0; len(node.ztunnel.missing) < n && tries < 100*n; tries++ {
			if p := m.pods[m.random.IntN(len(m.pods))]; p.onNode != node {
				node.ztunnel.missing[p] = true
			}
		}
	}
}

func plantMissing(m *mesh, p, src *meshPod) Subject {
	z := src.onNode.ztunnel
	z.missing[p], p.faulty = true, true
	m.show(src, p)
	return Subject{Kind: "pod", Namespace: p.namespace, Name: p.name, Node: z.node.name}
}

func plantUnknownToIstiod(m *mesh, p, dst *meshPod) {
	p.inIstiod = false
	m.show(p, dst)
}

func plantStale(m *mesh, p, src *meshPod) Subject {
	z := src.onNode.ztunnel
	z.stale = append(z.stale, p)
	p.proxy, p.gone = proxyAbsent, true
	m.removePod(p)
	if len(p.services) > 0 {
		s := p.services[0]
		m.calls = append(m.calls, func(at time.Time) { m.callService(src, s, at) })
	}
	return Subject{Kind: "pod", Namespace: p.namespace, Name: p.name, Node: z.node.name}
}

func plantNotHBONE(m *mesh, p, src *meshPod) {
	p.protocol = "TCP"
	m.show(src, p)
}

func plantNoEndpoints(m *mesh, arg string) (Subject, error) {
	for _, s := range m.services {
		if arg != "" && arg != podKey(s.namespace, s.name) || s.through != nil || len(s.pods) == 0 || s.pods[0].system ||
			!s.pods[0].mesh || s.pods[0].native || s.pods[0].touched() {
			continue
		}
		src, err := m.pickCaller(s.pods[0], nil, nil)
		if err != nil {
			return Subject{}, err
		}
		for _, p := range s.pods {
			p.services, p.faulty = allBut(p.services, s), true
		}
		m.calls = append(m.calls, func(at time.Time) { m.callService(src, s, at) })
		return Subject{Kind: "service", Namespace: s.namespace, Name: s.name}, nil
	}
	return Subject{}, ErrNoSubject
}
