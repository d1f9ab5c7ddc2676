package mesh

import "strings"

// joinXDS ties istiod's sync state to the ztunnels that it is about.
func (m *Mesh) joinXDS() {
	for _, x := range m.XDS {
		x.SentSeconds = m.Age(x.SentAt)
		if z := m.index.ztunnelPod[proxyPod(x.Proxy)]; z != nil {
			x.Ztunnel = z
			z.InSyncz = true
		}
	}
	for _, z := range m.Ztunnels {
		for _, n := range z.Nacks {
			m.addNack(z, n)
		}
	}
}

// addNack counts a refusal that the ztunnel logged with istiod's record of
// the same stream, or alone where no istiod was read.
func (m *Mesh) addNack(z *Ztunnel, n *Nack) {
	kind := "WDS"
	if strings.Contains(n.TypeURL, "Authorization") {
		kind = "WADS"
	}
	for _, x := range m.XDS {
		if x.Ztunnel == z && x.Type == kind {
			x.Nacks++
			x.LastError, x.NackSource = n.Error, n.Source
			return
		}
	}
	m.XDS = append(m.XDS, &XDSStream{Ztunnel: z, Proxy: z.Name + "." + z.Namespace, Type: kind, Nacks: 1, LastError: n.Error, NackSource: n.Source})
}

// proxyPod turns istiod's "<pod>.<namespace>" into "<namespace>/<pod>": a
// namespace holds no dot, a pod's name may.
func proxyPod(proxy string) string {
	for i := len(proxy) - 1; i >= 0; i-- {
		if proxy[i] == '.' {
			return proxy[i+1:] + "/" + proxy[:i]
		}
	}
	return proxy
}

// joinLogs ties log messages to what wrote them.
func (m *Mesh) joinLogs() {
	istiods := map[string]*Istiod{}
	for _, i := range m.Istiods {
		istiods[i.Namespace+"/"+i.Name] = i
	}
	for _, l := range m.Logs {
		key := l.Namespace + "/" + l.PodName
		l.Pod = m.index.podByName[key]
		l.LastSeconds = m.Age(l.Last)
		switch l.Component {
		case "ztunnel":
			l.Ztunnel = m.index.ztunnelPod[key]
			l.AfterStart = l.Ztunnel == nil || !l.Last.Before(l.Ztunnel.StartedAt)
		case "istio-cni":
			l.Ztunnel = m.index.ztunnels[l.NodeName]
			if n := m.index.nodes[l.NodeName]; n != nil {
				l.CNI = n.CNI
			}
			l.AfterStart = !l.Previous
		case "istiod":
			l.Istiod = istiods[key]
			l.AfterStart = !l.Previous
		}
	}
}
