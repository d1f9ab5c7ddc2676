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

// runs tells whether a pod is one of the component's.
func (c *Component) runs(namespace, name string) bool {
	return slices.ContainsFunc(c.Pods, func(p *Pod) bool { return p.Namespace == namespace && p.Name == name })
}
