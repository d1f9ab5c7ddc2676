package world

// Subject is the Service.
func (s *Service) Subject() Subject {
	return Subject{Kind: "service", Namespace: s.Namespace, Name: s.Name}
}

// Subject is the pod.
func (p *PodModel) Subject() Subject {
	return Subject{Kind: "pod", Namespace: p.Namespace, Name: p.Name, Node: p.Node}
}

// Subject is the ztunnel's pod.
func (z *Ztunnel) Subject() Subject { return z.Pod.Subject() }

// Touched is true for a pod that a fault was planted on.
func (p *Pod) Touched() bool {
	return p.Mute || p.PlainOut || p.ShutHBONE || p.Protocol != "HBONE" || !p.InIstiod || p.Faulty
}

// Subject is the agent's pod.
func (c *CNIAgent) Subject() Subject {
	return Subject{Kind: "pod", Namespace: c.Pod.Namespace, Name: c.Pod.Name, Node: c.Pod.Node}
}

// Subject is the policy's object.
func (p *Policy) Subject() Subject {
	return Subject{Kind: "authorizationpolicy", Namespace: p.Namespace, Name: p.Name}
}

// Subject is the waypoint's Gateway.
func (wp *Waypoint) Subject() Subject {
	return Subject{Kind: "gateway", Namespace: wp.Namespace, Name: wp.Name}
}
