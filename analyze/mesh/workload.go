package mesh

import (
	"slices"
	"strings"
)

// WorkloadSpec is a workload as one plane has it, in one form for istiod and
// ztunnel so that both compare field by field.
type WorkloadSpec struct {
	UID            string   `expr:"uid"`
	Name           string   `expr:"name"`
	Namespace      string   `expr:"namespace"`
	ServiceAccount string   `expr:"serviceAccount"`
	WorkloadName   string   `expr:"workloadName"` // of its controller; metrics name it so
	TrustDomain    string   `expr:"trustDomain"`
	Network        string   `expr:"network"`
	ClusterID      string   `expr:"clusterId"`
	Node           string   `expr:"node"`
	Protocol       string   `expr:"protocol"`    // "HBONE" or "TCP"
	NetworkMode    string   `expr:"networkMode"` // "Standard" or "HostNetwork"
	Status         string   `expr:"status"`      // "Healthy" or "Unhealthy"
	NativeTunnel   bool     `expr:"nativeTunnel"`
	Addresses      []string `expr:"addresses"` // sorted
	Region         string   `expr:"region"`
	Zone           string   `expr:"zone"`
	Subzone        string   `expr:"subzone"`
	Waypoint       string   `expr:"waypoint"` // destination, "" for none
	// NetworkGateway is the way into its network, "<network>/<address>", "" for its own.
	NetworkGateway string   `expr:"networkGateway"`
	Policies       []string `expr:"policies"` // "<ns>/<name>" by selector
	Services       []string `expr:"services"` // sorted
	Source         Evidence
}

// WorkloadView is one distinct spec of a workload and the ztunnels that hold it so.
type WorkloadView struct {
	Spec    *WorkloadSpec `expr:"spec"`
	Holders []*Ztunnel    `expr:"holders"`
}

// Workload is one workload uid over the three planes.
type Workload struct {
	// Cluster is the name of its cluster in a bundle of several, else "".
	Cluster   string `expr:"cluster"`
	UID       string `expr:"uid"`
	Namespace string `expr:"namespace"`
	Name      string `expr:"name"`
	// Kind is "Pod", "WorkloadEntry", "ServiceEntry", "EndpointSlice",
	// "NetworkGateway" or "SplitHorizon", from the uid's form.
	Kind  string `expr:"kind"`
	Local bool   `expr:"local"` // of this cluster
	// Home is the same workload in its own cluster, where that is another one in the bundle.
	Home *Workload `expr:"home"`
	// Gateway is the gateway, of any cluster in the bundle, by which its network is reached.
	Gateway *Waypoint `expr:"gateway"`
	Pod     *Pod      `expr:"pod"`  // nil where no pod backs it
	Node    *Node     `expr:"node"` // that Spec names; nil where it is none of this cluster
	// Istiod is istiod's side; nil where no replica that answered has it.
	Istiod *WorkloadSpec `expr:"istiod"`
	// Views are the distinct forms among ztunnels, most held first.
	Views []*WorkloadView `expr:"views"`
	// Spec is the form to show: istiod's, else the most held.
	Spec *WorkloadSpec `expr:"spec"`
	// MissingFrom are the ztunnels with a readable dump that lack it.
	MissingFrom []*Ztunnel `expr:"missingFrom"`
	// Holders counts the ztunnels that have it.
	Holders int `expr:"holders"`
	// Differs names the fields in which a ztunnel's form differs from Spec: "address", "node",
	// "protocol", "identity", "waypoint", "status", "policies".
	Differs []string `expr:"differs"`
	// DiffersOn are the ztunnels whose form differs from Spec.
	DiffersOn []*Ztunnel `expr:"differsOn"`
	// PodDiffers names the fields in which Spec contradicts the pod: "address", "node", "identity".
	PodDiffers []string `expr:"podDiffers"`
	// HBONE is true where Spec says that peers reach it over HBONE.
	HBONE bool `expr:"hbone"`
	// Captured is true where its pod is Up in its own node's ztunnel.
	Captured bool `expr:"captured"`
	// ThroughWaypoint is the waypoint that its callers are meant to come through:
	// its own, else the one that all of its services have; "" where there is none.
	ThroughWaypoint string `expr:"throughWaypoint"`
	// Flows are those with the workload's pod at either end.
	Flows []*Flow `expr:"flows"`

	// unknownTo are the mesh's istiods where none of them has it: what is wrong with them may be its cause.
	unknownTo []*Istiod
}

// Subject of a pod's workload is the pod, of all others the workload by its uid.
func (w *Workload) Subject() Subject {
	if w.Kind == "Pod" && w.Local {
		node := ""
		if w.Spec != nil {
			node = w.Spec.Node
		}
		return podSubject(w.Namespace, w.Name, node).Of(w.Cluster)
	}
	return Subject{Kind: "workload", Name: w.UID, Cluster: w.Cluster}
}

func (w *Workload) Refs() []string {
	keys := []string{w.Subject().Key()}
	if w.Spec != nil {
		keys = append(keys, nodeKey(w.Spec.Node))
	}
	if w.Pod != nil {
		keys = append(keys, w.Pod.Refs()...)
	}
	for _, z := range w.Lacking() {
		keys = append(keys, z.keys()...)
	}
	keys = append(keys, keysOf(w.unknownTo)...)
	return refs(keys...)
}

func (w *Workload) Evidence() []Evidence {
	es := []Evidence{}
	if w.Pod != nil {
		es = append(es, w.Pod.Source)
	}
	if w.Istiod != nil {
		es = append(es, w.Istiod.Source)
	}
	for i, v := range w.Views {
		if i == 2 {
			break
		}
		es = append(es, v.Spec.Source)
	}
	return evidence(es...)
}

func (w *Workload) Gap(input string) (*Gap, bool) {
	if w.Pod == nil || !strings.HasPrefix(input, "ztunnel.") || input == InputZtunnelDump {
		return nil, false
	}
	return w.Pod.Gap(input)
}

// Lacking are the ztunnels that do not hold the workload as the others do.
func (w *Workload) Lacking() []*Ztunnel { return slices.Concat(w.MissingFrom, w.DiffersOn) }
