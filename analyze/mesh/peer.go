package mesh

// Peer is one end of a flow.
type Peer struct {
	Address   string    `expr:"address"` // IP without the port
	Namespace string    `expr:"namespace"`
	Name      string    `expr:"name"` // the workload's, as the log names it
	Identity  string    `expr:"identity"`
	Workload  *Workload `expr:"workload"`
	Pod       *Pod      `expr:"pod"`
	Ztunnel   *Ztunnel  `expr:"ztunnel"` // of the pod's node
	// Captured is true where the pod is Up in its own node's ztunnel.
	Captured bool `expr:"captured"`
	// HBONE is true where the planes say that the workload speaks HBONE through ztunnel.
	HBONE bool `expr:"hbone"`
	// Envoy is true of gateways, waypoints and sidecars, which have their own mTLS.
	Envoy bool `expr:"envoy"`
	// NodeAddress is true where the address is a node's own: kubelet, host network, or a NATed caller.
	NodeAddress bool `expr:"nodeAddress"`
	// Gone is true where the log names a pod that Kubernetes no longer has.
	Gone bool `expr:"gone"`
	// Remote is true where another cluster of the bundle has the pod, and this one has not.
	Remote bool `expr:"remote"`

	key string // of its subject
}

// Subject of a peer is its pod, else the workload that the log names, else its address.
func (p *Peer) Subject() Subject {
	switch {
	case p.Pod != nil:
		return p.Pod.Subject()
	case p.Name != "":
		return podSubject(p.Namespace, p.Name, "")
	default:
		return Subject{Kind: "address", Name: p.Address}
	}
}

func (p *Peer) refs() []string {
	keys := []string{p.Subject().Key(), identityKey(p.Identity)}
	if p.Pod != nil {
		keys = append(keys, p.Pod.Refs()...)
	}
	if p.Ztunnel != nil {
		keys = append(keys, p.Ztunnel.Refs()...)
	}
	return keys
}
