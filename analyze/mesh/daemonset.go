package mesh

// DaemonSet is one of the mesh's own DaemonSets.
type DaemonSet struct {
	Pods []*Pod `expr:"pods"`
	// Lacking are the nodes with ambient pods that have no pod of it.
	Lacking      []*Node `expr:"lacking"`
	Namespace    string  `expr:"namespace"`
	Name         string  `expr:"name"`
	Component    string  `expr:"component"` // "ztunnel" or "istio-cni"
	Desired      int     `expr:"desired"`
	Current      int     `expr:"current"`
	Ready        int     `expr:"ready"`
	Updated      int     `expr:"updated"`
	Unavailable  int     `expr:"unavailable"`
	Misscheduled int     `expr:"misscheduled"`
	Source       Evidence
}

func (d *DaemonSet) Subject() Subject {
	return Subject{Kind: "daemonset", Namespace: d.Namespace, Name: d.Name}
}

func (d *DaemonSet) Refs() []string {
	keys := []string{d.Subject().Key()}
	for _, p := range d.Pods {
		keys = append(keys, p.Refs()...)
	}
	for _, n := range d.Lacking {
		keys = append(keys, nodeKey(n.Name))
	}
	return refs(keys...)
}

func (d *DaemonSet) Evidence() []Evidence    { return evidence(d.Source) }
func (d *DaemonSet) Gap(string) (*Gap, bool) { return nil, false }
