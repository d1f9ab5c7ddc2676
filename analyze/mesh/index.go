package mesh

// index is how joins find things: by key, never by scanning pairs. What was
// read is in it from the start; workloads and services are added as they are made.
type index struct {
	namespaces map[string]*Namespace
	nodes      map[string]*Node
	podByName  map[string]*Pod // "<ns>/<name>"
	podByUID   map[string]*Pod
	podByIP    map[string]*Pod // pods of their own network namespace only
	nodeByIP   map[string]*Node
	ztunnels   map[string]*Ztunnel  // by node
	ztunnelPod map[string]*Ztunnel  // "<ns>/<name>"
	gateways   map[string]*Waypoint // "<ns>/<name>"
	workloads  map[string]*Workload
	byIP       map[string]*Workload // standard network mode only
	byPod      map[string]*Workload // "<ns>/<name>" of local pods
	services   map[string]*Service  // "<ns>/<hostname>"
}

// joinIndex indexes what was read.
func joinIndex(m *Mesh) {
	x := index{
		namespaces: make(map[string]*Namespace, len(m.Namespaces)),
		nodes:      make(map[string]*Node, len(m.Nodes)),
		podByName:  make(map[string]*Pod, len(m.Pods)),
		podByUID:   make(map[string]*Pod, len(m.Pods)),
		podByIP:    make(map[string]*Pod, len(m.Pods)),
		nodeByIP:   make(map[string]*Node, len(m.Nodes)),
		ztunnels:   make(map[string]*Ztunnel, len(m.Ztunnels)),
		ztunnelPod: make(map[string]*Ztunnel, len(m.Ztunnels)),
		gateways:   make(map[string]*Waypoint, len(m.Waypoints)),
		workloads:  map[string]*Workload{},
		byIP:       map[string]*Workload{},
		byPod:      map[string]*Workload{},
		services:   make(map[string]*Service, len(m.Services)),
	}
	for _, n := range m.Namespaces {
		x.namespaces[n.Name] = n
	}
	for _, n := range m.Nodes {
		x.nodes[n.Name] = n
		for _, a := range n.Addresses {
			x.nodeByIP[a] = n
		}
	}
	for _, p := range m.Pods {
		x.podByName[p.Namespace+"/"+p.Name] = p
		x.podByUID[p.UID] = p
		if !p.HostNetwork && p.Phase == "Running" {
			for _, ip := range p.IPs {
				x.podByIP[ip] = p
			}
		}
	}
	for _, z := range m.Ztunnels {
		x.ztunnelPod[z.Namespace+"/"+z.Name] = z
		if old := x.ztunnels[z.NodeName]; old == nil || !old.HasDump {
			x.ztunnels[z.NodeName] = z
		}
	}
	for _, w := range m.Waypoints {
		x.gateways[w.Namespace+"/"+w.Name] = w
	}
	for _, s := range m.Services {
		x.services[s.Namespace+"/"+s.Hostname] = s
	}
	m.index = x
}

// addWorkload adds one that was joined.
func (x *index) addWorkload(w *Workload) {
	x.workloads[w.UID] = w
	if w.Kind == "Pod" && w.Local {
		x.byPod[w.Namespace+"/"+w.Name] = w
	}
	if w.Spec == nil || w.Spec.NetworkMode == "HostNetwork" {
		return
	}
	for _, a := range w.Spec.Addresses {
		// A pod that lives holds its address against an entry that outlived its own.
		if old := x.byIP[a]; old == nil || old.Pod == nil && w.Pod != nil {
			x.byIP[a] = w
		}
	}
}
