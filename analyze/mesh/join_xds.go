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
