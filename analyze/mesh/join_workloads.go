package mesh

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// workloadJoin brings the three planes together.
type workloadJoin struct {
	mesh    *Mesh
	held    *plane[WorkloadSpec]
	clashes map[place]*AddressClash
}

// joinWorkloads makes one Workload of each uid that any plane has, and of each
// pod that is meant to be in the mesh.
func joinWorkloads(m *Mesh) {
	j := &workloadJoin{mesh: m, held: planeOf(m.Ztunnels, func(z *Ztunnel) *WorkloadSet { return z.Workloads }), clashes: map[place]*AddressClash{}}
	for _, uid := range sortedKeys(j.uids()) {
		w := newWorkload(m, uid)
		if w.Pod != nil && w.Pod.Workload == nil {
			w.Pod.Workload = w
		}
		j.istiodSide(w)
		j.ztunnelSide(w)
		j.compare(w)
		m.Workloads = append(m.Workloads, w)
		m.index.addWorkload(w)
		if w.Spec != nil {
			if z := m.index.ztunnels[w.Spec.Node]; z != nil {
				z.NodeWorkloads = append(z.NodeWorkloads, w)
			}
		}
	}
	j.countApart()
	for _, view := range j.held.views {
		j.findClashes(view)
	}
}

// uids are those of all workloads that there are to be.
func (j *workloadJoin) uids() map[string]bool {
	uids := j.held.keys()
	for _, i := range j.mesh.Istiods {
		if i.Workloads != nil {
			for uid := range i.Workloads.Specs {
				uids[uid] = true
			}
		}
	}
	for _, p := range j.mesh.Pods {
		if p.Running && (p.Selected || p.Enrolled) {
			uids[podUID(j.mesh, p)] = true
		}
	}
	return uids
}

// podUID is the uid that istiod gives a pod's workload
// (pilot/pkg/serviceregistry/ambient: "<cluster>//Pod/<ns>/<name>").
func podUID(m *Mesh, p *Pod) string { return m.ClusterID + "//Pod/" + p.Namespace + "/" + p.Name }

// newWorkload is what a uid alone says of a workload.
func newWorkload(m *Mesh, uid string) *Workload {
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
	}
	return w
}

func (j *workloadJoin) istiodSide(w *Workload) {
	for _, i := range j.mesh.Istiods {
		if i.Workloads == nil {
			continue
		}
		if spec := i.Workloads.Spec(w.UID); spec != nil {
			w.Istiod = spec
			return
		}
	}
	w.unknownTo = j.mesh.Istiods
}

func (j *workloadJoin) ztunnelSide(w *Workload) {
	j.held.each(w.UID, func(spec *WorkloadSpec, zs []*Ztunnel) {
		if spec == nil {
			w.MissingFrom = j.held.join(w.MissingFrom, zs)
			return
		}
		w.Holders += len(zs)
		at := slices.IndexFunc(w.Views, func(v *WorkloadView) bool { return len(differences(v.Spec, spec)) == 0 })
		if at < 0 {
			w.Views = append(w.Views, &WorkloadView{Spec: spec})
			at = len(w.Views) - 1
		}
		w.Views[at].Holders = j.held.join(w.Views[at].Holders, zs)
	})
	slices.SortStableFunc(w.Views, func(a, b *WorkloadView) int { return cmp.Compare(len(b.Holders), len(a.Holders)) })
}

// compare finds where ztunnels contradict the form to go by, and where that
// form contradicts the pod.
func (j *workloadJoin) compare(w *Workload) {
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
		w.Node = j.mesh.index.nodes[w.Spec.Node]
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

// countApart tells for each ztunnel how far it stands from the state that most hold.
func (j *workloadJoin) countApart() {
	total := 0
	for _, zs := range j.held.followers {
		total += len(zs)
	}
	for _, w := range j.mesh.Workloads {
		if j.mesh.inFlight(w) {
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
