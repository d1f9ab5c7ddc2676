package mesh

import "slices"

// Component is a part of Istio in one version, with the pods that run it.
type Component struct {
	Name string `expr:"name"` // "istiod", "ztunnel" or "istio-cni"
	// Version is Istio's, "" where neither the component nor its image's tag tells it.
	Version string `expr:"version"`
	Pods    []*Pod `expr:"pods"`
	// KnownBugs are those of its version that this mesh has what it takes to meet.
	KnownBugs []*KnownBug `expr:"knownBugs"`
}

// joinComponents groups the mesh's own pods by what they run, and says of
// which no version is known.
func (m *Mesh) joinComponents() {
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

func (c *Component) Subject() Subject {
	if c.Version == "" {
		return Subject{Kind: "component", Name: c.Name}
	}
	return Subject{Kind: "component", Name: c.Name + " " + c.Version}
}

// Refs are the component and its pods.
func (c *Component) Refs() []string {
	keys := []string{c.Subject().Key()}
	keys = append(keys, keysOf(c.Pods)...)
	return refs(keys...)
}

// Evidence is its first pod's.
func (c *Component) Evidence() []Evidence {
	if len(c.Pods) == 0 {
		return nil
	}
	return c.Pods[0].Evidence()
}
func (c *Component) Gap(string) (*Gap, bool) { return nil, false }
