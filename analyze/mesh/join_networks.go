package mesh

import "slices"

// joinNetworks gathers the networks that workloads, ztunnels and gateways name.
func joinNetworks(m *Mesh) {
	byName := map[string]*Network{}
	named := func(name string) *Network {
		n := byName[name]
		if n == nil {
			n = &Network{Name: name, Local: name == m.Network, istiods: m.Istiods}
			byName[name] = n
		}
		return n
	}
	for _, w := range m.Workloads {
		if w.Spec != nil {
			n := named(w.Spec.Network)
			n.Workloads = append(n.Workloads, w)
		}
	}
	for _, g := range m.NetworkGateways {
		n := named(g.Network)
		n.Gateways = append(n.Gateways, g)
	}
	for _, name := range sortedKeys(byName) {
		m.Networks = append(m.Networks, byName[name])
	}
	slices.SortStableFunc(m.Networks, func(a, b *Network) int {
		switch {
		case a.Local == b.Local:
			return 0
		case a.Local:
			return -1
		}
		return 1
	})
}
