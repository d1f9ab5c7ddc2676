package mesh

import "slices"

// place is an address in a network.
type place struct{ network, address string }

// claims are the uids that claim each address, sorted.
type claims map[place][]string

// places are the addresses that a spec claims for itself, each once. Host-network
// workloads share their node's address by design.
func places(spec *WorkloadSpec) []place {
	if spec == nil || spec.NetworkMode == "HostNetwork" {
		return nil
	}
	out := make([]place, 0, len(spec.Addresses))
	for _, a := range spec.Addresses {
		if at := (place{spec.Network, a}); !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	return out
}

// clashes finds addresses that more than one workload of a network claims in
// one view, or in a set that is a delta of it.
func (m *Mesh) clashes(held *plane[WorkloadSpec], view *WorkloadSet) {
	first := make(map[place]string, len(view.Specs))
	clash := claims{}
	for _, uid := range sortedKeys(view.Specs) {
		for _, at := range places(view.Specs[uid]) {
			switch other, taken := first[at]; {
			case !taken:
				first[at] = uid
			case clash[at] == nil:
				clash[at] = []string{other, uid}
			default:
				clash[at] = append(clash[at], uid)
			}
		}
	}
	apart := map[place][]*Ztunnel{}
	for _, set := range held.setsOf(view) {
		for at, uids := range clash.within(set, first) {
			apart[at] = append(apart[at], held.by[set]...)
			if len(uids) > 1 {
				m.clash(at).add(m, held, uids, held.by[set], set)
			}
		}
	}
	for _, at := range sortedPlaces(clash) {
		alike := held.followers[view]
		if others := apart[at]; len(others) > 0 {
			alike = except(alike, others)
		}
		if len(alike) > 0 {
			m.clash(at).add(m, held, clash[at], alike, view)
		}
	}
}

// within is who claims the addresses that a set's own specs, and those it is
// without, are about; first is who claims each in its view.
func (c claims) within(set *WorkloadSet, first map[place]string) claims {
	out := claims{}
	about := func(spec *WorkloadSpec) {
		for _, at := range places(spec) {
			if _, known := out[at]; known {
				continue
			}
			uids := slices.Clone(c[at])
			if uid, taken := first[at]; taken && len(uids) == 0 {
				uids = []string{uid}
			}
			out[at] = slices.DeleteFunc(uids, func(uid string) bool { return set.Without[uid] })
		}
	}
	own := sortedKeys(set.Specs)
	for _, uid := range own {
		about(set.Specs[uid])
	}
	for uid := range set.Without {
		about(set.View.Spec(uid))
	}
	for _, uid := range own {
		for _, at := range places(set.Specs[uid]) {
			out[at] = append(out[at], uid)
		}
	}
	for _, uids := range out {
		slices.Sort(uids)
	}
	return out
}

func (m *Mesh) clash(at place) *AddressClash {
	key := at.network + "/" + at.address
	if c := m.index.clashes[key]; c != nil {
		return c
	}
	c := &AddressClash{Network: at.network, Address: at.address}
	m.index.clashes[key] = c
	m.Addresses = append(m.Addresses, c)
	return c
}

// add notes who claims the address in the set of some ztunnels.
func (c *AddressClash) add(m *Mesh, held *plane[WorkloadSpec], uids []string, zs []*Ztunnel, set *WorkloadSet) {
	known := make(map[*Workload]bool, len(c.Workloads))
	for _, w := range c.Workloads {
		known[w] = true
	}
	for _, uid := range uids {
		if w := m.index.workloads[uid]; w != nil && !known[w] {
			known[w] = true
			c.Workloads = append(c.Workloads, w)
		}
	}
	c.Holders = held.join(c.Holders, zs)
	if c.Source.File == "" {
		c.Source = set.Spec(uids[1]).Source
	}
}

func sortedPlaces(c claims) []place {
	out := make([]place, 0, len(c))
	for at := range c {
		out = append(out, at)
	}
	slices.SortFunc(out, func(a, b place) int { return compareNames(a.network, a.address, b.network, b.address) })
	return out
}
