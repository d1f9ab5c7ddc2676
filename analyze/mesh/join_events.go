package mesh

// joinEvents ties events to the mesh's DaemonSets, and counts the failed probes that the kubelet told of.
func joinEvents(m *Mesh) {
	for _, e := range m.Events {
		for _, d := range m.DaemonSets {
			if e.Kind == "DaemonSet" && e.Namespace == d.Namespace && e.Name == d.Name {
				e.DaemonSet = d
			}
		}
		if e.Kind != "Pod" || e.Reason != "Unhealthy" {
			continue
		}
		if p := m.index.podByName[e.Namespace+"/"+e.Name]; p != nil {
			p.ProbeFailures += max(1, e.Count)
		}
	}
}

// joinReboots dates the reboots that events tell of.
func joinReboots(m *Mesh) {
	for _, e := range m.Events {
		if n := m.index.nodes[e.Name]; n != nil && e.Kind == "Node" && e.Reason == "Rebooted" && (n.RebootedSeconds == 0 || e.AgeSeconds < n.RebootedSeconds) {
			n.RebootedSeconds = e.AgeSeconds
		}
	}
}
