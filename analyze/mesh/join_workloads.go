package mesh

import (
	"cmp"
	"slices"
	"strings"
)

// joinWorkloads brings the three planes together: one Workload for each uid
// that any plane has, and for each pod that is meant to be in the mesh.
func (m *Mesh) joinWorkloads() {
	views := group(m.Ztunnels, func(z *Ztunnel) (*WorkloadSet, bool) { return z.Workloads, z.Workloads != nil })
	uids := map[string]bool{}
	for _, set := range views.sets {
		for uid := range set.Specs {
			uids[uid] = true
		}
	}
	for _, i := range m.Istiods {
		if i.Workloads != nil {
			for uid := range i.Workloads.Specs {
				uids[uid] = true
			}
		}
	}
	for _, p := range m.Pods {
		if p.Running && (p.Selected || p.Enrolled) {
			uids[m.podUID(p)] = true
		}
	}
	for _, uid := range sortedKeys(uids) {
		w := m.newWorkload(uid)
		m.istiodSide(w)
		m.ztunnelSide(w, views)
		m.compare(w)
		m.Workloads = append(m.Workloads, w)
		m.indexWorkload(w)
	}
	m.countApart(views)
	for _, set := range views.sets {
		m.clashes(set, views.by[set])
	}
}

// podUID is the uid that istiod gives a pod's workload
// (pilot/pkg/serviceregistry/ambient: "<cluster>//Pod/<ns>/<name>").
func (m *Mesh) podUID(p *Pod) string { return m.ClusterID + "//Pod/" + p.Namespace + "/" + p.Name }

func (m *Mesh) newWorkload(uid string) *Workload {
	w := &Workload{UID: uid, Local: strings.HasPrefix(uid, m.ClusterID+"/")}
	parts := strings.Split(uid, "/")
	switch {
	case len(parts) == 5 && parts[1] == "" && parts[2] == "Pod":
		w.Kind, w.Namespace, w.Name = "Pod", parts[3], parts[4]
	case parts[0] == "NetworkGateway":
		w.Kind, w.Local = "NetworkGateway", true
	case len(parts) > 1 && parts[1] == "SplitHorizonWorkload":
		w.Kind, w.Local = "SplitHorizon", false
	case len(parts) >= 5:
		w.Kind, w.Namespace, w.Name = parts[2], parts[3], parts[4]
	}
	if w.Kind == "Pod" && w.Local {
		w.Pod = m.index.podByName[w.Namespace+"/"+w.Name]
		if w.Pod != nil && w.Pod.Workload == nil {
			w.Pod.Workload = w
		}
	}
	return w
}

func (m *Mesh) istiodSide(w *Workload) {
	for _, i := range m.Istiods {
		if i.Workloads == nil {
			continue
		}
		if spec := i.Workloads.Specs[w.UID]; spec != nil {
			w.Istiod = spec
			return
		}
	}
	w.unknownTo = m.Istiods
}

func (m *Mesh) ztunnelSide(w *Workload, views holders[*WorkloadSet]) {
	for _, set := range views.sets {
		spec := set.Specs[w.UID]
		if spec == nil {
			w.MissingFrom = append(w.MissingFrom, views.by[set]...)
			continue
		}
		w.Holders += len(views.by[set])
		at := slices.IndexFunc(w.Views, func(v *WorkloadView) bool { return len(differences(v.Spec, spec)) == 0 })
		if at < 0 {
			w.Views = append(w.Views, &WorkloadView{Spec: spec})
			at = len(w.Views) - 1
		}
		w.Views[at].Holders = append(w.Views[at].Holders, views.by[set]...)
	}
	slices.SortStableFunc(w.Views, func(a, b *WorkloadView) int { return cmp.Compare(len(b.Holders), len(a.Holders)) })
}

// compare finds where ztunnels contradict the form to go by, and where that
// form contradicts the pod.
func (m *Mesh) compare(w *Workload) {
	w.Spec = w.Istiod
	if w.Spec == nil && len(w.Views) > 0 {
		w.Spec = w.Views[0].Spec
	}
	if w.Spec == nil {
		w.Captured = w.Pod != nil && w.Pod.InPod != nil && w.Pod.InPod.State == "Up"
		return
	}
	w.HBONE = w.Spec.Protocol == "HBONE"
	if w.Namespace == "" {
		w.Namespace = w.Spec.Namespace
	}
	if w.Name == "" {
		w.Name = w.Spec.Name
	}
	if w.Local {
		w.Node = m.index.nodes[w.Spec.Node]
	}
	fields := map[string]bool{}
	for _, v := range w.Views {
		d := differences(w.Spec, v.Spec)
		for _, f := range d {
			fields[f] = true
		}
		if len(d) > 0 {
			w.DiffersOn = append(w.DiffersOn, v.Holders...)
		}
	}
	w.Differs = sortedKeys(fields)
	if w.Pod != nil {
		w.PodDiffers = podDifferences(w.Pod, w.Spec)
		w.Captured = w.Pod.InPod != nil && w.Pod.InPod.State == "Up"
	}
}

// differences names the fields in which two planes' forms of a workload differ.
func differences(a, b *WorkloadSpec) []string {
	var out []string
	add := func(name string, same bool) {
		if !same {
			out = append(out, name)
		}
	}
	if a == b {
		return nil
	}
	add("address", slices.Equal(a.Addresses, b.Addresses) && a.Network == b.Network)
	add("node", a.Node == b.Node)
	add("protocol", a.Protocol == b.Protocol && a.NativeTunnel == b.NativeTunnel)
	add("identity", a.ServiceAccount == b.ServiceAccount && a.TrustDomain == b.TrustDomain)
	add("waypoint", a.Waypoint == b.Waypoint)
	add("status", a.Status == b.Status)
	add("policies", slices.Equal(a.Policies, b.Policies))
	return out
}

func podDifferences(p *Pod, w *WorkloadSpec) []string {
	var out []string
	if len(p.IPs) > 0 && len(w.Addresses) > 0 && !slices.ContainsFunc(w.Addresses, func(a string) bool { return slices.Contains(p.IPs, a) }) {
		out = append(out, "address")
	}
	if p.NodeName != "" && w.Node != "" && p.NodeName != w.Node {
		out = append(out, "node")
	}
	if p.ServiceAccount != "" && w.ServiceAccount != p.ServiceAccount {
		out = append(out, "identity")
	}
	return out
}

func (m *Mesh) indexWorkload(w *Workload) {
	m.index.workloads[w.UID] = w
	if w.Kind == "Pod" && w.Local {
		m.index.byPod[w.Namespace+"/"+w.Name] = w
	}
	if w.Spec == nil || w.Spec.NetworkMode == "HostNetwork" {
		return
	}
	for _, a := range w.Spec.Addresses {
		// A pod that lives holds its address against an entry that outlived its own.
		if old := m.index.byIP[a]; old == nil || old.Pod == nil && w.Pod != nil {
			m.index.byIP[a] = w
		}
	}
}

// countApart tells for each ztunnel how far it stands from the state that most hold.
func (m *Mesh) countApart(views holders[*WorkloadSet]) {
	total := 0
	for _, set := range views.sets {
		total += len(views.by[set])
	}
	for _, w := range m.Workloads {
		if m.inFlight(w) {
			continue
		}
		if 2*len(w.MissingFrom) < total {
			for _, z := range w.MissingFrom {
				z.MissingWorkloads++
			}
		}
		if 2*w.Holders < total {
			for _, v := range w.Views {
				for _, z := range v.Holders {
					z.OtherWorkloads++
				}
			}
		}
	}
}

// clashes finds addresses that more than one workload of a network claims in
// one view. Host-network workloads share their node's address by design.
func (m *Mesh) clashes(set *WorkloadSet, holders []*Ztunnel) {
	type owner struct{ network, address string }
	first := make(map[owner]string, len(set.Specs))
	clash := map[owner][]string{}
	for _, uid := range sortedKeys(set.Specs) {
		spec := set.Specs[uid]
		if spec.NetworkMode == "HostNetwork" {
			continue
		}
		for _, a := range spec.Addresses {
			k := owner{spec.Network, a}
			if other, taken := first[k]; taken {
				if clash[k] == nil {
					clash[k] = []string{other}
				}
				clash[k] = append(clash[k], uid)
				continue
			}
			first[k] = uid
		}
	}
	keys := make([]owner, 0, len(clash))
	for k := range clash {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b owner) int { return compareNames(a.network, a.address, b.network, b.address) })
	for _, k := range keys {
		c := m.clash(k.network, k.address)
		known := make(map[*Workload]bool, len(c.Workloads))
		for _, w := range c.Workloads {
			known[w] = true
		}
		for _, uid := range clash[k] {
			if w := m.index.workloads[uid]; w != nil && !known[w] {
				known[w] = true
				c.Workloads = append(c.Workloads, w)
			}
		}
		c.Holders = append(c.Holders, holders...)
		if c.Source.File == "" {
			c.Source = set.Specs[clash[k][1]].Source
		}
	}
}

func (m *Mesh) clash(network, address string) *AddressClash {
	key := network + "/" + address
	if c := m.index.clashes[key]; c != nil {
		return c
	}
	c := &AddressClash{Network: network, Address: address}
	m.index.clashes[key] = c
	m.Addresses = append(m.Addresses, c)
	return c
}
