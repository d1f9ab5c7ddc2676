package mesh

import (
	"slices"
	"strings"
)

// joinXDS ties istiod's sync state to the ztunnels that it is about.
func joinXDS(m *Mesh) {
	for _, x := range m.XDS {
		if z := m.index.ztunnelPod[proxyPod(x.Proxy)]; z != nil {
			x.Ztunnel = z
			z.connectTo(x.Istiod)
		}
		x.settle()
	}
	for _, i := range m.Istiods {
		if i.After == nil {
			continue
		}
		for _, proxy := range i.After.Proxies {
			if z := m.index.ztunnelPod[proxyPod(proxy)]; z != nil {
				z.connectTo(i)
			}
		}
	}
	for _, z := range m.Ztunnels {
		for _, n := range z.Nacks {
			addNack(m, z, n)
		}
	}
}

func (z *Ztunnel) connectTo(i *Istiod) {
	z.InSyncz = true
	if i != nil && !slices.Contains(z.istiods, i) {
		z.istiods = append(z.istiods, i)
	}
}

// settle tells a stream that was behind at the first look and had acknowledged
// something newer at the second: an update was on its way.
func (x *XDSStream) settle() {
	if x.Istiod == nil || x.Istiod.After == nil || x.Sent == x.Acked {
		return
	}
	if acked, ok := x.Istiod.After.Acked[x.Proxy+" "+x.Type]; ok && acked != "" && acked != x.Acked {
		x.settled = &Change{
			Subject: x.Subject(), What: "acknowledged " + x.Type + " between the two looks, by istiod " + x.Istiod.Name, Rules: []string{}, Evidence: evidence(x.Source),
		}
	}
}

// addNack counts a refusal that the ztunnel logged with istiod's record of
// the same stream, or alone where no istiod was read.
func addNack(m *Mesh, z *Ztunnel, n *Nack) {
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

// aboutPod is the pod that a line names: by its span or fields, by a uid, or
// in its text as "<ns>/<name>" or uid. A line of an agent's own is not about the agent.
func aboutPod(m *Mesh, l *Log) *Pod {
	if p := m.index.podByName[l.About]; p != nil {
		return p
	}
	if p := m.index.podByUID[l.Fields["uid"]]; p != nil {
		return p
	}
	if l.Component == "istiod" {
		return nil
	}
	const words = 40
	n := 0
	for word := range strings.FieldsFuncSeq(l.Message, func(r rune) bool { return strings.ContainsRune(" ,;()\"'=[]", r) }) {
		if n++; n > words {
			break
		}
		word = strings.TrimRight(word, ":.")
		if p := m.index.podByName[word]; p != nil && p != l.Pod {
			return p
		}
		if p := m.index.podByUID[word]; p != nil {
			return p
		}
	}
	return nil
}

// joinLogs ties log messages to what wrote them.
func joinLogs(m *Mesh) {
	istiods := map[string]*Istiod{}
	for _, i := range m.Istiods {
		istiods[i.Namespace+"/"+i.Name] = i
	}
	for _, l := range m.Logs {
		key := l.Namespace + "/" + l.PodName
		l.Pod = m.index.podByName[key]
		l.AboutPod = aboutPod(m, l)
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
