package mesh

// joinAgents ties nodes, ztunnels, CNI agents, istiods and the pods in
// ztunnels' hands to each other.
func joinAgents(m *Mesh) {
	for _, z := range m.Ztunnels {
		z.Pod = m.index.podByName[z.Namespace+"/"+z.Name]
		z.Node = m.index.nodes[z.NodeName]
		if z.Pod != nil {
			z.UpSeconds = z.Pod.StartedSeconds
		}
		for _, ip := range z.InPods {
			ip.Ztunnel = z
			if ip.Pod = m.index.podByUID[ip.PodUID]; ip.Pod != nil {
				ip.Namespace, ip.Name = ip.Pod.Namespace, ip.Pod.Name
				if ip.Pod.Ztunnel == z {
					ip.Pod.InPod = ip
				}
			}
			m.WorkloadStates = append(m.WorkloadStates, ip)
		}
	}
	for _, c := range m.CNIs {
		c.Pod = m.index.podByName[c.Namespace+"/"+c.Name]
		c.Node = m.index.nodes[c.NodeName]
		if c.Node != nil && (c.Node.CNI == nil || c.Pod != nil && c.Pod.Ready) {
			c.Node.CNI = c
		}
	}
	for _, i := range m.Istiods {
		i.Pod = m.index.podByName[i.Namespace+"/"+i.Name]
	}
	for _, n := range m.Nodes {
		n.Ztunnel = m.index.ztunnels[n.Name]
	}
	for _, d := range m.DaemonSets {
		for _, p := range m.Pods {
			if p.OwnerKind == "DaemonSet" && p.OwnerName == d.Name && p.Namespace == d.Namespace {
				d.Pods = append(d.Pods, p)
			}
		}
	}
	for _, e := range m.Events {
		if p := m.index.podByName[e.Namespace+"/"+e.Name]; p != nil && e.Kind == "Pod" {
			p.Events, e.Pod = append(p.Events, e), p
		}
	}
	for _, p := range m.Pods {
		if p.Node != nil && p.Running && (p.Selected || p.Enrolled) {
			p.Node.AmbientPods = append(p.Node.AmbientPods, p)
		}
	}
	for _, d := range m.DaemonSets {
		for _, n := range m.Nodes {
			there := d.Component == "ztunnel" && n.Ztunnel != nil || d.Component == "istio-cni" && n.CNI != nil
			if len(n.AmbientPods) > 0 && !there {
				d.Lacking = append(d.Lacking, n)
			}
		}
	}
}
