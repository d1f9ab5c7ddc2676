package mesh

import "slices"

// joinComponents groups the mesh's own pods by what they run, and says of
// which no version is known.
func joinComponents(m *Mesh) {
	gaps := []Gap{}
	add := func(name, version string, p *Pod, s Subject) {
		if version == "" {
			gaps = append(gaps, Gap{Subject: s.String(), Reason: "no version is known: its image has no tag, and it does not tell one"})
		}
		at := slices.IndexFunc(m.Components, func(c *Component) bool { return c.Name == name && c.Version == version })
		if at < 0 {
			m.Components = append(m.Components, &Component{Name: name, Version: version})
			at = len(m.Components) - 1
		}
		if p != nil {
			m.Components[at].Pods = append(m.Components[at].Pods, p)
		}
	}
	for _, i := range m.Istiods {
		add("istiod", i.Version, i.Pod, i.Subject())
	}
	for _, z := range m.Ztunnels {
		add("ztunnel", z.Version, z.Pod, z.Subject())
	}
	for _, c := range m.CNIs {
		add("istio-cni", c.Version, c.Pod, c.Subject())
	}
	m.SetGaps(InputVersion, gaps...)
}
