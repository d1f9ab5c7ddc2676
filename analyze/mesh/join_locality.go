package mesh

// inReach counts the endpoints that a strict load balancer leaves to the
// source of a failed call (istio/ztunnel src/state/service.rs LoadBalancerMode):
// those that share every scope of its preferences with the source.
func inReach(f *Flow) int {
	s, src := f.Called, f.Source.Workload
	if f.Class != "no-healthy-upstream" || s == nil || s.LBMode != "Strict" || src == nil || src.Spec == nil {
		return -1
	}
	n := 0
	for _, w := range s.Workloads {
		if w.Spec.Status == "Healthy" && samePlace(src.Spec, w.Spec, s.LBPreferences) {
			n++
		}
	}
	return n
}

func samePlace(a, b *WorkloadSpec, scopes []string) bool {
	for _, scope := range scopes {
		same := true
		switch scope {
		case "Network":
			same = a.Network == b.Network
		case "Region":
			same = a.Region == b.Region
		case "Zone":
			same = a.Zone == b.Zone
		case "Subzone":
			same = a.Subzone == b.Subzone
		case "Node":
			same = a.Node == b.Node
		case "Cluster":
			same = a.ClusterID == b.ClusterID
		}
		if !same {
			return false
		}
	}
	return true
}
