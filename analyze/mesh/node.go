package mesh

import "time"

// Node is a Kubernetes node with the mesh's agents on it.
type Node struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster       string            `expr:"cluster"`
	Name          string            `expr:"name"`
	Labels        map[string]string `expr:"labels"`
	Ready         bool              `expr:"ready"`
	Unschedulable bool              `expr:"unschedulable"`
	// ReadySince is when Ready last became what it is, ReadyForSeconds how long ago that was.
	ReadySince      time.Time `expr:"readySince"`
	ReadyForSeconds float64   `expr:"readyForSeconds"`
	// Virtual is true of nodes that run no DaemonSets: virtual kubelets, Fargate, Windows.
	Virtual    bool      `expr:"virtual"`
	Created    time.Time `expr:"created"`
	AgeSeconds float64   `expr:"ageSeconds"`
	BootID     string    `expr:"bootId"`
	// Platform is the Kubernetes that its names tell of, where istio-cni needs to be told so:
	// "k3s", "microk8s", "minikube", "k3d", "openshift", "gke" or "".
	Platform string `expr:"platform"`
	// RebootedSeconds is how long ago its kubelet told of a reboot; 0 where no event does.
	RebootedSeconds float64  `expr:"rebootedSeconds"`
	Addresses       []string `expr:"addresses"`
	// ProbeAddresses are those that its kubelet's failed probes came from, as Unhealthy events name
	// them: of a bridge or a tunnel too, which are none of the node's own addresses.
	ProbeAddresses []string `expr:"probeAddresses"`
	Taints         []string `expr:"taints"`

	Ztunnel *Ztunnel `expr:"ztunnel"`
	CNI     *CNI     `expr:"cni"`
	Pods    []*Pod   `expr:"pods"`
	// AmbientPods are the node's running pods that are selected for or enrolled in the mesh.
	AmbientPods []*Pod `expr:"ambientPods"`
	// WantsZtunnel and WantsCNI are false where the DaemonSet's own selector
	// or tolerations keep it off this node.
	WantsZtunnel bool `expr:"wantsZtunnel"`
	WantsCNI     bool `expr:"wantsCni"`
	Source       Evidence
}

func nodeKey(name string) string     { return Subject{Kind: "node", Name: name}.Key() }
func (n *Node) Subject() Subject     { return Subject{Kind: "node", Name: n.Name, Cluster: n.Cluster} }
func (n *Node) Refs() []string       { return refs(n.Subject().Key()) }
func (n *Node) Evidence() []Evidence { return evidence(n.Source) }

func (n *Node) Gap(input string) (*Gap, bool) {
	return ztunnelGap(n.Ztunnel, n.Name, input)
}
