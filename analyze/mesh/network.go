package mesh

import "slices"

// Network is one of the networks that the mesh spans, "" where it has one only that nobody named.
type Network struct {
	Name string `expr:"name"`
	// Local is true of the network that this cluster's ztunnels are set up for.
	Local     bool              `expr:"local"`
	Workloads []*Workload       `expr:"workloads"`
	Gateways  []*NetworkGateway `expr:"gateways"`
	// istiods are the mesh's: what they have not read may be why there is no gateway.
	istiods []*Istiod
}

// NetworkGateway is a way into another network that istiod knows.
type NetworkGateway struct {
	Network string `expr:"network"`
	Cluster string `expr:"cluster"`
	Address string `expr:"address"`
	Port    int    `expr:"port"`
	// HBONEPort is 0 where it takes no HBONE.
	HBONEPort int `expr:"hbonePort"`
	Source    Evidence
}

// Evidence is where istiod names it.
func (g *NetworkGateway) Evidence() []Evidence { return evidence(g.Source) }

// ownNetwork is the network that most ztunnels are set up for.
func (m *Mesh) ownNetwork() string {
	counts := map[string]int{}
	for _, z := range m.Ztunnels {
		if z.HasDump {
			counts[z.Network]++
		}
	}
	own := ""
	for _, name := range sortedKeys(counts) {
		if counts[name] > counts[own] {
			own = name
		}
	}
	return own
}

// joinNetworks gathers the networks that workloads, ztunnels and gateways name.
func (m *Mesh) joinNetworks() {
	local := m.ownNetwork()
	byName := map[string]*Network{}
	named := func(name string) *Network {
		n := byName[name]
		if n == nil {
			n = &Network{Name: name, Local: name == local, istiods: m.Istiods}
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
	for _, g := range m.Gateways {
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

func (n *Network) Subject() Subject { return Subject{Kind: "network", Name: n.Name} }

// Refs are the network, its workloads, and the istiods.
func (n *Network) Refs() []string {
	keys := []string{n.Subject().Key()}
	keys = append(keys, keysOf(n.Workloads)...)
	keys = append(keys, keysOf(n.istiods)...)
	return refs(keys...)
}

// Evidence is its first workload's, and its gateways'.
func (n *Network) Evidence() []Evidence {
	var out []Evidence
	if len(n.Workloads) > 0 {
		out = append(out, n.Workloads[0].Evidence()...)
	}
	for _, g := range n.Gateways {
		out = append(out, g.Source)
	}
	return evidence(out...)
}
func (n *Network) Gap(string) (*Gap, bool) { return nil, false }
