package mesh

// joinPeerAuthentications counts the captured pods that each PeerAuthentication selects.
func joinPeerAuthentications(m *Mesh) {
	for _, p := range m.PeerAuthentications {
		for _, pod := range m.Pods {
			if pod.Enrolled && m.inScope(p.Namespace, pod) && selects(p.Selector, pod.Labels) {
				p.SelectsEnrolled++
			}
		}
	}
}
