package mesh

// joinServiceEntries ties ServiceEntries to what ztunnels hold of their hosts.
func joinServiceEntries(m *Mesh) {
	for _, e := range m.ServiceEntries {
		for _, host := range e.Hosts {
			if s := m.index.services[e.Namespace+"/"+host]; s != nil {
				e.Services = append(e.Services, s)
			}
		}
	}
}
