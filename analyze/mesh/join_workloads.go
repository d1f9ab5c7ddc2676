package mesh

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// joinWorkloads brings the three planes together: one Workload for each uid
// that any plane has, and for each pod that is meant to be in the mesh.
func (m *Mesh) joinWorkloads() {
	held := planeOf(m.Ztunnels, func(z *Ztunnel) *WorkloadSet { return z.Workloads })
	uids := held.keys()
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
		m.ztunnelSide(w, held)
		m.compare(w)
		m.Workloads = append(m.Workloads, w)
		m.indexWorkload(w)
		if w.Spec != nil {
			if z := m.index.ztunnels[w.Spec.Node]; z != nil {
				z.NodeWorkloads = append(z.NodeWorkloads, w)
			}
		}
	}
	m.countApart(held)
	for _, view := range held.views {
		m.clashes(held, view)
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
		if spec := i.Workloads.Spec(w.UID); spec != nil {
			w.Istiod = spec
			return
		}
	}
	w.unknownTo = m.Istiods
}

func (m *Mesh) ztunnelSide(w *Workload, held *plane[WorkloadSpec]) {
	held.each(w.UID, func(spec *WorkloadSpec, zs []*Ztunnel) {
		if spec == nil {
			w.MissingFrom = held.join(w.MissingFrom, zs)
			return
		}
		w.Holders += len(zs)
		at := slices.IndexFunc(w.Views, func(v *WorkloadView) bool { return len(differences(v.Spec, spec)) == 0 })
		if at < 0 {
			w.Views = append(w.Views, &WorkloadView{Spec: spec})
			at = len(w.Views) - 1
		}
		w.Views[at].Holders = held.join(w.Views[at].Holders, zs)
	})
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

// SameWorkload is true of specs that differ in nothing but where they stand.
func SameWorkload(a, b *WorkloadSpec) bool {
	x, y := *a, *b
	x.Source, y.Source = Evidence{}, Evidence{}
	return reflect.DeepEqual(x, y)
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
func (m *Mesh) countApart(held *plane[WorkloadSpec]) {
	total := 0
	for _, zs := range held.followers {
		total += len(zs)
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
