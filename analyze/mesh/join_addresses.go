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

// findClashes finds addresses that more than one workload of a network claims in
// one view, or in a set that is a delta of it.
func (j *workloadJoin) findClashes(view *WorkloadSet) {
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
	for _, set := range j.held.setsOf(view) {
		for at, uids := range clash.within(set, first) {
			apart[at] = append(apart[at], j.held.by[set]...)
			if len(uids) > 1 {
				j.add(j.clash(at), uids, j.held.by[set], set)
			}
		}
	}
	for _, at := range sortedPlaces(clash) {
		alike := j.held.followers[view]
		if others := apart[at]; len(others) > 0 {
			alike = except(alike, others)
		}
		if len(alike) > 0 {
			j.add(j.clash(at), clash[at], alike, view)
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

// clash is the one of an address, made where it is new.
func (j *workloadJoin) clash(at place) *AddressClash {
	if c := j.clashes[at]; c != nil {
		return c
	}
	c := &AddressClash{Network: at.network, Address: at.address}
	j.clashes[at] = c
	j.mesh.AddressClashes = append(j.mesh.AddressClashes, c)
	return c
}

// add notes who claims the address in the set of some ztunnels.
func (j *workloadJoin) add(c *AddressClash, uids []string, zs []*Ztunnel, set *WorkloadSet) {
	known := make(map[*Workload]bool, len(c.Workloads))
	for _, w := range c.Workloads {
		known[w] = true
	}
	for _, uid := range uids {
		if w := j.mesh.index.workloads[uid]; w != nil && !known[w] {
			known[w] = true
			c.Workloads = append(c.Workloads, w)
		}
	}
	c.Holders = j.held.join(c.Holders, zs)
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
