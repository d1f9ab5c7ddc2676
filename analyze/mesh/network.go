package mesh

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

// remote tells whether the network is another one than this cluster's, and has workloads.
func (n *Network) remote() bool { return !n.Local && len(n.Workloads) > 0 }
