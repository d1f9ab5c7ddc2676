package mesh

// joinAges measures from the capture how long ago everything was that Kubernetes and Istio tell a time of.
func joinAges(m *Mesh) {
	for _, n := range m.Nodes {
		n.AgeSeconds, n.ReadyForSeconds = m.Age(n.Created), m.Age(n.ReadySince)
	}
	for _, p := range m.Pods {
		p.AgeSeconds, p.ReadyForSeconds = m.Age(p.Created), m.Age(p.ReadySince)
		for _, c := range p.Containers {
			c.StartedSeconds, c.LastEndedSeconds = m.Age(c.StartedAt), m.Age(c.LastEndedAt)
		}
	}
	for _, e := range m.Events {
		e.AgeSeconds = m.Age(e.Last)
	}
	for _, s := range m.Services {
		s.AgeSeconds = m.Age(s.Created)
	}
	for _, w := range m.Waypoints {
		w.AgeSeconds = m.Age(w.Created)
	}
	for _, e := range m.ServiceEntries {
		e.AgeSeconds = m.Age(e.Created)
	}
	for _, p := range m.Policies {
		p.AgeSeconds = m.Age(p.Created)
	}
	for _, p := range m.PeerAuthentications {
		p.AgeSeconds = m.Age(p.Created)
	}
	for _, rules := range [][]*TrafficRule{m.VirtualServices, m.DestinationRules, m.Routes} {
		for _, r := range rules {
			r.AgeSeconds = m.Age(r.Created)
		}
	}
	for _, policies := range [][]*TargetablePolicy{m.RequestAuthentications, m.WasmPlugins, m.Telemetries} {
		for _, p := range policies {
			p.AgeSeconds = m.Age(p.Created)
		}
	}
	for _, c := range m.CNIs {
		c.SilentSeconds = m.Age(c.LogTo)
	}
	for _, x := range m.XDS {
		x.SentSeconds = m.Age(x.SentAt)
	}
	for _, l := range m.Logs {
		l.LastSeconds, l.SpanSeconds = m.Age(l.Last), l.Last.Sub(l.First).Seconds()
	}
}
